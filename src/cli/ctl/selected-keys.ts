/** Which keys a command is about: one, from one to another, all from one on, all with a prefix. */
import { badArguments } from './ctl-error.js'
import type { Context } from './context.js'
import type { CtlFlag } from './ctl-flag.js'

export const SELECTION_FLAGS: readonly CtlFlag[] = [
  { name: 'prefix', type: 'boolean', summary: 'all keys that start with KEY' },
  { name: 'from-key', type: 'boolean', summary: 'all keys from KEY on' },
]

export interface SelectedKeys {
  readonly key: Buffer
  /** As etcd takes it: empty for one key, a zero byte for no end. */
  readonly rangeEnd: Buffer
}

const ZERO = Buffer.of(0)
const NONE = Buffer.alloc(0)

/** Throws {@link CtlError}. */
export function selectedKeys(context: Context, command: string): SelectedKeys {
  const { operands } = context
  const [first = '', end] = operands
  if (operands.length === 0 || operands.length > 2) {
    throw badArguments(`${command} command needs one argument as key and an optional argument as range_end`)
  }
  const [prefix, fromKey] = [context.is('prefix'), context.is('from-key')]
  if (prefix && fromKey) {
    throw badArguments('`--prefix` and `--from-key` cannot be set at the same time, choose one')
  }
  if (end !== undefined && (prefix || fromKey)) {
    throw badArguments('too many arguments, only accept one argument when `--prefix` or `--from-key` is set')
  }
  const key = Buffer.from(first)
  if (prefix) return key.length === 0 ? { key: ZERO, rangeEnd: ZERO } : { key, rangeEnd: prefixEndOf(key) }
  if (fromKey) return { key: key.length === 0 ? ZERO : key, rangeEnd: ZERO }
  return { key, rangeEnd: end === undefined ? NONE : Buffer.from(end) }
}

/** The least key that does not start with it; a zero byte where there is none. */
export function prefixEndOf(prefix: Buffer): Buffer {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix[at] ?? 0
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, at), Buffer.of(byte + 1)])
  }
  return ZERO
}
