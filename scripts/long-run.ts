/** What the scripts of long runs share: options that are counts, and lines that say when. */

const startMs = performance.now()

/** Prints `text` with the seconds since the script began. */
export function say(text: string): void {
  console.log(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(6)} s  ${text}`)
}

/** Throws RangeError for what is no positive whole number. */
export function positive(option: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new RangeError(`--${option} must be a positive integer, not ${text}`)
  return value
}
