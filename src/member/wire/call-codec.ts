/**
 * Questions between members and their answers, for what only the leader knows: the time that leases have left.
 *
 *     question: id | identity | request
 *
 * The identity is that of who asks, for the leader to decide whether they may (machine/identity.ts).
 */
import { assertNever } from '../../base/assert.js'
import { Reader, Writer } from '../../base/codec.js'
import { ERRORS, type ErrorCode } from '../../base/errors.js'
import { readIdentity, writeIdentity, type Identity } from '../../machine/identity.js'
import type { LeaseId } from '../../mvcc/types.js'

export type CallRequest =
  | { readonly type: 'lease-keep-alive'; readonly lease: LeaseId }
  | { readonly type: 'lease-time-to-live'; readonly lease: LeaseId }

export type CallResponse =
  /** The lease as the leader has it now; `exists: false` when it has ended. */
  | { readonly type: 'lease'; readonly exists: false }
  | { readonly type: 'lease'; readonly exists: true; readonly ttlMs: number; readonly remainingMs: number }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string }

export interface Call {
  /** Chosen by the caller, repeated in the reply. */
  readonly id: number
  readonly identity: Identity
  readonly request: CallRequest
}

export interface Reply {
  readonly id: number
  readonly response: CallResponse
}

const KEEP_ALIVE = 1
const TIME_TO_LIVE = 2

export function encodeCall(call: Call): Uint8Array {
  const writer = new Writer(32).uint53(call.id)
  writeIdentity(writer, call.identity)
  switch (call.request.type) {
    case 'lease-keep-alive':
      return writer.uint8(KEEP_ALIVE).int64(call.request.lease).finish()
    case 'lease-time-to-live':
      return writer.uint8(TIME_TO_LIVE).int64(call.request.lease).finish()
    default:
      return assertNever(call.request, 'call')
  }
}

export function decodeCall(bytes: Uint8Array): Call {
  const reader = new Reader(bytes, 'a call')
  const id = reader.uint53()
  const identity = readIdentity(reader)
  const code = reader.uint8()
  if (code !== KEEP_ALIVE && code !== TIME_TO_LIVE) throw reader.malformed(`unknown call ${code}`)
  const lease = reader.int64()
  reader.end()
  return { id, identity, request: { type: code === KEEP_ALIVE ? 'lease-keep-alive' : 'lease-time-to-live', lease } }
}

const REFUSED = 0
const LEASE = 1
const NO_SUCH_LEASE = 2

export function encodeReply(reply: Reply): Uint8Array {
  const writer = new Writer(64).uint53(reply.id)
  const { response } = reply
  switch (response.type) {
    case 'refused':
      return writer.uint8(REFUSED).text(response.code).text(response.message).finish()
    case 'lease':
      if (!response.exists) return writer.uint8(NO_SUCH_LEASE).finish()
      return writer.uint8(LEASE).uint53(response.ttlMs).uint53(response.remainingMs).finish()
    default:
      return assertNever(response, 'reply')
  }
}

export function decodeReply(bytes: Uint8Array): Reply {
  const reader = new Reader(bytes, 'a reply')
  const id = reader.uint53()
  const response = decodeResponse(reader)
  reader.end()
  return { id, response }
}

function decodeResponse(reader: Reader): CallResponse {
  const code = reader.uint8()
  switch (code) {
    case REFUSED: {
      const name = reader.text()
      const message = reader.text()
      if (!Object.hasOwn(ERRORS, name)) throw reader.malformed(`unknown error code`)
      return { type: 'refused', code: name as ErrorCode, message }
    }
    case LEASE:
      return { type: 'lease', exists: true, ttlMs: reader.uint53(), remainingMs: reader.uint53() }
    case NO_SUCH_LEASE:
      return { type: 'lease', exists: false }
    default:
      throw reader.malformed(`unknown reply ${code}`)
  }
}
