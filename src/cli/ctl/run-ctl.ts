/** Makes an entry of the table of commands out of a command that asks a cluster. */
import { isStoreError } from '../../base/errors.js'
import { systemEnvironment } from '../../runtime/system.js'
import type { ForeignCommand } from '../command.js'
import type { Terminal } from '../terminal.js'
import { Context } from './context.js'
import { badArguments, CTL_EXIT, CtlError, type CtlCommand } from './ctl-command.js'
import { ctlHelp } from './ctl-help.js'
import type { CtlFlag } from './ctl-flag.js'
import { GLOBAL_FLAGS } from './global-flags.js'
import { parseWords } from './parse.js'

const HELP: CtlFlag = { name: 'help', short: 'h', type: 'boolean', summary: 'says what the command does and takes' }

export function foreignOf(command: CtlCommand): ForeignCommand {
  const { name, summary, operands } = command
  return {
    name,
    summary,
    operands: operands === '' ? [] : [operands],
    runWords: (words, terminal, { debug }) => runCtl(command, words, terminal, debug),
  }
}

async function runCtl(
  command: CtlCommand,
  words: readonly string[],
  terminal: Terminal,
  debug: boolean,
): Promise<number> {
  const flags = [...(command.flags ?? []), ...GLOBAL_FLAGS, HELP]
  let context: Context | undefined
  try {
    const parsed = parseWords(words, flags)
    if (parsed.flags.get(HELP.name) === 'true') {
      terminal.out(ctlHelp(command))
      return CTL_EXIT.done
    }
    const { variables = {} } = terminal
    context = new Context({ words: parsed, flags, variables, terminal, environment: systemEnvironment() })
    return (await command.run(context)) ?? CTL_EXIT.done
  } catch (error) {
    return tell(error, terminal, debug || context?.is('debug') === true)
  } finally {
    context?.close()
  }
}

/** As etcdctl says it, in one line. */
function tell(error: unknown, { err, signal }: Terminal, debug: boolean): number {
  // Told by who ended it.
  if (signal.aborted) return CTL_EXIT.interrupted
  if (error instanceof CtlError) {
    err(`Error: ${error.message}\n`)
    return error.exitCode
  }
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error))
  err(`Error: ${debug ? stack : isStoreError(error) ? message : `unexpected: ${message}`}\n`)
  return CTL_EXIT.failed
}

/** Throws {@link CtlError} unless there are at least `least` operands and at most `most`. */
export function checkOperands({ operands }: Context, what: string, least: number, most = least): void {
  if (operands.length >= least && operands.length <= most) return
  throw badArguments(what)
}
