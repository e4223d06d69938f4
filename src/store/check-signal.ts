/** What every call that can be aborted checks first. */

/** Throws TypeError for what is none: a controller given in place of its signal would end nothing. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || (typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function'))
    return
  throw new TypeError('signal must be an AbortSignal, as `signal` of an AbortController')
}
