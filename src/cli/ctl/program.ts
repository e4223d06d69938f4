/** A program that a command runs, with the terminal that the command has. */
import { spawn } from 'node:child_process'
import { CTL_EXIT } from './ctl-error.js'

export interface ProgramEnd {
  readonly exitCode: number
  /** Undefined: it succeeded. Else what is wrong, as Go says it. */
  readonly failure: string | undefined
}

export function runProgram(
  [name = '', ...words]: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const child = spawn(name, words, { stdio: 'inherit', env: variables })
    child.once('error', ({ message }) => {
      resolve({ exitCode: CTL_EXIT.failed, failure: message })
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve({ exitCode: 0, failure: undefined })
      else if (code === null) resolve({ exitCode: CTL_EXIT.failed, failure: `signal: ${signal ?? 'unknown'}` })
      else resolve({ exitCode: code, failure: `exit status ${code}` })
    })
  })
}
