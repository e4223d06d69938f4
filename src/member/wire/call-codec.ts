/**
 * Questions between members and their answers, for what only the leader knows or does: the time that leases have left, and
 * who belongs to the cluster.
 *
 *     question: id | identity | request
 *
 * The identity is that of who asks, for the leader to decide whether they may (machine/identity.ts). A frame holds one
 * question, or several behind the id 0, which no question has.
 */
import { assertNever } from '../../base/assert.js'
import { Reader, Writer } from '../../base/codec.js'
import { ERRORS, type ErrorCode } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { readIdentity, writeIdentity, type Identity } from '../../machine/identity.js'
import type { LeaseId } from '../../mvcc/types.js'
import type { Index, NodeId } from '../../raft/types.js'
import type { MembersChange, MembersStatus } from '../members-change.js'
import { readMembersChange, readMembersStatus, writeMembersChange, writeMembersStatus } from './members-codec.js'

export type CallRequest =
  | { readonly type: 'lease-keep-alive'; readonly lease: LeaseId }
  | { readonly type: 'lease-time-to-live'; readonly lease: LeaseId }
  | MembersRequest

/** What is asked of the membership. */
export type MembersRequest =
  | { readonly type: 'change-members'; readonly change: MembersChange }
  /** `from` is to lead no more; `to` is to lead then: `NOBODY`: whoever is best. */
  | { readonly type: 'move-leader'; readonly from: NodeId; readonly to: NodeId }
  | { readonly type: 'members-status' }

export type CallResponse =
  /** The lease as the leader has it now; `exists: false` when it has ended. */
  | { readonly type: 'lease'; readonly exists: false }
  | { readonly type: 'lease'; readonly exists: true; readonly ttlMs: number; readonly remainingMs: number }
  /** Done, and applied by the leader at this index at the latest. */
  | { readonly type: 'members-changed'; readonly index: Index }
  | { readonly type: 'leader-moved'; readonly leader: NodeId }
  | { readonly type: 'members-status'; readonly status: MembersStatus }
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

/** Stands where the id of the only question or answer would. */
const SEVERAL = 0

const KEEP_ALIVE = 1
const TIME_TO_LIVE = 2
const CHANGE_MEMBERS = 3
const MOVE_LEADER = 4
const MEMBERS_STATUS = 5
/** Id, identity, kind. */
const LEAST_CALL_BYTES = 8 + 1 + 1
/** With the lease that most are about. */
const USUAL_CALL_BYTES = LEAST_CALL_BYTES + 8

export function encodeCalls(calls: readonly Call[]): Uint8Array {
  const writer = new Writer(12 + calls.length * USUAL_CALL_BYTES)
  writeCount(writer, calls.length)
  for (const call of calls) writeCall(writer, call)
  return writer.finish()
}

export function decodeCalls(bytes: Uint8Array): readonly Call[] {
  return readAll(new Reader(bytes, 'a call'), LEAST_CALL_BYTES, readCall)
}

/** Which question it is in `bytes` that does not decode; undefined where that cannot be told. */
export function unreadableCall(bytes: Uint8Array): number | undefined {
  let last: number | undefined
  const read = (reader: Reader, id: number): void => {
    last = id
    readCall(reader, id)
    last = undefined
  }
  try {
    readAll(new Reader(bytes, 'a call'), LEAST_CALL_BYTES, read)
    return undefined
  } catch {
    return last
  }
}

function writeCall(writer: Writer, { id, identity, request }: Call): void {
  writer.uint53(id)
  writeIdentity(writer, identity)
  switch (request.type) {
    case 'lease-keep-alive':
      writer.uint8(KEEP_ALIVE).int64(request.lease)
      return
    case 'lease-time-to-live':
      writer.uint8(TIME_TO_LIVE).int64(request.lease)
      return
    case 'change-members':
      writeMembersChange(writer.uint8(CHANGE_MEMBERS), request.change)
      return
    case 'move-leader':
      writer.uint8(MOVE_LEADER).uint53(request.from).uint53(request.to)
      return
    case 'members-status':
      writer.uint8(MEMBERS_STATUS)
      return
    default:
      assertNever(request, 'call')
  }
}

