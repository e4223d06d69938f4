/**
 * What a server of ours adds to an error, since etcd's text says less than ours: which code it is, in words of its own, and
 * what became of the call. It goes beside the status, in the metadata at the end of a call. Clients of etcd do not look at it,
 * and a client of ours does without where it is missing.
 */
import { Metadata } from '@grpc/grpc-js'
import { ERRORS, StoreError, type ErrorCode } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'

/** By its end gRPC knows that these are bytes: the words may hold any character. */
const KEY = 'quorate-error-bin'

export function errorDetail({ code, message, outcome, compactRevision }: StoreError): Metadata {
  const metadata = new Metadata()
  // Metadata are headers, of which a connection takes so many bytes and no more.
  const words = Buffer.from(message).subarray(0, LIMITS.errorDetailBytesMax).toString()
  metadata.set(KEY, Buffer.from(JSON.stringify({ code, outcome, message: words, compactRevision })))
  return metadata
}

/** Undefined where there is none, or none that this version knows. */
export function errorOfDetail(metadata: Metadata | undefined, cause: unknown): StoreError | undefined {
  const [bytes] = metadata?.get(KEY) ?? []
  if (!Buffer.isBuffer(bytes)) return undefined
  const { code, message, outcome, compactRevision } = parsed(bytes)
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code) || typeof message !== 'string') return undefined
  return new StoreError(code as ErrorCode, message, {
    outcome: outcome === 'refused' ? 'refused' : 'unknown',
    ...(typeof compactRevision === 'number' && { compactRevision }),
    cause,
  })
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}
