/**
 * Keys and names in messages: in quotes, on one line and of a bounded length, whatever somebody called them.
 *
 * Messages end in logs and on terminals. A line break in a key would begin an entry of its own there, an escape character
 * would be obeyed, and what cannot be seen makes two names look like one.
 */
import { keyText, type Key } from './bytes.js'

/** Characters that a message shows of one key or name; of the rest it tells how long it is. */
const SHOWN_MAX = 64
/** UTF-16 has two units, and UTF-8 four bytes, for a character at most. */
const UNITS_MAX = 2 * (SHOWN_MAX + 1)
const BYTES_MAX = 4 * (SHOWN_MAX + 1)

/** Controls, what is not seen or turns the direction of text, halves of surrogate pairs, ends of lines, and our own marks. */
const ESCAPED = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029'\\]/gu

/** A name: `'ann'`, `'a\x1b[2J'`, `'aaaa…' (60000 bytes)`. */
export function quote(name: string): string {
  return inQuotes(name.slice(0, UNITS_MAX), () => Buffer.byteLength(name, 'utf8'))
}

/** The same of a key or a prefix. */
export function quoteKey(key: Key): string {
  return inQuotes(keyText(key.slice(0, BYTES_MAX)), () => key.length)
}

function inQuotes(text: string, bytes: () => number): string {
  const shown = [...text].slice(0, SHOWN_MAX).join('')
  const escaped = shown.replaceAll(ESCAPED, escape)
  return shown.length === text.length ? `'${escaped}'` : `'${escaped}…' (${bytes()} bytes)`
}

function escape(character: string): string {
  if (character === "'" || character === '\\') return `\\${character}`
  const code = character.codePointAt(0) ?? 0
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}