function readCall(reader: Reader, id: number): Call {
  return { id, identity: readIdentity(reader), request: readRequest(reader) }
}

function readRequest(reader: Reader): CallRequest {
  const code = reader.uint8()
  switch (code) {
    case KEEP_ALIVE:
      return { type: 'lease-keep-alive', lease: reader.int64() }
    case TIME_TO_LIVE:
      return { type: 'lease-time-to-live', lease: reader.int64() }
    case CHANGE_MEMBERS:
      return { type: 'change-members', change: readMembersChange(reader) }
    case MOVE_LEADER:
      return { type: 'move-leader', from: reader.uint53(), to: reader.uint53() }
    case MEMBERS_STATUS:
      return { type: 'members-status' }
    default:
      throw reader.malformed(`unknown call ${code}`)
  }
}

const REFUSED = 0
const LEASE = 1
const NO_SUCH_LEASE = 2
const MEMBERS_CHANGED = 3
const LEADER_MOVED = 4
const STATUS_OF_MEMBERS = 5

/** Id, kind: a lease that is gone. */
const LEAST_REPLY_BYTES = 8 + 1

export function encodeReplies(replies: readonly Reply[]): Uint8Array {
  const writer = new Writer(12 + replies.length * 25)
  writeCount(writer, replies.length)
  for (const reply of replies) writeReply(writer, reply)
  return writer.finish()
}

export function decodeReplies(bytes: Uint8Array): readonly Reply[] {
  return readAll(new Reader(bytes, 'a reply'), LEAST_REPLY_BYTES, (reader, id) => ({
    id,
    response: readResponse(reader),
  }))
}

function writeReply(writer: Writer, { id, response }: Reply): void {
  writer.uint53(id)
  switch (response.type) {
    case 'refused':
      writer.uint8(REFUSED).text(response.code).text(response.message)
      return
    case 'lease':
      if (response.exists) writer.uint8(LEASE).uint53(response.ttlMs).uint53(response.remainingMs)
      else writer.uint8(NO_SUCH_LEASE)
      return
    case 'members-changed':
      writer.uint8(MEMBERS_CHANGED).uint53(response.index)
      return
    case 'leader-moved':
      writer.uint8(LEADER_MOVED).uint53(response.leader)
      return
    case 'members-status':
      writeMembersStatus(writer.uint8(STATUS_OF_MEMBERS), response.status)
      return
    default:
      assertNever(response, 'reply')
  }
}

function writeCount(writer: Writer, count: number): void {
  if (count !== 1) writer.uint53(SEVERAL).uint32(count)
}

/** One, or several behind their count; `read` is given what follows an id. */
function readAll<T>(reader: Reader, leastBytes: number, read: (reader: Reader, id: number) => T): readonly T[] {
  const first = reader.uint53()
  const all =
    first === SEVERAL
      ? Array.from({ length: reader.count(leastBytes, LIMITS.callBatchMax) }, () => read(reader, readId(reader)))
      : [read(reader, first)]
  reader.end()
  return all
}

function readId(reader: Reader): number {
  const id = reader.uint53()
  if (id === SEVERAL) throw reader.malformed('several within several')
  return id
}

function readResponse(reader: Reader): CallResponse {
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
    case MEMBERS_CHANGED:
      return { type: 'members-changed', index: reader.uint53() }
    case LEADER_MOVED:
      return { type: 'leader-moved', leader: reader.uint53() }
    case STATUS_OF_MEMBERS:
      return { type: 'members-status', status: readMembersStatus(reader) }
    default:
      throw reader.malformed(`unknown reply ${code}`)
  }
}
