/** What can be fed with bytes from outside, and what may come of it. */
import type fc from 'fast-check'
import { isStoreError, type ErrorCode } from '../../src/base/errors.js'

/** The bytes were taken for something, or refused as documented. Anything else is thrown. */
export type Verdict = 'taken' | 'refused'

export interface FuzzTarget {
  readonly name: string
  /** Of a run's inputs: a decoder takes microseconds for one, a connection a thousand times that. */
  readonly share: number
  /** Inputs as they should be, also to be damaged. */
  readonly valid: fc.Arbitrary<Uint8Array>
  /** What real members said or wrote (corpus.ts), to be damaged. */
  readonly captured: readonly Uint8Array[]
  /** As dear as the format allows: what a peer would send that wants to cost most. Each is fed once. */
  readonly extremes?: readonly (() => Uint8Array)[]
  /** Makes checksums right again, in place: a damage that is seen by its checksum gets no further. */
  readonly mend?: (bytes: Uint8Array) => void
  /** Bytes that an input may cost however small it is, besides LEAST_BYTES: the sockets of a connection, say. */
  readonly fixedBytes?: number
  /** Feeds it. What is to be measured is what the returned function does; the rest is preparation. */
  prepare(input: Uint8Array): () => Verdict | Promise<Verdict>
  /** After the last input. */
  close?(): Promise<void>
}

/** A decoder: gives a value or fails with one of these codes. */
export function decoder(
  target: Omit<FuzzTarget, 'prepare' | 'share'> & {
    readonly codes: readonly ErrorCode[]
    readonly decode: (input: Uint8Array) => unknown
    readonly share?: number
  },
): FuzzTarget {
  const { codes, decode, ...rest } = target
  return { share: 1, ...rest, prepare: (input) => () => verdictOf(codes, () => decode(input)) }
}

function verdictOf(codes: readonly ErrorCode[], decode: () => unknown): Verdict | Promise<Verdict> {
  try {
    const value = decode()
    if (!(value instanceof Promise)) return 'taken'
    return value.then(
      () => 'taken',
      (error: unknown) => refused(codes, error),
    )
  } catch (error) {
    return refused(codes, error)
  }
}

export function refused(codes: readonly ErrorCode[], error: unknown): Verdict {
  if (codes.some((code) => isStoreError(error, code))) return 'refused'
  throw error
}
