/** The name of a lock, an election, a queue or another recipe, and where its keys lie. */

/** Throws TypeError for what cannot be one. */
export function checkName(name: string): void {
  if (typeof name !== 'string' || name === '') throw new TypeError('name must be a string of at least one character')
}

/** What the keys of a recipe start with; other keys may, too. */
export function prefixOf(name: string): string {
  return `${name}/`
}
