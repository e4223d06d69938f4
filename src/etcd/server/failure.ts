/** What a call that failed tells its client, the same through each door. */
import { status as Status } from '@grpc/grpc-js'
import type { Logger } from '../../base/logger.js'
import { isStoreError } from '../../base/errors.js'
import { statusOf, type WireStatus } from '../wire/status.js'
import { Refusal } from './refusal.js'

/** With which a server that closes refuses calls, and ends streams. */
export const STOPPED: WireStatus = { code: Status.UNAVAILABLE, details: 'etcdserver: server stopped' }

/** Of what a service threw. What none should throw is a bug: it is logged, and its client told no more than that there was one. */
export function failureOf(error: unknown, path: string, logger: Logger): WireStatus {
  if (error instanceof Refusal) return { code: Status[error.status], details: error.message }
  if (isStoreError(error)) return statusOf(error)
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
  logger.error('a call of etcd failed for a reason that none should', { path, reason })
  return { code: Status.INTERNAL, details: 'internal error; the log of the server has more' }
}
