/** From the words of a command that asks a cluster to its exit code. */
import { systemEnvironment } from '../../runtime/system.js'
import type { About } from '../command.js'
import type { Terminal } from '../terminal.js'
import { Context } from './context.js'
import type { CtlCommand, CtlEntry } from './ctl-command.js'
import { CTL_EXIT, CtlError } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { ctlHelp } from './ctl-help.js'
import { errorText, isLoginRefused } from './error-text.js'
import { GLOBAL_FLAGS } from './global-flags.js'
import { parseWords } from './parse.js'

const HELP: CtlFlag = { name: 'help', short: 'h', type: 'boolean', summary: 'says what the command does and takes' }

export interface CtlRun {
  readonly entry: CtlEntry
  readonly command: CtlCommand
  readonly words: readonly string[]
  readonly terminal: Terminal
  readonly about: About
}

export async function runCtl({ entry, command, words, terminal, about }: CtlRun): Promise<number> {
  const flags = [...(command.flags ?? []), ...GLOBAL_FLAGS, HELP]
  let context: Context | undefined
  try {
    const { runsProgram = false } = command
    const { behind, ...parsed } = parseWords(words, flags)
    if (parsed.flags.get(HELP.name) === 'true') {
      terminal.out(ctlHelp(entry, command))
      return CTL_EXIT.done
    }
    const operands = runsProgram ? parsed.operands : [...parsed.operands, ...(behind ?? [])]
    const { variables = {} } = terminal
    context = new Context({
      words: { ...parsed, operands, behind: runsProgram ? behind : undefined },
      ...{ flags, variables, terminal, version: about.version, environment: systemEnvironment() },
    })
    // Before anything is done that could not be told then.
    void context.format
    await command.run(context)
    return CTL_EXIT.done
  } catch (error) {
    return tell(error, terminal, about.debug || isDebugging(context))
  } finally {
    context?.close()
  }
}

function isDebugging(context: Context | undefined): boolean {
  try {
    return context?.is('debug') === true
  } catch {
    return false
  }
}

/** As etcdctl says it, in one line. */
function tell(error: unknown, { err, signal }: Terminal, debug: boolean): number {
  // Told by who ended it.
  if (signal.aborted) return CTL_EXIT.interrupted
  if (error instanceof CtlError) {
    if (error.message !== '') err(`Error: ${error.message}\n`)
    return error.exitCode
  }
  const stack = error instanceof Error ? error.stack : undefined
  err(`Error: ${debug ? (stack ?? errorText(error)) : errorText(error)}\n`)
  return isLoginRefused(error) ? CTL_EXIT.notConnected : CTL_EXIT.failed
}
