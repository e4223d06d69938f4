/**
 * What version 2 added to the hello: the channel that the connection is to be, and the life of the process that calls.
 *
 *     extension: ( tag u8 | length u8 | value )*
 *
 * Always: an entry whose tag is not known is skipped, so that later versions can add some. A hello of version 1 has none of
 * it, and what else stands there is not looked at: version 1 left it to versions to come.
 */
import { Reader, Writer } from '../base/codec.js'
import type { Channel } from './transport.js'

/** What a connection is for. `question`: somebody who is no member asks something, once. */
export type Purpose = Channel | 'question'

export interface HelloExtension {
  /** `unknown`: of a later version. */
  readonly purpose: Purpose | 'unknown'
  /** Chosen at random at each start: tells two processes apart that say they are the same member. */
  readonly life: number | undefined
}

const TAG = { purpose: 1, life: 2 } as const
/** The position is the number on the wire. */
const PURPOSES = ['main', 'bulk', 'question'] as const satisfies readonly Purpose[]

export function encodeHelloExtension({ purpose, life }: HelloExtension): Uint8Array {
  const writer = new Writer(16)
  if (purpose !== 'unknown') writer.uint8(TAG.purpose).uint8(1).uint8(PURPOSES.indexOf(purpose))
  if (life !== undefined) writer.uint8(TAG.life).uint8(8).uint53(life)
  return writer.finish()
}

/** Throws `MALFORMED`. */
export function decodeHelloExtension(bytes: Uint8Array): HelloExtension {
  const reader = new Reader(bytes, 'extension of a hello')
  let purpose: HelloExtension['purpose'] = 'main'
  let life: number | undefined
  while (reader.remaining > 0) {
    const tag = reader.uint8()
    const value = new Reader(reader.raw(reader.uint8()), 'extension of a hello')
    if (tag === TAG.purpose) purpose = PURPOSES[value.uint8()] ?? 'unknown'
    else if (tag === TAG.life) life = value.uint53()
    else continue
    value.end()
  }
  return { purpose, life }
}
