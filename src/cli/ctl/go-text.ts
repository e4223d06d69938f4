/** Texts in double quotes as Go writes them (`%q`) and reads them. What they stand for is bytes. */

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
])
const MEANT: ReadonlyMap<string, string> = new Map([...NAMED].map(([meant, written]) => [written.slice(1), meant]))

export function goQuote(bytes: Uint8Array | string): string {
  const given = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes)
  const parts: string[] = []
  for (let at = 0; at < given.length;) {
    const character = characterAt(given, at)
    parts.push(character === undefined ? hex(given[at] ?? 0) : quoted(character))
    at += character === undefined ? 1 : Buffer.byteLength(character)
  }
  return `"${parts.join('')}"`
}

/** Undefined where no whole character of UTF-8 begins. */
function characterAt(bytes: Buffer, at: number): string | undefined {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  const part = bytes.subarray(at, at + length)
  const text = part.toString('utf8')
  return Buffer.from(text).equals(part) ? text : undefined
}

function quoted(character: string): string {
  const named = NAMED.get(character)
  if (named !== undefined) return named
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  if (code < 0x80) return hex(code)
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

export interface Unquoted {
  readonly bytes: Buffer
  /** What stands behind the closing quote. */
  readonly rest: string
}

const ESCAPE = /^\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/

/** Of a text that begins with a quote. Undefined: it is none. */
export function goUnquoted(text: string): Unquoted | undefined {
  if (!text.startsWith('"')) return undefined
  const parts: Buffer[] = []
  for (let at = 1; at < text.length;) {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
    if (character === '"') return { bytes: Buffer.concat(parts), rest: text.slice(at + 1) }
    if (character !== '\\') {
      parts.push(Buffer.from(character))
      at += character.length
      continue
    }
    const escape = ESCAPE.exec(text.slice(at, at + 10))
    const meant = escape === null ? undefined : meaningOf(escape)
    if (escape === null || meant === undefined) return undefined
    parts.push(meant)
    at += escape[0].length
  }
  return undefined
}

function meaningOf([, name, byte, short, long, octal]: RegExpExecArray): Buffer | undefined {
  if (name !== undefined) return Buffer.from(MEANT.get(name) ?? '')
  if (byte !== undefined) return Buffer.of(Number.parseInt(byte, 16))
  if (octal !== undefined) return Buffer.of(Number.parseInt(octal, 8))
  const code = Number.parseInt(short ?? long ?? '', 16)
  return code > 0x10ffff ? undefined : Buffer.from(String.fromCodePoint(code))
}
