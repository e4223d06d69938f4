/** What programs say of a command line that makes no sense. */

/** Of an option; ends the process where it is none. */
export function wholeNumber(option: string, text: string, least = 0): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (Number.isSafeInteger(value) && value >= least) return value
  return usage(`--${option} takes a whole number${least > 0 ? ` of at least ${least}` : ''}, not "${text}"`)
}

/** Ends the process, with 2. */
export function usage(what: string): never {
  console.error(`${what}\n(--help says what there is)`)
  process.exit(2)
}
