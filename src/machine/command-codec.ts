/**
 * Commands as bytes: what stands in the data of a log entry.
 *
 *     version | member | incarnation | sequence | identity | request
 *
 * The identity is that of who asks (identity.ts). Version 1 had none: its commands are read as nobody's.
 *
 * The proposal comes first, so that a request that cannot be read is still known by its proposal and refused to whoever
 * waits for it. Bounded: transactions nest to a limit, nothing is allocated that the bytes do not hold, and whatever the
 * bytes are, decoding ends with a command or with `MALFORMED`.
 *
 * Every member must read the same bytes alike, today's and tomorrow's. A new kind of request or field gets a new number,
 * and is proposed only once every member knows it.
 */
import { assertNever } from '../base/assert.js'
import { readAuthCommand, writeAuthCommand } from '../auth/command-codec.js'
import { Reader, Writer } from '../base/codec.js'
import { LIMITS } from '../base/limits.js'
import type { LeaseCheckpoint } from '../lease/lease.js'
import {
  NO_LEASE,
  type Compare,
  type DeleteRequest,
  type Operation,
  type PutRequest,
  type RangeRequest,
  type RangeSort,
  type Relation,
  type Revision,
  type TransactionRequest,
} from '../mvcc/types.js'
import { alarmNumber, alarmOfNumber } from './alarms.js'
import { readPrefixQuota, writePrefixQuota } from './prefix-quota.js'
import type { AlarmRequest, Command, LeaseRevokeRequest, LoginRequest, ProposalId, Request } from './command.js'
import { ANONYMOUS, readIdentity, writeIdentity, type Identity } from './identity.js'

const VERSION = 2
const VERSION_WITHOUT_IDENTITY = 1

/** Numbers on disk and on the wire: never reuse one. */
const RANGE = 1
const PUT = 2
const DELETE = 3
const TRANSACTION = 4
const COMPACT = 5
const LEASE_GRANT = 6
const LEASE_REVOKE = 7
const AUTH = 8
const LOGIN = 9
const ALARM = 10
const CHECK = 11
const VERIFY = 12
const PREFIX_QUOTA = 13
const LEASE_CHECKPOINT = 14

/** In the log by their places. */
const SORT_TARGETS: readonly RangeSort['target'][] = ['key', 'version', 'create-revision', 'mod-revision', 'value']
const SORT_ORDERS: readonly RangeSort['order'][] = ['ascending', 'descending']
const TARGETS = ['value', 'version', 'create-revision', 'mod-revision', 'lease'] as const
const RELATIONS: readonly Relation[] = ['=', '!=', '<', '>']

const ACTIVATE = 1
const DEACTIVATE = 2

/** Bits of a request's flags; a bit that is not known is malformed. */
const HAS_RANGE_END = 1
const COUNT_ONLY = 2
const KEYS_ONLY = 4
/** These two only where the field is there, so that other ranges stand in the log as they always did. */
const HAS_SORT = 8
const HAS_REVISION_BOUNDS = 16
const PREVIOUS = 2
const IGNORE_VALUE = 4
const IGNORE_LEASE = 8

export function encodeCommand(command: Command): Uint8Array {
  const writer = new Writer(expectedBytes(command.request))
  const { member, incarnation, sequence } = command.proposal
  writer.uint8(VERSION).uint53(member).uint53(incarnation).uint53(sequence)
  writeIdentity(writer, command.identity)
  writeRequest(writer, command.request)
  return writer.finish()
}

/** Values are views into `bytes`. Throws `MALFORMED`. */
export function decodeCommand(bytes: Uint8Array): Command {
  const { proposal, body } = openCommand(bytes)
  return { proposal, ...body() }
}

/** Whose command it is, without reading what it asks for. Throws `MALFORMED`. */
export function decodeProposalId(bytes: Uint8Array): ProposalId {
  return openCommand(bytes).proposal
}

/** What is asked, and by whom. */
export type CommandBody = Omit<Command, 'proposal'>

export interface OpenedCommand {
  readonly proposal: ProposalId
  /** Reads the rest; to be called once. Throws `MALFORMED`. */
  readonly body: () => CommandBody
}

/** Reads the proposal only. Throws `MALFORMED`. */
export function openCommand(bytes: Uint8Array): OpenedCommand {
  const reader = new Reader(bytes, 'a command')
  const version = reader.uint8()
  if (version !== VERSION && version !== VERSION_WITHOUT_IDENTITY) throw reader.malformed(`version ${version}`)
  const proposal = { member: reader.uint53(), incarnation: reader.uint53(), sequence: reader.uint53() }
  if (proposal.member === 0 || proposal.sequence === 0) throw reader.malformed('a proposal without member or sequence')
  return { proposal, body: () => readBody(reader, version) }
}

