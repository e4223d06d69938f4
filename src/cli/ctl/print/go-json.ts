/**
 * Messages as etcdctl's `-w json` has them: numbers as numbers, however large; bytes in base64; enums by their numbers; what is
 * zero or empty left out; and what is one of several wrapped in the name of which one it is.
 */

/** One line, without its end. */
export function goJson(value: unknown): string {
  return text(value) ?? 'null'
}

/** Undefined for what is left out. */
function text(value: unknown): string | undefined {
  switch (typeof value) {
    case 'bigint':
      return value === 0n ? undefined : value.toString()
    case 'number':
      return value === 0 ? undefined : String(value)
    case 'boolean':
      return value ? 'true' : undefined
    case 'string':
      return value === '' ? undefined : JSON.stringify(value)
    case 'object':
      return value === null ? undefined : structured(value)
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined
  }
}

function structured(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return byteLength === 0 ? undefined : `"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"`
  }
  if (Array.isArray(value)) {
    const parts = value.map((each) => text(each) ?? '{}')
    return parts.length === 0 ? undefined : `[${parts.join(',')}]`
  }
  return `{${Object.entries(value)
    .flatMap(([name, each]) => field(name, each))
    .join(',')}}`
}

function field(name: string, value: unknown): string[] {
  if (isOneOf(value)) {
    return [`"${capital(name)}":{"${value.$case.split('_').map(capital).join('')}":${text(value.value) ?? '{}'}}`]
  }
  const shown = text(value)
  return shown === undefined ? [] : [`"${name}":${shown}`]
}

function isOneOf(value: unknown): value is { readonly $case: string; readonly value: unknown } {
  return typeof value === 'object' && value !== null && '$case' in value
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
