/**
 * The last thing that a leader does, closed or with a disk that failed: it hands leadership over, so that the others have a
 * leader in a moment and need not miss it for an election timeout first.
 *
 * Always: it ends, with another leader or an election timeout after it began.
 * Always: nothing is applied and nobody is answered. After a failure of the disk nothing is written either: what the core
 * wants to have written stays under way, so that whatever rests on it never leaves. Not even a vote.
 *
 * What comes from other members meanwhile and is no message of Raft is dropped: they send it again to whoever leads.
 */
import type { Clock, Timers } from '../base/clock.js'
import { isStoreError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { RawNode } from '../raft/raw-node.js'
import type { Write } from '../raft/ready.js'
import { NOBODY, type NodeId } from '../raft/types.js'
import type { Frame, Transport } from '../transport/transport.js'
import type { Observe } from './event.js'
import { Pacer } from './pacer.js'
import { FRAME_KIND } from './wire/frame-kind.js'
import { decodeMessage, encodeMessage } from './wire/raft-codec.js'

export interface FarewellParts {
  readonly raft: RawNode
  readonly memberId: NodeId
  readonly electionTimeoutMs: number
  readonly transport: Pick<Transport, 'send'>
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger
  readonly observe: Observe | undefined
  /** Makes it durable and tells the core; undefined where the disk failed. */
  readonly write: ((write: Write) => Promise<void>) | undefined
}

export class Farewell {
  /** Resolves when it is over. */
  readonly ended: Promise<void>
  readonly #parts: FarewellParts
  readonly #pacer: Pacer
  readonly #deadlineMs: number
  #end!: () => void
  #over = false

  /** Undefined where there is nothing to hand over, or nobody to hand it to. */
  static begin(parts: FarewellParts): Farewell | undefined {
    const { raft, clock, logger } = parts
    if (raft.role !== 'leader') return undefined
    const { accepted } = raft.resign(clock.monotonicMs())
    if (!accepted) return undefined
    logger.info('this leader hands leadership over before it stops')
    return new Farewell(parts)
  }

  private constructor(parts: FarewellParts) {
    this.#parts = parts
    this.#deadlineMs = parts.clock.monotonicMs() + parts.electionTimeoutMs
    this.ended = new Promise((resolve) => (this.#end = resolve))
    this.#pacer = new Pacer(parts.clock, parts.timers, this.#guarded)
    this.#pacer.wake()
  }

  receive(from: NodeId, frame: Frame): void {
    if (this.#over || frame.kind !== FRAME_KIND.raft) return
    const { raft, memberId, clock, observe } = this.#parts
    try {
      const message = decodeMessage(frame.bytes, from, memberId)
      const nowMs = clock.monotonicMs()
      observe?.({ type: 'message-received', message, atMs: nowMs })
      raft.step(message, nowMs)
    } catch (error) {
      if (!isStoreError(error, 'MALFORMED')) this.#finish()
    }
    this.#pacer.wake()
  }

  /** Whatever is wrong now: the member ends anyway. */
  readonly #guarded = (): void => {
    try {
      this.#turn()
    } catch {
      this.#finish()
    }
  }

  #turn(): void {
    const { raft, clock } = this.#parts
    const nowMs = clock.monotonicMs()
    if (nowMs >= raft.nextDeadlineMs()) raft.tick(nowMs)
    if (raft.hasReady(false)) this.#perform()
    if (nowMs >= this.#deadlineMs || this.#isDone()) {
      this.#finish()
      return
    }
    if (raft.hasReady(false)) this.#pacer.wake()
    this.#pacer.wakeAt(Math.min(raft.nextDeadlineMs(), this.#deadlineMs))
  }

  #perform(): void {
    const { raft, transport, observe, write: perform } = this.#parts
    const { messages, write } = raft.ready(false)
    for (const message of messages) {
      const taken = transport.send(message.to, { kind: FRAME_KIND.raft, bytes: encodeMessage(message) })
      observe?.({ type: 'message-sent', message, taken })
    }
    if (write === undefined || perform === undefined) return
    const wake = (): void => {
      this.#pacer.wake()
    }
    perform(write).then(wake, wake)
  }

  /** A member that can still vote does, and sees who leads; for one that cannot it is enough that somebody campaigns. */
  #isDone(): boolean {
    const { raft, write } = this.#parts
    return raft.role !== 'leader' && (write === undefined || raft.leader !== NOBODY)
  }

  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#pacer.stop()
    this.#end()
  }
}
