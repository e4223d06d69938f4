/** Throws TypeError for what cannot be the name of a lock, an election or another recipe. */
export function checkName(name: string): void {
  if (typeof name !== 'string' || name === '') throw new TypeError('name must be a string of at least one character')
}
