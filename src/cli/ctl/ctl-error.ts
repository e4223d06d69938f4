/** How commands that ask a cluster end when they cannot do what they should. */

/** etcdctl's exit codes. */
export const CTL_EXIT = {
  done: 0,
  failed: 1,
  notConnected: 2,
  invalidInput: 3,
  unsupported: 4,
  interrupted: 5,
  notWritten: 6,
  badArguments: 128,
} as const

/** Ends a command: `Error: ` and the message, on standard error; without a message all was said already. */
export class CtlError extends Error {
  override readonly name = 'CtlError'

  constructor(
    readonly exitCode: number,
    message = '',
  ) {
    super(message)
  }
}

export function badArguments(message: string): CtlError {
  return new CtlError(CTL_EXIT.badArguments, message)
}
