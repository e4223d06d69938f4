/**
 * What a status of gRPC is over HTTP: the number that etcd's gateway answers with, and the body that tells the rest.
 *
 * Always: `error` and `message` are both there, and a stream's error has both its codes by all their names: clients of the
 * gateway before etcd 3.6 read the ones, later clients the others.
 */
import { status as Status } from '@grpc/grpc-js'
import { STATUS_CODES } from 'node:http'
import type { WireStatus } from './status.js'

/** As grpc-gateway maps them; 499, which has no name in HTTP, says that the client has closed the request. */
const HTTP_STATUS: Readonly<Record<Status, number>> = {
  [Status.OK]: 200,
  [Status.CANCELLED]: 499,
  [Status.UNKNOWN]: 500,
  [Status.INVALID_ARGUMENT]: 400,
  [Status.DEADLINE_EXCEEDED]: 504,
  [Status.NOT_FOUND]: 404,
  [Status.ALREADY_EXISTS]: 409,
  [Status.PERMISSION_DENIED]: 403,
  [Status.RESOURCE_EXHAUSTED]: 429,
  [Status.FAILED_PRECONDITION]: 400,
  [Status.ABORTED]: 409,
  [Status.OUT_OF_RANGE]: 400,
  [Status.UNIMPLEMENTED]: 501,
  [Status.INTERNAL]: 500,
  [Status.UNAVAILABLE]: 503,
  [Status.DATA_LOSS]: 500,
  [Status.UNAUTHENTICATED]: 401,
}

export function httpStatusOf(code: Status): number {
  return HTTP_STATUS[code]
}

/** The body of a call that failed. */
export function errorBody({ code, details }: WireStatus): object {
  return { error: details, code, message: details, details: [] }
}

/** The last line of a stream that failed. */
export function streamErrorBody({ code, details }: WireStatus): object {
  const httpCode = httpStatusOf(code)
  return {
    error: {
      code,
      message: details,
      details: [],
      grpc_code: code,
      http_code: httpCode,
      http_status: STATUS_CODES[httpCode] ?? 'Client Closed Request',
    },
  }
}