function readBody(reader: Reader, version: number): CommandBody {
  const identity: Identity = version === VERSION_WITHOUT_IDENTITY ? ANONYMOUS : readIdentity(reader)
  const request = readAnyRequest(reader)
  reader.end()
  return { identity, request }
}

function expectedBytes(request: Request): number {
  return request.type === 'put' ? 64 + request.key.length + request.value.byteLength : 256
}

function writeRequest(writer: Writer, request: Request): void {
  switch (request.type) {
    case 'put':
    case 'delete':
    case 'transaction':
      writeOperation(writer, request)
      return
    case 'compact':
      writer.uint8(COMPACT).uint53(request.revision)
      return
    case 'lease-grant':
      writer.uint8(LEASE_GRANT).int64(request.id).int64(BigInt(request.ttlSeconds))
      return
    case 'lease-revoke':
      writer.uint8(LEASE_REVOKE).int64(request.id)
      if (request.grantedUpTo !== undefined) writer.uint53(request.grantedUpTo)
      return
    case 'lease-checkpoint':
      writer.uint8(LEASE_CHECKPOINT).uint53(request.grantedUpTo).uint32(request.checkpoints.length)
      for (const { id, remainingMs } of request.checkpoints) writer.int64(id).uint53(remainingMs)
      return
    case 'prefix-quota':
      writePrefixQuota(writer.uint8(PREFIX_QUOTA), request)
      return
    case 'check':
      writer.uint8(CHECK)
      return
    case 'verify':
      writer.uint8(VERIFY).uint53(request.index).uint32(request.digest.high).uint32(request.digest.low)
      return
    case 'alarm':
      writer.uint8(ALARM).uint8(request.action === 'activate' ? ACTIVATE : DEACTIVATE)
      writer.uint8(alarmNumber(request.alarm)).uint53(request.member)
      return
    case 'auth':
      writeAuthCommand(writer.uint8(AUTH), request.command)
      return
    case 'login':
      writeLogin(writer, request)
      return
    default:
      assertNever(request, 'request')
  }
}

function readAnyRequest(reader: Reader): Request {
  const type = reader.uint8()
  switch (type) {
    case PUT:
      return readPut(reader)
    case DELETE:
      return readDelete(reader)
    case TRANSACTION:
      return readTransaction(reader, 0)
    case COMPACT:
      return { type: 'compact', revision: reader.uint53() }
    case LEASE_GRANT:
      return { type: 'lease-grant', id: readLeaseId(reader), ttlSeconds: readInteger(reader) }
    case LEASE_REVOKE:
      return readRevocation(reader)
    case ALARM:
      return readAlarm(reader)
    case AUTH:
      return { type: 'auth', command: readAuthCommand(reader) }
    case LOGIN:
      return readLogin(reader)
    case PREFIX_QUOTA:
      return { type: 'prefix-quota', ...readPrefixQuota(reader) }
    case CHECK:
      return { type: 'check' }
    case VERIFY:
      return { type: 'verify', index: reader.uint53(), digest: { high: reader.uint32(), low: reader.uint32() } }
    case LEASE_CHECKPOINT:
      return { type: 'lease-checkpoint', grantedUpTo: reader.uint53(), checkpoints: readCheckpoints(reader) }
    default:
      throw reader.malformed(`request of type ${type}`)
  }
}

function readAlarm(reader: Reader): AlarmRequest {
  const action = reader.uint8()
  if (action !== ACTIVATE && action !== DEACTIVATE) throw reader.malformed(`action ${action} on an alarm`)
  const number = reader.uint8()
  const alarm = alarmOfNumber(number)
  if (alarm === undefined) throw reader.malformed(`alarm ${number}`)
  const member = reader.uint53()
  if (member === 0) throw reader.malformed('an alarm of member 0, which is nobody')
  return { type: 'alarm', action: action === ACTIVATE ? 'activate' : 'deactivate', alarm, member }
}

function writeOperation(writer: Writer, operation: Operation): void {
  switch (operation.type) {
    case 'range':
      writeRange(writer, operation)
      return
    case 'put':
      writePut(writer, operation)
      return
    case 'delete':
      writeDelete(writer, operation)
      return
    case 'transaction':
      writeTransaction(writer, operation)
      return
    default:
      assertNever(operation, 'operation')
  }
}

function readOperation(reader: Reader, depth: number): Operation {
  const type = reader.uint8()
  switch (type) {
    case RANGE:
      return readRange(reader)
    case PUT:
      return readPut(reader)
    case DELETE:
      return readDelete(reader)
    case TRANSACTION:
      return readTransaction(reader, depth)
    default:
      throw reader.malformed(`operation of type ${type}`)
  }
}

