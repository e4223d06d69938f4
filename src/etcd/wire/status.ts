/**
 * Between operating errors and the status and text that etcd's clients know: they match on the text, to the letter.
 *
 * Always: what the table of errors (base/errors.ts) says of a code is what goes out; what comes in is looked up in the same
 * table. A code that etcd has no text for has ours.
 */
import { status, type Metadata } from '@grpc/grpc-js'
import { ERRORS, type ErrorCode, type StoreError } from '../../base/errors.js'
import { errorDetail } from './error-detail.js'

/** As a call over gRPC ends. */
export interface WireStatus {
  readonly code: status
  readonly details: string
  /** What is told beside it: see error-detail.ts. */
  readonly metadata?: Metadata
}

export function statusOf(error: StoreError): WireStatus {
  const row: { readonly grpc: (typeof ERRORS)[ErrorCode]['grpc']; readonly etcd?: string } = ERRORS[error.code]
  return { code: STATUS_CODES[row.grpc], details: row.etcd ?? error.message, metadata: errorDetail(error) }
}

/** The code whose text, or whose text in etcd, this is. Undefined: none has it. */
export function errorCodeOf(details: string): ErrorCode | undefined {
  return CODE_BY_TEXT.get(details)
}

const STATUS_CODES: Readonly<Record<(typeof ERRORS)[ErrorCode]['grpc'], status>> = {
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  OUT_OF_RANGE: status.OUT_OF_RANGE,
  NOT_FOUND: status.NOT_FOUND,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  UNAVAILABLE: status.UNAVAILABLE,
  CANCELED: status.CANCELLED,
  DATA_LOSS: status.DATA_LOSS,
  UNKNOWN: status.UNKNOWN,
}

const CODE_BY_TEXT: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries(ERRORS).flatMap(([code, row]) => ('etcd' in row ? [[row.etcd, code as ErrorCode] as const] : [])),
)
