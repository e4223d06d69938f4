/**
 * What a leader answers to questions about leases.
 *
 * Always: leadership is confirmed after the question arrived, and still held when it is answered: a deposed leader must
 * not promise time that the next one does not know of.
 */
import type { Buggify } from '../base/buggify.js'
import type { Clock, Timers } from '../base/clock.js'
import { isStoreError } from '../base/errors.js'
import type { RawNode } from '../raft/raw-node.js'
import type { CallLimits } from './deadlines.js'
import type { LeaseDriver } from './lease-driver.js'
import type { CallRequest, CallResponse } from './wire/call-codec.js'

export interface AnswersParts {
  readonly raft: RawNode
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
export async function answerAsLeader(parts: AnswersParts, request: CallRequest): Promise<CallResponse> {
  const { raft, leases, clock, timers, electionTimeoutMs, confirmRead, buggify } = parts
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
  const nowMs = clock.monotonicMs()
  return request.type === 'lease-keep-alive'
    ? leases.renew(request.lease, question, nowMs)
    : leases.timeToLive(request.lease, nowMs)
}
