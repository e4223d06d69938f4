/**
 * Sends this member's state to others that need it: because the log does not go back far enough for them any more, or since
 * what they have is damaged.
 *
 *     core or member asks ──► offered ── first pull ──► sending ── done ──► the core is told, the log stays pinned until
 *                                │                         │               the follower goes on from it
 *                                └──── nothing heard ──────┴── the stream fails ──► told as failed, asked for anew
 *
 * Always: the receiver pulls, so that a slow one costs a window of pieces and a view, and nobody else anything.
 * Always: nothing is read from the state before the first pull: an offer that nobody takes costs a frame.
 * Always: one transfer for one member. It goes on when this member leads no more: what it sends is committed, whoever leads.
 * Only new ones are begun by a leader alone: a snapshot of whoever was left behind would be refused anyway.
 */
import type { Clock } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Logger } from '../base/logger.js'
import { randomId, type Random } from '../base/random.js'
import type { Buggify } from '../base/buggify.js'
import type { CompleteConfiguration } from '../raft/configuration.js'
import type { RawNode } from '../raft/raw-node.js'
import type { Index, LogPosition, NodeId } from '../raft/types.js'
import { SendWindow } from './send-window.js'
import type { SnapshotStream } from './snapshots.js'
import type { Telemeter } from './telemeter.js'
import type { TransferFrame, TransferOutcome } from './wire/transfer-codec.js'

export interface SnapshotSenderParts {
  readonly raft: RawNode
  /** The state of this member as a stream; undefined while it has none that it could give. */
  readonly open: () => SnapshotStream | undefined
  /** About how many bytes that will be. */
  readonly stateBytes: () => number
  /** Up to here it holds everything. */
  readonly appliedIndex: () => Index
  readonly send: (to: NodeId, frame: TransferFrame) => boolean
  readonly clock: Clock
  readonly random: Random
  /** Until an offer is repeated that nobody answered. */
  readonly retryMs: number
  /** Until a transfer of which nothing is heard is given up. */
  readonly silentMs: number
  readonly logger: Logger
  readonly telemeter?: Telemeter | undefined
  /** Told of what ended a stream: it may be the state that is damaged. */
  readonly streamFailed: (error: unknown) => void
  readonly wake: () => void
  readonly buggify: Buggify
}

/** What a member was sent whole: the log stays pinned until it goes on from there. */
interface Installing {
  readonly position: LogPosition
  readonly untilMs: number
}

/** How long a member may take to make a received state its own before the log is not kept for it any more. */
const INSTALL_MS_MAX = 60_000

class Transfer {
  readonly id: number
  readonly to: NodeId
  readonly window: SendWindow
  offeredMs = -Infinity
  heardMs: number
  readonly begunMs: number
  stream: SnapshotStream | undefined
  configuration: CompleteConfiguration | undefined
  reading = false

  constructor(id: number, to: NodeId, pieceBytes: number, nowMs: number) {
    this.id = id
    this.to = to
    this.window = new SendWindow(pieceBytes)
    this.heardMs = nowMs
    this.begunMs = nowMs
  }
}

