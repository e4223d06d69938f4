/** Keys and values as etcdctl's `-w simple` has them: a line for the key, a line for the value. */
import type { KeyValue } from '../../../etcd/generated/rpc.js'

export interface SimpleOptions {
  /** As `\x61\x62`. */
  readonly hex: boolean
  readonly valueOnly?: boolean
}

export function keyValueLines(keyValues: readonly KeyValue[], { hex, valueOnly = false }: SimpleOptions): string {
  return keyValues
    .map(({ key, value }) => (valueOnly ? '' : `${bytesText(key, hex)}\n`) + `${bytesText(value, hex)}\n`)
    .join('')
}

export function bytesText(bytes: Uint8Array, hex: boolean): string {
  if (!hex) return Buffer.from(bytes).toString('utf8')
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}