function writeRange(writer: Writer, request: RangeRequest): void {
  const { key, rangeEnd, sort } = request
  const bounds = boundsOf(request)
  const bounded = bounds.some((bound) => bound !== 0)
  const flags =
    flag(rangeEnd !== undefined, HAS_RANGE_END) |
    flag(request.countOnly, COUNT_ONLY) |
    flag(request.keysOnly, KEYS_ONLY) |
    flag(sort !== undefined, HAS_SORT) |
    flag(bounded, HAS_REVISION_BOUNDS)
  writer.uint8(RANGE).uint8(flags).latin1(key)
  if (rangeEnd !== undefined) writer.latin1(rangeEnd)
  writer.uint53(request.revision ?? 0).uint53(request.limit ?? 0)
  if (sort !== undefined) writer.uint8(SORT_TARGETS.indexOf(sort.target)).uint8(SORT_ORDERS.indexOf(sort.order))
  if (bounded) for (const bound of bounds) writer.uint53(bound)
}

function readRange(reader: Reader): RangeRequest {
  const flags = readFlags(reader, HAS_RANGE_END | COUNT_ONLY | KEYS_ONLY | HAS_SORT | HAS_REVISION_BOUNDS)
  return {
    type: 'range',
    key: reader.latin1(),
    rangeEnd: flags & HAS_RANGE_END ? reader.latin1() : undefined,
    revision: reader.uint53(),
    limit: reader.uint53(),
    countOnly: (flags & COUNT_ONLY) !== 0,
    keysOnly: (flags & KEYS_ONLY) !== 0,
    sort: flags & HAS_SORT ? readSort(reader) : undefined,
    ...(flags & HAS_REVISION_BOUNDS ? readBounds(reader) : {}),
  }
}

function readSort(reader: Reader): RangeSort {
  const target = SORT_TARGETS[reader.uint8()]
  const order = SORT_ORDERS[reader.uint8()]
  if (target === undefined || order === undefined) throw reader.malformed('a sort of unknown kind')
  return { target, order }
}

/** 0 for none. */
function boundsOf(request: RangeRequest): readonly Revision[] {
  const { minModRevision = 0, maxModRevision = 0, minCreateRevision = 0, maxCreateRevision = 0 } = request
  return [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision]
}

function readBounds(reader: Reader): Partial<RangeRequest> {
  return {
    minModRevision: reader.uint53(),
    maxModRevision: reader.uint53(),
    minCreateRevision: reader.uint53(),
    maxCreateRevision: reader.uint53(),
  }
}

function writePut(writer: Writer, request: PutRequest): void {
  const { previousKeyValue, ignoreValue, ignoreLease } = request
  const flags = flag(previousKeyValue, PREVIOUS) | flag(ignoreValue, IGNORE_VALUE) | flag(ignoreLease, IGNORE_LEASE)
  writer.uint8(PUT).uint8(flags).latin1(request.key).bytes(request.value).int64(request.lease)
}

function readPut(reader: Reader): PutRequest {
  const flags = readFlags(reader, PREVIOUS | IGNORE_VALUE | IGNORE_LEASE)
  return {
    type: 'put',
    key: reader.latin1(),
    value: reader.bytes(),
    lease: reader.int64(),
    previousKeyValue: (flags & PREVIOUS) !== 0,
    ignoreValue: (flags & IGNORE_VALUE) !== 0,
    ignoreLease: (flags & IGNORE_LEASE) !== 0,
  }
}

function writeDelete(writer: Writer, request: DeleteRequest): void {
  const { key, rangeEnd, previousKeyValue } = request
  writer.uint8(DELETE).uint8(flag(rangeEnd !== undefined, HAS_RANGE_END) | flag(previousKeyValue, PREVIOUS))
  writer.latin1(key)
  if (rangeEnd !== undefined) writer.latin1(rangeEnd)
}

function readDelete(reader: Reader): DeleteRequest {
  const flags = readFlags(reader, HAS_RANGE_END | PREVIOUS)
  return {
    type: 'delete',
    key: reader.latin1(),
    rangeEnd: flags & HAS_RANGE_END ? reader.latin1() : undefined,
    previousKeyValue: (flags & PREVIOUS) !== 0,
  }
}

function writeTransaction(writer: Writer, request: TransactionRequest): void {
  writer.uint8(TRANSACTION).uint32(request.compare.length)
  for (const compare of request.compare) writeCompare(writer, compare)
  for (const branch of [request.success, request.failure]) {
    writer.uint32(branch.length)
    for (const operation of branch) writeOperation(writer, operation)
  }
}

