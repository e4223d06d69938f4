/**
 * How a call over gRPC failed, as an operating error of ours, and what is to be done about it.
 *
 * Always: a write is said to be refused only where that is certain: the server says that it refuses such a request, or the
 * request was never sent. Everything else has the outcome `unknown`.
 * Always: that a server stops is not `CLOSED`. Other ones are there, and what is closed for good is the client alone.
 */
import { status, type ServiceError } from '@grpc/grpc-js'
import { ERRORS, StoreError, type ErrorCode, type Outcome } from '../../base/errors.js'
import { errorOfDetail } from '../wire/error-detail.js'

export interface Failure {
  readonly error: StoreError
  /** The call did not reach a server, or was refused by it before anything was done: it can be made again, on another one. */
  readonly untouched: boolean
  /** Not the call is at fault but the server or the way to it: others should be asked. */
  readonly elsewhere: boolean
  /** It passes: what may be made twice without harm is made again. */
  readonly passes: boolean
}

/** A failure whose text tells it. */
interface Known {
  readonly code: ErrorCode
  /** What it says of a write. Default `refused`. */
  readonly outcome?: Outcome
  readonly elsewhere?: true
}

const TIMED_OUT: Known = { code: 'TIMEOUT', outcome: 'unknown', elsewhere: true }

/** What etcd says beside what the table of errors has. */
const MORE_TEXTS: Readonly<Record<string, Known>> = {
  'etcdserver: no leader': { code: 'NO_LEADER', elsewhere: true },
  'etcdserver: not leader': { code: 'NO_LEADER', elsewhere: true },
  'etcdserver: leader changed': { code: 'NO_LEADER', outcome: 'unknown' },
  'etcdserver: server stopped': { code: 'UNREACHABLE', outcome: 'unknown', elsewhere: true },
  'etcdserver: request timed out': TIMED_OUT,
  'etcdserver: request timed out, possibly due to previous leader failure': TIMED_OUT,
  'etcdserver: request timed out, possibly due to connection lost': TIMED_OUT,
  'etcdserver: request timed out, waiting for the applied index took too long': TIMED_OUT,
  'etcdserver: request timed out, leader transfer took too long': { code: 'TIMEOUT', outcome: 'unknown' },
  'etcdserver: context deadline exceeded': TIMED_OUT,
  'etcdserver: request canceled': { code: 'UNREACHABLE', outcome: 'unknown' },
  'etcdserver: unhealthy cluster': { code: 'QUORUM_AT_RISK' },
  'etcdserver: rpc not supported for learner': { code: 'NOT_SUPPORTED', elsewhere: true },
  'not a primary lessor': { code: 'NO_LEADER', outcome: 'unknown' },
}

const TEXTS: ReadonlyMap<string, Known> = new Map([
  ...Object.entries(ERRORS).flatMap(([code, row]): [string, Known][] => {
    return 'etcd' in row ? [[row.etcd, { code: code as ErrorCode }]] : []
  }),
  ...Object.entries(MORE_TEXTS),
])

/** What gRPC says of a call that it did not send. */
const UNSENT = /^(?:No connection established|Name resolution failed|Channel closed before call started|Stream refused)/

/** What etcd's text means, in whatever it is wrapped. Undefined: nobody knows. */
export function knownText(text: string): Known | undefined {
  return TEXTS.get(text.replace(/^rpc error: code = \w+ desc = /, ''))
}

/** @param receiveBytesMax what the client takes at most of one answer. */
export function failureOf(cause: ServiceError, receiveBytesMax: number): Failure {
  const detailed = errorOfDetail(cause.metadata, cause)
  if (detailed !== undefined && detailed.code !== 'CLOSED') {
    const { code, outcome } = detailed
    const elsewhere = cause.code === status.UNAVAILABLE && code !== 'PROPOSAL_EXPIRED'
    return { error: detailed, untouched: elsewhere && outcome === 'refused', elsewhere, passes: elsewhere }
  }
  const known = knownText(cause.details)
  if (known !== undefined) {
    const outcome = detailed?.outcome ?? known.outcome ?? 'refused'
    const { code, elsewhere = false } = known
    const error = new StoreError(code, detailed?.message ?? cause.details, { outcome, cause })
    return {
      error,
      untouched: elsewhere && outcome === 'refused',
      elsewhere,
      passes: cause.code === status.UNAVAILABLE,
    }
  }
  return byStatus(cause, receiveBytesMax)
}

function byStatus(cause: ServiceError, receiveBytesMax: number): Failure {
  const { code, details } = cause
  const as = (is: ErrorCode, outcome: Outcome, more: { elsewhere?: boolean } = {}): Failure => {
    const { elsewhere = false } = more
    const error = new StoreError(is, details, { outcome, cause })
    // The deadline is that of the call, which has no time left.
    const passes = elsewhere && code !== status.DEADLINE_EXCEEDED
    return { error, untouched: elsewhere && outcome === 'refused', elsewhere, passes }
  }
  switch (code) {
    case status.UNAVAILABLE:
      return as('UNREACHABLE', UNSENT.test(details) ? 'refused' : 'unknown', { elsewhere: true })
    case status.DEADLINE_EXCEEDED:
      return as('TIMEOUT', 'unknown', { elsewhere: true })
    case status.CANCELLED:
      return as('UNREACHABLE', 'unknown', { elsewhere: true })
    case status.RESOURCE_EXHAUSTED:
      if (details.includes(`vs ${receiveBytesMax})`)) return as('RESPONSE_TOO_LARGE', 'unknown')
      if (/larger than max/.test(details)) return as('REQUEST_TOO_LARGE', 'refused')
      return as('TOO_MANY_REQUESTS', 'refused')
    case status.INTERNAL:
      // A stream that broke is told so, whatever broke it.
      if (details.includes('RST_STREAM')) return as('UNREACHABLE', 'unknown', { elsewhere: true })
      return as('SERVER_ERROR', 'unknown')
    case status.UNIMPLEMENTED:
      return as('NOT_SUPPORTED', 'refused')
    case status.PERMISSION_DENIED:
      return as('PERMISSION_DENIED', 'refused')
    case status.UNAUTHENTICATED:
      return as('AUTH_TOKEN_INVALID', 'refused')
    case status.INVALID_ARGUMENT:
    case status.NOT_FOUND:
    case status.ALREADY_EXISTS:
    case status.FAILED_PRECONDITION:
    case status.OUT_OF_RANGE:
      return as('SERVER_ERROR', 'refused')
    case status.OK:
    case status.UNKNOWN:
    case status.ABORTED:
    case status.DATA_LOSS:
      return as('SERVER_ERROR', 'unknown')
  }
}
