/**
 * What comes from other members: decoded, checked against who sent it, and handed to whom it concerns.
 *
 * Always: a frame that does not decode costs its sender that frame and nobody else anything.
 */
import type { Buggify } from '../base/buggify.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Logger } from '../base/logger.js'
import { decodeProposalId } from '../machine/command-codec.js'
import type { RawNode } from '../raft/raw-node.js'
import type { NodeId } from '../raft/types.js'
import type { Frame } from '../transport/transport.js'
import type { Backlog } from './backlog.js'
import type { BookExchange } from './book-exchange.js'
import type { Calls } from './calls.js'
import type { Observe } from './event.js'
import type { States } from './states.js'
import { decodeCalls, decodeReplies, unreadableCall, type Call } from './wire/call-codec.js'
import { FRAME_KIND } from './wire/frame-kind.js'
import { decodeProposals } from './wire/proposal-codec.js'
import { decodeMessage } from './wire/raft-codec.js'

export interface InboxParts {
  readonly memberId: NodeId
  readonly raft: RawNode
  readonly backlog: Backlog
  readonly calls: Calls
  readonly states: States
  readonly books: BookExchange
  readonly logger: Logger
  /** Answers questions of another member, in its own time. */
  readonly answer: (from: NodeId, calls: readonly Call[]) => void
  /** Tells another member that one of its questions cannot be read. */
  readonly refuse: (from: NodeId, id: number, why: string) => void
  readonly observe: Observe | undefined
  readonly buggify: Buggify
}

export class Inbox {
  readonly #parts: InboxParts
  /** Commands from other members, to be appended in the next turn if this one leads. */
  #forwarded: Uint8Array[] = []
  #forwardedBytes = 0

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  receive(from: NodeId, frame: Frame, nowMs: number): void {
    try {
      this.#dispatch(from, frame, nowMs)
    } catch (error) {
      if (!isStoreError(error, 'MALFORMED')) throw error
      this.#parts.logger.warn('frame dropped', { from, kind: frame.kind, reason: error.message })
    }
  }

  /** Bytes of what other members forwarded, to be appended in the next turn. */
  get forwardedBytes(): number {
    return this.#forwardedBytes
  }

  takeForwarded(): readonly Uint8Array[] {
    const forwarded = this.#forwarded
    if (forwarded.length > 0) {
      this.#forwarded = []
      this.#forwardedBytes = 0
    }
    return forwarded
  }

  #dispatch(from: NodeId, frame: Frame, nowMs: number): void {
    const { raft, backlog, calls, states, books, memberId, logger, observe } = this.#parts
    switch (frame.kind) {
      case FRAME_KIND.raft: {
        const message = decodeMessage(frame.bytes, from, memberId)
        if (!backlog.admits(message)) break
        observe?.({ type: 'message-received', message, atMs: nowMs })
        raft.step(message, nowMs)
        break
      }
      case FRAME_KIND.propose:
        this.#collect(from, frame.bytes)
        break
      case FRAME_KIND.call:
        this.#ask(from, frame.bytes)
        break
      case FRAME_KIND.reply:
        for (const { id, response } of decodeReplies(frame.bytes)) calls.answered(id, response)
        break
      case FRAME_KIND.transfer:
        states.receive(from, frame.bytes, nowMs)
        break
      case FRAME_KIND.book:
        books.receive(from, frame.bytes)
        break
      default:
        logger.warn('frame of an unknown kind ignored', { from, kind: frame.kind })
    }
  }

  #ask(from: NodeId, bytes: Uint8Array): void {
    const { answer, refuse } = this.#parts
    try {
      answer(from, decodeCalls(bytes))
    } catch (error) {
      // Who asks would ask again, and again, for as long as its caller waits.
      const id = isStoreError(error, 'MALFORMED') ? unreadableCall(bytes) : undefined
      if (id !== undefined)
        refuse(from, id, `Member ${this.#parts.memberId} cannot read it: ${(error as Error).message}`)
      throw error
    }
  }

  #collect(from: NodeId, bytes: Uint8Array): void {
    // Not the leader (any more): the sender sends them again to whoever leads, as soon as it knows.
    if (this.#parts.raft.role !== 'leader' || this.#parts.buggify('forwarded-dropped')) return
    const commands = decodeProposals(bytes)
    this.#parts.observe?.({ type: 'forwarded', from, commands: commands.length })
    for (const command of commands) {
      // A member speaks for itself only: nobody uses up another one's sequence numbers.
      if (decodeProposalId(command).member !== from) {
        throw new StoreError('MALFORMED', `member ${from} forwarded a proposal of another member`)
      }
      if (this.#forwardedBytes + command.byteLength > LIMITS.uncommittedBytesMax) return
      this.#forwarded.push(command)
      this.#forwardedBytes += command.byteLength
    }
  }
}
