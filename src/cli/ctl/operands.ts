/** Ends of commands: because of what was given, and because of what a server said. */
import type { Context } from './context.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { errorText, isLoginRefused } from './error-text.js'

/** Throws {@link CtlError} with `what` unless there are at least `least` operands and at most `most`. */
export function checkOperands({ operands }: Context, what: string, least: number, most = least): void {
  if (operands.length >= least && operands.length <= most) return
  throw badArguments(what)
}

/** What is done, and if it fails an end with this exit code, and what is said around the error's text. */
export async function asEnd<T>(action: Promise<T>, exitCode: number, around = (text: string) => text): Promise<T> {
  try {
    return await action
  } catch (error) {
    if (error instanceof CtlError) throw error
    throw new CtlError(isLoginRefused(error) ? CTL_EXIT.notConnected : exitCode, around(errorText(error)))
  }
}
