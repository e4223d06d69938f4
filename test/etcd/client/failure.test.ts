import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { ERRORS, StoreError, type ErrorCode } from '../../../src/base/errors.js'
import { failureOf } from '../../../src/etcd/client/failure.js'
import { errorDetail } from '../../../src/etcd/wire/error-detail.js'
import { statusOf } from '../../../src/etcd/wire/status.js'

const RECEIVE_BYTES_MAX = 1000

function failed(code: status, details: string, metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata })
}

const of = (error: ServiceError) => failureOf(error, RECEIVE_BYTES_MAX)

describe('a failure of a call', () => {
  test('has the code of the text that etcd tells it by, whatever its status', () => {
    for (const [code, row] of Object.entries(ERRORS)) {
      if (!('etcd' in row) || ['CLOSED', 'TIMEOUT', 'NO_LEADER', 'ABORTED'].includes(code)) continue
      expect(of(failed(status.UNKNOWN, row.etcd)).error).toMatchObject({ code, message: row.etcd, outcome: 'refused' })
    }
  })

  test('is told by one of our servers in its own words', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      if (code === 'CLOSED') continue
      const told = new StoreError(code, `${code}: 17 of 5 ü`, { outcome: 'unknown', compactRevision: 17 })
      const { code: grpc, details } = statusOf(told)
      const { error } = of(failed(grpc, details, errorDetail(told)))
      expect(error).toMatchObject({ code, message: told.message, outcome: 'unknown', compactRevision: 17 })
    }
  })

  test.each<[status, string, ErrorCode, 'refused' | 'unknown', boolean, boolean]>([
    // Never sent: safe to make again, elsewhere.
    [status.UNAVAILABLE, 'No connection established. Last error: x', 'UNREACHABLE', 'refused', true, true],
    [status.UNAVAILABLE, 'Connection dropped', 'UNREACHABLE', 'unknown', false, true],
    [status.CANCELLED, 'Call cancelled', 'UNREACHABLE', 'unknown', false, true],
    [status.INTERNAL, 'Received RST_STREAM with code 2', 'UNREACHABLE', 'unknown', false, true],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'TIMEOUT', 'unknown', false, true],
    // The others are there: what stops is one server.
    [status.UNAVAILABLE, 'etcdserver: server stopped', 'UNREACHABLE', 'unknown', false, true],
    [status.UNAVAILABLE, 'etcdserver: no leader', 'NO_LEADER', 'refused', true, true],
    [status.UNAVAILABLE, 'etcdserver: leader changed', 'NO_LEADER', 'unknown', false, false],
    [status.UNAVAILABLE, 'etcdserver: request timed out', 'TIMEOUT', 'unknown', false, true],
    [status.FAILED_PRECONDITION, 'etcdserver: rpc not supported for learner', 'NOT_SUPPORTED', 'refused', true, true],
    [
      status.RESOURCE_EXHAUSTED,
      'Received message larger than max (9 vs 1000)',
      'RESPONSE_TOO_LARGE',
      'unknown',
      false,
      false,
    ],
    [
      status.RESOURCE_EXHAUSTED,
      'grpc: received message larger than max (9 vs. 5)',
      'REQUEST_TOO_LARGE',
      'refused',
      false,
      false,
    ],
    [status.UNIMPLEMENTED, 'unknown service', 'NOT_SUPPORTED', 'refused', false, false],
    [status.UNKNOWN, 'who knows', 'SERVER_ERROR', 'unknown', false, false],
    [status.INVALID_ARGUMENT, 'etcdserver: a rule of tomorrow', 'SERVER_ERROR', 'refused', false, false],
  ])('%i %s is %s, %s', (code, details, is, outcome, untouched, elsewhere) => {
    expect(of(failed(code, details))).toMatchObject({ error: { code: is, outcome }, untouched, elsewhere })
  })

  test('of a server that closes is no end of the client, and says what became of the call', () => {
    const told = new StoreError('CLOSED', 'The store is closed.')
    const { code, details } = statusOf(told)
    const failure = of(failed(code, details, errorDetail(told)))
    expect(failure).toMatchObject({
      error: { code: 'UNREACHABLE', outcome: 'refused' },
      untouched: true,
      elsewhere: true,
    })
  })

  test.each(['{', '[]', '{"code":"toString","message":"x"}', '{"code":"CORRUPT"}', 'null'])(
    'is told by its text where the words beside it are %s',
    (words) => {
      const metadata = new Metadata()
      metadata.set('quorate-error-bin', Buffer.from(words))
      const { error } = of(failed(status.NOT_FOUND, 'etcdserver: requested lease not found', metadata))
      expect(error).toMatchObject({ code: 'LEASE_NOT_FOUND', outcome: 'refused' })
    },
  )
})
