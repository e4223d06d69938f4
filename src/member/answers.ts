/**
 * What a leader answers to questions about leases.
 *
 * Always: leadership is confirmed after the question arrived, and still held when it is answered: a deposed leader must
 * not promise time that the next one does not know of.
 * Always: whether who asks may is decided in the same step as the answer, by a state that is current then.
 * Always: questions that came together are confirmed together, and answered together; but nobody waits for those whose
 * renewal has to be in the log first.
 */
import { assertNever } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import type { Clock, Timers } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { LeaseId } from '../base/lease-id.js'
import type { Question } from '../machine/accesses.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import type { CallLimits, Deadlines } from './deadlines.js'
import type { LeaseDriver } from './lease-driver.js'
import type { Call, CallRequest, CallResponse, Reply } from './wire/call-codec.js'

export interface AnswersParts {
  readonly raft: RawNode
  readonly machine: Machine
  readonly leases: LeaseDriver
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
  const unrecorded: Asked[] = []
  for (const each of asked) {
    const response = answerNow(parts, each)
    if (response === undefined) unrecorded.push(each)
    else known.push({ id: each.id, response })
  }
  if (known.length > 0) answer(known)
  if (unrecorded.length === 0) return
  parts.wake()
  const answered = await Promise.all(unrecorded.map((each) => answerOnceRecorded(parts, each, term)))
  answer(answered)
}

/** Undefined for a renewal that has to be in the log before anybody hears of it. */
function answerNow(parts: AnswersParts, { identity, request, question }: Asked): CallResponse | undefined {
  const { machine, leases, clock } = parts
  try {
    machine.authorize(identity, questionOf(request))
  } catch (error) {
    if (!isStoreError(error)) throw error
    return { type: 'refused', code: error.code, message: error.message }
  }
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

function questionOf(request: CallRequest): Question {
  switch (request.type) {
    case 'lease-keep-alive':
      return { type: 'lease-keep-alive', id: request.lease }
    case 'lease-time-to-live':
      return { type: 'lease-time-to-live', id: request.lease, keys: false }
    default:
      return assertNever(request, 'call')
  }
}

/** The log knowing of it, in this member's own term, shows too that it leads. */
async function answerOnceRecorded(parts: AnswersParts, asked: Asked, term: number): Promise<Reply> {
  const { raft, leases, clock } = parts
  const { id, question } = asked
  const { lease } = asked.request
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
