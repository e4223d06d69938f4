/**
 * What a leader answers to questions about leases.
 *
 * Always: leadership is confirmed after the question arrived, and still held when it is answered: a deposed leader must
 * not promise time that the next one does not know of.
 * Always: whether who asks may is decided in the same step as the answer, by a state that is current then.
 */
import type { Buggify } from '../base/buggify.js'
import type { Clock, Timers } from '../base/clock.js'
import { isStoreError } from '../base/errors.js'
import { assertNever } from '../base/assert.js'
import type { Question } from '../machine/accesses.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import type { CallLimits } from './deadlines.js'
import type { LeaseDriver } from './lease-driver.js'
import type { Call, CallRequest, CallResponse } from './wire/call-codec.js'

export interface AnswersParts {
  readonly raft: RawNode
  readonly machine: Machine
  readonly leases: LeaseDriver
  readonly clock: Clock
  readonly timers: Timers
  readonly electionTimeoutMs: number
  /** Resolves when leadership was confirmed and this member's state is current. */
  readonly confirmRead: (limits: CallLimits) => Promise<void>
  readonly buggify: Buggify
}

const NOT_LEADER: CallResponse = { type: 'refused', code: 'NO_LEADER', message: 'this member does not lead' }

/** Never rejects: whoever asked asks again, and has a deadline of its own. */
export async function answerAsLeader(parts: AnswersParts, { identity, request }: Call): Promise<CallResponse> {
  const { raft, machine, leases, clock, timers, electionTimeoutMs, confirmRead, buggify } = parts
  if (raft.role !== 'leader') return NOT_LEADER
  const term = raft.term
  const question = request.type === 'lease-keep-alive' ? leases.asked(request.lease) : 0
  try {
    await confirmRead({ deadlineMs: clock.monotonicMs() + electionTimeoutMs })
  } catch (error) {
    if (!isStoreError(error, 'TOO_MANY_REQUESTS')) return NOT_LEADER
    return { type: 'refused', code: error.code, message: error.message }
  }
  if (buggify('lease-answer-late')) await new Promise<void>((resolve) => timers.after(electionTimeoutMs, resolve))
  if (raft.role !== 'leader' || raft.term !== term) return NOT_LEADER
  try {
    machine.authorize(identity, questionOf(request))
  } catch (error) {
    if (!isStoreError(error)) throw error
    return { type: 'refused', code: error.code, message: error.message }
  }
  const nowMs = clock.monotonicMs()
  return request.type === 'lease-keep-alive'
    ? leases.renew(request.lease, question, nowMs)
    : leases.timeToLive(request.lease, nowMs)
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