function readTransaction(reader: Reader, depth: number): TransactionRequest {
  if (depth > LIMITS.transactionDepthMax) throw reader.malformed(`transactions ${depth} deep`)
  return {
    type: 'transaction',
    compare: Array.from({ length: reader.count(LEAST_COMPARE_BYTES) }, () => readCompare(reader)),
    success: readBranch(reader, depth),
    failure: readBranch(reader, depth),
  }
}

function readBranch(reader: Reader, depth: number): readonly Operation[] {
  return Array.from({ length: reader.count(LEAST_OPERATION_BYTES) }, () => readOperation(reader, depth + 1))
}

function writeCompare(writer: Writer, compare: Compare): void {
  const { key, rangeEnd, relation, target } = compare
  writer.uint8(TARGETS.indexOf(target)).uint8(RELATIONS.indexOf(relation))
  writer.uint8(flag(rangeEnd !== undefined, HAS_RANGE_END)).latin1(key)
  if (rangeEnd !== undefined) writer.latin1(rangeEnd)
  switch (target) {
    case 'value':
      writer.bytes(compare.value)
      return
    case 'version':
      writer.int64(BigInt(compare.version))
      return
    case 'create-revision':
      writer.int64(BigInt(compare.createRevision))
      return
    case 'mod-revision':
      writer.int64(BigInt(compare.modRevision))
      return
    case 'lease':
      writer.int64(compare.lease)
      return
    default:
      assertNever(target, 'compare target')
  }
}

function readCompare(reader: Reader): Compare {
  const target = TARGETS[reader.uint8()]
  const relation = RELATIONS[reader.uint8()]
  if (target === undefined || relation === undefined) throw reader.malformed('a comparison of unknown kind')
  const flags = readFlags(reader, HAS_RANGE_END)
  const what = {
    key: reader.latin1(),
    rangeEnd: flags & HAS_RANGE_END ? reader.latin1() : undefined,
    relation,
  }
  switch (target) {
    case 'value':
      return { ...what, target, value: reader.bytes() }
    case 'version':
      return { ...what, target, version: readInteger(reader) }
    case 'create-revision':
      return { ...what, target, createRevision: readInteger(reader) }
    case 'mod-revision':
      return { ...what, target, modRevision: readInteger(reader) }
    case 'lease':
      return { ...what, target, lease: reader.int64() }
    default:
      return assertNever(target, 'compare target')
  }
}

function writeLogin(writer: Writer, { name, checkedAt, tokenHash }: LoginRequest): void {
  writer
    .uint8(LOGIN)
    .text(name)
    .uint53(checkedAt)
    .boolean(tokenHash !== undefined)
  if (tokenHash !== undefined) writer.raw(tokenHash)
}

function readLogin(reader: Reader): LoginRequest {
  const [name, checkedAt] = [reader.text(), reader.uint53()]
  return { type: 'login', name, checkedAt, tokenHash: reader.boolean() ? reader.raw(TOKEN_HASH_BYTES) : undefined }
}

/** Of SHA-256. */
const TOKEN_HASH_BYTES = 32
/** Target, relation, flags, length of the key, length of a value. */
const LEAST_COMPARE_BYTES = 1 + 1 + 1 + 4 + 4
/** Type, flags, length of the key: a delete. */
const LEAST_OPERATION_BYTES = 1 + 1 + 4
/** Lease, milliseconds. */
const CHECKPOINT_BYTES = 8 + 8

function flag(set: boolean | undefined, bit: number): number {
  return set ? bit : 0
}

function readFlags(reader: Reader, known: number): number {
  const flags = reader.uint8()
  if ((flags & ~known) !== 0) throw reader.malformed(`flags ${flags} of which ${known} are known`)
  return flags
}

function readLeaseId(reader: Reader): bigint {
  const id = reader.int64()
  if (id === NO_LEASE) throw reader.malformed('lease 0, which stands for none')
  return id
}

function readRevocation(reader: Reader): LeaseRevokeRequest {
  const id = readLeaseId(reader)
  return reader.remaining === 0
    ? { type: 'lease-revoke', id }
    : { type: 'lease-revoke', id, grantedUpTo: reader.uint53() }
}

function readCheckpoints(reader: Reader): readonly LeaseCheckpoint[] {
  return Array.from({ length: reader.count(CHECKPOINT_BYTES) }, () => ({
    id: readLeaseId(reader),
    remainingMs: reader.uint53(),
  }))
}

/** A whole number that may be negative. */
function readInteger(reader: Reader): number {
  const value = Number(reader.int64())
  if (!Number.isSafeInteger(value)) throw reader.malformed(`${value}, which is not a safe integer`)
  return value
}
