/** Functions of the user that must not be async, since what they return is needed at once. */

/** Gives `value` back. Throws TypeError for a promise: nobody would wait for it, and its rejection would end the process. */
export function notPromise<T>(value: T, what: string): T {
  const { then } = (value ?? {}) as { readonly then?: unknown }
  if (typeof then !== 'function') return value
  Promise.resolve(value).catch(() => undefined)
  throw new TypeError(`${what} must not be async`)
}
