/**
 * What a leader answers to questions about leases and members.
 *
 * Always: leadership is confirmed after the question arrived, and still held when it is answered: a deposed leader must
 * not promise time that the next one does not know of.
 * Always: whether who asks may is decided in the same step as the answer, by a state that is current then.
 * Always: questions that came together are confirmed together, and answered together; but nobody waits for those whose
 * renewal, or whose change of the membership, has to be in the log first.
 */
import { assertNever } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import type { Clock, Timers } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { LeaseId } from '../base/lease-id.js'
import type { Question } from '../machine/accesses.js'
import type { Identity } from '../machine/identity.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import type { CallLimits, Deadlines } from './deadlines.js'
import type { LeaseDriver } from './lease-driver.js'
import type { Membership } from './membership.js'
import type { Call, CallRequest, CallResponse, MembersRequest, Reply } from './wire/call-codec.js'

export interface AnswersParts {
  readonly raft: RawNode
  readonly machine: Machine
  readonly leases: LeaseDriver
  readonly membership: Membership
  readonly clock: Clock
  readonly timers: Timers
  readonly deadlines: Deadlines
  readonly electionTimeoutMs: number
  /** Resolves when leadership was confirmed and this member's state is current. */
  readonly confirmRead: (limits: CallLimits) => Promise<void>
  /** There is something to propose. */
  readonly wake: () => void
  readonly buggify: Buggify
}

/** Takes answers to some of the questions, as soon as there are some. */
export type Answer = (replies: readonly Reply[]) => void

const NOT_LEADER: CallResponse = { type: 'refused', code: 'NO_LEADER', message: 'this member does not lead' }

type LeaseRequest = Extract<CallRequest, { readonly lease: LeaseId }>

interface Renewal {
  readonly id: number
  readonly lease: LeaseId
  readonly question: number
}

interface Asked extends Call {
  /** For the lease driver; of a renewal only. */
  readonly question: number
}

/** Never rejects: whoever asked asks again, and has a deadline of its own. */
export async function answerAsLeader(parts: AnswersParts, calls: readonly Call[], answer: Answer): Promise<void> {
  const { raft, leases, clock, timers, electionTimeoutMs, confirmRead, buggify } = parts
  const all = (response: CallResponse): void => {
    answer(calls.map(({ id }) => ({ id, response })))
  }
  if (raft.role !== 'leader') {
    all(NOT_LEADER)
    return
  }
  const { term } = raft
  const asked = calls.map((call): Asked => {
    return { ...call, question: call.request.type === 'lease-keep-alive' ? leases.asked(call.request.lease) : 0 }
  })
  try {
    await confirmRead({ deadlineMs: clock.monotonicMs() + electionTimeoutMs })
  } catch (error) {
    const busy = isStoreError(error, 'TOO_MANY_REQUESTS')
    all(busy ? { type: 'refused', code: error.code, message: error.message } : NOT_LEADER)
    return
  }
  if (buggify('lease-answer-late')) await new Promise<void>((resolve) => timers.after(electionTimeoutMs, resolve))
  if (raft.role !== 'leader' || raft.term !== term) {
    all(NOT_LEADER)
    return
  }
  const known: Reply[] = []
  const unrecorded: Promise<Reply>[] = []
  const changes: Promise<void>[] = []
  for (const { id, identity, request, question } of asked) {
    const refused = whyRefused(parts.machine, identity, request)
    if (refused !== undefined) {
      known.push({ id, response: refused })
    } else if (isOfLease(request)) {
      const response = answerNow(parts, request, question)
      if (response === undefined)
        unrecorded.push(answerOnceRecorded(parts, { id, lease: request.lease, question }, term))
      else known.push({ id, response })
    } else {
      changes.push(
        answerOfMembers(parts, request).then((response) => {
          answer([{ id, response }])
        }),
      )
    }
  }
  if (known.length > 0) answer(known)
  if (unrecorded.length > 0) {
    parts.wake()
    answer(await Promise.all(unrecorded))
  }
  await Promise.all(changes)
}

function whyRefused(machine: Machine, identity: Identity, request: CallRequest): CallResponse | undefined {
  try {
    machine.authorize(identity, questionOf(request))
  } catch (error) {
    if (!isStoreError(error)) throw error
    return { type: 'refused', code: error.code, message: error.message }
  }
  return undefined
}

/** Undefined for a renewal that has to be in the log before anybody hears of it. */
function answerNow({ leases, clock }: AnswersParts, request: LeaseRequest, question: number): CallResponse | undefined {
  const nowMs = clock.monotonicMs()
  const { lease } = request
  switch (request.type) {
    case 'lease-time-to-live':
      return leases.timeToLive(lease, nowMs)
    case 'lease-keep-alive':
      if (!leases.renew(lease, nowMs)) return { type: 'lease', exists: false }
      return leases.mayTell(lease) ? leases.renewed(lease, question, nowMs) : undefined
    default:
      return assertNever(request, 'question')
  }
}

function isOfLease(request: CallRequest): request is LeaseRequest {
  return request.type === 'lease-keep-alive' || request.type === 'lease-time-to-live'
}

async function answerOfMembers({ membership, raft }: AnswersParts, request: MembersRequest): Promise<CallResponse> {
  switch (request.type) {
    case 'change-members':
      return membership.change(request.change)
    case 'move-leader':
      // Asked again of whoever leads next: it is done.
      if (request.from !== raft.id) return { type: 'leader-moved', leader: raft.id }
      return membership.moveLeader(request.to)
    case 'members-status':
      return membership.status()
    default:
      return assertNever(request, 'question of members')
  }
}

function questionOf(request: CallRequest): Question {
  switch (request.type) {
    case 'lease-keep-alive':
      return { type: 'lease-keep-alive', id: request.lease }
    case 'lease-time-to-live':
      return { type: 'lease-time-to-live', id: request.lease, keys: false }
    case 'change-members':
      return { type: 'member-change' }
    case 'move-leader':
      return { type: 'move-leader' }
    case 'members-status':
      return { type: 'member-list' }
    default:
      return assertNever(request, 'call')
  }
}

/** The log knowing of it, in this member's own term, shows too that it leads. */
async function answerOnceRecorded(parts: AnswersParts, asked: Renewal, term: number): Promise<Reply> {
  const { raft, leases, clock } = parts
  const { id, lease, question } = asked
  if (!(await recorded(parts, lease)) || raft.role !== 'leader' || raft.term !== term)
    return { id, response: NOT_LEADER }
  return { id, response: leases.renewed(lease, question, clock.monotonicMs()) }
}

/** Whether the log knew of it within an election timeout. */
async function recorded(
  { leases, clock, deadlines, electionTimeoutMs }: AnswersParts,
  lease: LeaseId,
): Promise<boolean> {
  const pending = deadlines.wait<boolean>({ deadlineMs: clock.monotonicMs() + electionTimeoutMs }, (code, cause) => {
    return new StoreError(code, 'The renewal was not recorded in time.', { cause })
  })
  const cancel = leases.onceRenewed(lease, (known) => {
    pending.resolve(known)
  })
  try {
    return await pending.promise
  } catch {
    return false
  } finally {
    cancel()
  }
}