export class SnapshotSender {
  readonly #parts: SnapshotSenderParts
  readonly #transfers = new Map<NodeId, Transfer>()
  readonly #installing = new Map<NodeId, Installing>()
  /** Members that the core wants to have one, for whom there was no room. */
  readonly #waiting = new Set<NodeId>()
  #stopped = false

  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts
  }

  /** The core asks for it. */
  wanted(to: NodeId, nowMs: number): void {
    if (this.#transfers.has(to)) return
    if (this.#transfers.size >= LIMITS.transfersMax) this.#waiting.add(to)
    else this.#begin(to, nowMs)
  }

  /** What another member says of a transfer. */
  receive(from: NodeId, frame: TransferFrame, nowMs: number): void {
    if (frame.type === 'request') {
      this.#requested(from, frame.minimumIndex, nowMs)
      return
    }
    const transfer = this.#transfers.get(from)
    if (transfer?.id !== frame.transfer) {
      if (frame.type === 'pull') this.#parts.send(from, { type: 'failed', transfer: frame.transfer })
      return
    }
    if (frame.type === 'pull') this.#pulled(transfer, frame.next, frame.through, nowMs)
    else if (frame.type === 'done') this.#done(transfer, frame.outcome, nowMs)
  }

  turn(nowMs: number): void {
    for (const transfer of [...this.#transfers.values()]) {
      if (nowMs >= transfer.heardMs + this.#parts.silentMs) this.#fail(transfer, 'nothing was heard of it', nowMs)
      else if (transfer.stream === undefined) this.#offer(transfer, nowMs)
    }
    for (const to of this.#waiting) {
      if (this.#transfers.size >= LIMITS.transfersMax) break
      this.#waiting.delete(to)
      this.wanted(to, nowMs)
    }
  }

  nextDeadlineMs(): number {
    let deadlineMs = Infinity
    for (const { heardMs, offeredMs, stream } of this.#transfers.values()) {
      const offerMs = stream === undefined ? offeredMs + this.#parts.retryMs : Infinity
      deadlineMs = Math.min(deadlineMs, heardMs + this.#parts.silentMs, offerMs)
    }
    return deadlineMs
  }

  /** Transfers that are under way. */
  get count(): number {
    return this.#transfers.size
  }

  /** Whom they are for. */
  get receivers(): readonly NodeId[] {
    return [...this.#transfers.keys()]
  }

  /** How much of a state it is being sent a member has, in per cent of what this member has; undefined while it is sent none. */
  percentOf(to: NodeId): number | undefined {
    const transfer = this.#transfers.get(to)
    if (transfer === undefined) return undefined
    return Math.min(100, Math.floor((100 * transfer.window.acknowledgedBytes) / Math.max(1, this.#parts.stateBytes())))
  }

  /** The log behind this is still needed: by members that are sent a snapshot, or were and go on from it. */
  pinnedIndex(nowMs: number): Index {
    let pinned = Infinity
    for (const { stream } of this.#transfers.values()) pinned = Math.min(pinned, stream?.position?.index ?? Infinity)
    if (this.#installing.size === 0) return pinned
    const { followers } = this.#parts.raft.status()
    for (const [to, { position, untilMs }] of this.#installing) {
      const behind = followers.find(({ id }) => id === to)?.state === 'snapshot'
      if (behind && nowMs < untilMs) pinned = Math.min(pinned, position.index)
      else this.#installing.delete(to)
    }
    return pinned
  }

  /** The member ends. */
  stop(): void {
    this.#stopped = true
    for (const { stream } of this.#transfers.values()) stream?.close()
    this.#transfers.clear()
    this.#installing.clear()
    this.#waiting.clear()
  }

  /** It has nothing of before: whatever it was sent is lost, unless it is being sent just now and this came late. */
  #requested(from: NodeId, minimumIndex: Index, nowMs: number): void {
    const { raft, appliedIndex, retryMs } = this.#parts
    if (raft.role !== 'leader' || appliedIndex() < minimumIndex) return
    const before = this.#transfers.get(from)
    if (before !== undefined) {
      if (before.stream === undefined || nowMs < before.heardMs + retryMs) return
      this.#fail(before, 'its receiver asks anew', nowMs)
    }
    if (this.#transfers.size < LIMITS.transfersMax) this.#begin(from, nowMs)
  }

  #begin(to: NodeId, nowMs: number): void {
    const { random, buggify } = this.#parts
    const pieceBytes = buggify('transfer-small-pieces') ? SMALL_PIECE_BYTES : LIMITS.transferPieceBytes
    const transfer = new Transfer(randomId(random), to, pieceBytes, nowMs)
    this.#transfers.set(to, transfer)
    this.#offer(transfer, nowMs)
  }

  #offer(transfer: Transfer, nowMs: number): void {
    const { raft, send, retryMs } = this.#parts
    if (nowMs < transfer.offeredMs + retryMs) return
    if (raft.role !== 'leader') {
      this.#fail(transfer, 'this member does not lead any more', nowMs)
      return
    }
    transfer.offeredMs = nowMs
    send(transfer.to, { type: 'offer', transfer: transfer.id, term: raft.term })
  }

  #pulled(transfer: Transfer, next: number, through: number, nowMs: number): void {
    if (transfer.stream === undefined) {
      transfer.stream = this.#parts.open()
      if (transfer.stream === undefined) {
        this.#fail(transfer, 'the state of this member is not whole', nowMs)
        return
      }
    }
    if (!transfer.window.pull(next, through)) return
    transfer.heardMs = nowMs
    this.#sendPieces(transfer)
    this.#read(transfer)
  }

  #read(transfer: Transfer): void {
    if (transfer.reading || !transfer.window.wantsMore) return
    transfer.reading = true
    this.#readAhead(transfer).then(
      () => {
        transfer.reading = false
      },
      (error: unknown) => {
        if (!this.#isUnderWay(transfer)) return
        this.#fail(transfer, error instanceof Error ? error.message : String(error), this.#parts.clock.monotonicMs())
        this.#parts.streamFailed(error)
      },
    )
  }

  async #readAhead(transfer: Transfer): Promise<void> {
    const { stream, window } = transfer
    while (stream !== undefined && this.#isUnderWay(transfer) && window.wantsMore) {
      const read = stream.next()
      // Begun with the first read, in this same step: a moment later the log may be trimmed.
      transfer.configuration ??= stream.position && this.#parts.raft.configurationAt(stream.position.index)
      const bytes = await read
      if (!this.#isUnderWay(transfer)) return
      if (bytes === undefined) window.finish()
      else window.supply(bytes)
      this.#sendPieces(transfer)
    }
  }

  #sendPieces({ id, to, window, configuration }: Transfer): void {
    for (const { number, bytes, last } of window.take()) {
      const piece = { type: 'piece', transfer: id, number, bytes } as const
      this.#parts.send(to, { ...piece, configuration: last ? configuration : undefined })
    }
  }

  #done(transfer: Transfer, outcome: TransferOutcome, nowMs: number): void {
    const { raft, wake, logger } = this.#parts
    const { stream, to } = transfer
    const position = stream?.position
    if (outcome !== 'received' || position === undefined) {
      this.#fail(transfer, `its receiver says that it is ${outcome}`, nowMs)
      if (outcome === 'damaged' && transfer.window.ended) {
        const why = `the state that was sent to another member is not whole (at entry ${position?.index})`
        this.#parts.streamFailed(new StoreError('DATA_DAMAGED', `The state on disk is damaged: ${why}.`))
      }
      return
    }
    this.#leave(transfer)
    this.#measure(transfer, true, nowMs)
    logger.info('a snapshot was sent to a member', { member: to, index: position.index })
    this.#installing.set(to, { position, untilMs: nowMs + INSTALL_MS_MAX })
    raft.snapshotSent(to, position, nowMs)
    wake()
  }

  #fail(transfer: Transfer, why: string, nowMs: number): void {
    const { raft, send, wake, logger } = this.#parts
    const { id, to } = transfer
    this.#leave(transfer)
    this.#measure(transfer, false, nowMs)
    logger.warn('sending a snapshot failed', { member: to, reason: why })
    send(to, { type: 'failed', transfer: id })
    raft.snapshotFailed(to, nowMs)
    wake()
  }

  #measure({ to: peer, begunMs, window }: Transfer, ok: boolean, nowMs: number): void {
    const { acknowledgedBytes: bytes } = window
    this.#parts.telemeter?.tell?.({ type: 'state-sent', peer, durationMs: nowMs - begunMs, bytes, ok })
  }

  #leave(transfer: Transfer): void {
    this.#transfers.delete(transfer.to)
    transfer.stream?.close()
  }

  #isUnderWay(transfer: Transfer): boolean {
    return !this.#stopped && this.#transfers.get(transfer.to) === transfer
  }
}

/** Where a simulation wants to see many pieces of a small state. */
const SMALL_PIECE_BYTES = 200
