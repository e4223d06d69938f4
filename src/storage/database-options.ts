/**
 * How every database of ours is made: keys are latin1 strings (one character per byte, so that string order is byte
 * order), values are bytes as they are.
 */

/** One byte per character. abstract-level's own 'utf8' would turn every byte above 0x7f into two, in another order. */
const LATIN1 = {
  name: 'latin1',
  format: 'buffer',
  encode: (key: string): Buffer => Buffer.from(key, 'latin1'),
  decode: (key: Buffer): string => key.toString('latin1'),
} as const

export const DATABASE_OPTIONS = { keyEncoding: LATIN1, valueEncoding: 'view' } as const

/** Write options: the batch is durable when its promise resolves. (abstract-level leaves `sync` to implementations.) */
export const DURABLE: object = { sync: true }
