/** Values of some KiB that are known by a short id, so that a value that comes back damaged is noticed where it is read. */

export function valueOf(id: string, bytes: number): string {
  const head = `${id}/${bytes}/`
  return head + id.repeat(Math.ceil(bytes / id.length)).slice(0, Math.max(0, bytes - head.length))
}

/** The id of a value. Throws when the value is not what was written under it. */
export function idOf(value: string): string {
  const [id = '', bytes = ''] = value.split('/', 2)
  if (value !== valueOf(id, Number(bytes))) throw new Error(`a value is damaged: ${value.slice(0, 40)}…`)
  return id
}
