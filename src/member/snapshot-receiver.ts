/**
 * Gets a state from another member, and verifies it.
 *
 *     offered, or asked for ──► pull ──► pieces, in any order ──► reader ──┬─► a machine of its own, loaded from it
 *                                 ▲                             │          └─► the disk, beside the present state
 *                                 └──── again, where none came ─┘
 *                                                       all of it right: handed on; else: dropped, and asked for anew
 *
 * Always: nothing of it counts before the whole was verified: checksums, order, count, hash (storage/snapshot-reader.ts), the
 * digests that the machine comes to, and the position that its header tells.
 * Always: one at a time, until whoever it was handed to has let go of it. Of several senders the one that is being listened
 * to is kept for as long as it sends: the state of any of them will do.
 * Always: what waits in memory is a window of pieces, whatever the sender does.
 */
import { assert } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import type { Clock, Timers } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { META_KEY } from '../machine/state-records.js'
import type { CompleteConfiguration } from '../raft/configuration.js'
import type { RawNode } from '../raft/raw-node.js'
import { NOBODY, type Index, type NodeId, type Term } from '../raft/types.js'
import { isUnanswered } from '../storage/disk-failure.js'
import type { IncomingState } from '../storage/incoming-state.js'
import type { Pair } from '../storage/merged-view.js'
import type { SnapshotHeader } from '../storage/snapshot-format.js'
import { PullWindow } from './pull-window.js'
import type { ReceivedState } from './received-state.js'
import { loadSnapshot } from './snapshot-loader.js'
import type { Telemeter } from './telemeter.js'
import type { TransferFrame, TransferPiece } from './wire/transfer-codec.js'

export interface SnapshotReceiverParts {
  readonly clusterId: number
  readonly memberId: NodeId
  readonly raft: RawNode
  readonly beginIncoming: () => Promise<IncomingState>
  readonly valueCacheBytesMax: number
  readonly send: (to: NodeId, frame: TransferFrame) => boolean
  readonly clock: Clock
  readonly timers: Timers
  /** Until the same is asked for again. */
  readonly retryMs: number
  /** Until a sender of whom nothing is heard is given up. */
  readonly silentMs: number
  /** A state at this index or later is needed; undefined where none is, and the leader says by itself who lags. */
  readonly needed: () => Index | undefined
  /** How many pieces of what it sends may be on their way at the same time. */
  readonly windowPieces: (from: NodeId) => number
  /** Takes it over; {@link SnapshotReceiver.release} when it is done with it. */
  readonly received: (state: ReceivedState) => void
  /** Something is broken that must not be. */
  readonly failed: (error: unknown) => void
  readonly telemeter?: Telemeter | undefined
  readonly wake: () => void
  readonly logger: Logger
  readonly buggify: Buggify
}

/** One state on its way here. */
class Reception {
  readonly id: number
  readonly from: NodeId
  readonly term: Term
  readonly windowPieces: number
  readonly window: PullWindow
  readonly begunMs: number
  heardMs: number
  pulledMs = -Infinity
  /** Of the pieces that came. */
  bytes = 0
  pulledThrough = 0
  configuration: CompleteConfiguration | undefined
  /** Why it was given up. */
  ended: StoreError | undefined
  /** Wakes whoever waits for the next piece. */
  onChange: (() => void) | undefined

  constructor(id: number, from: NodeId, term: Term, windowPieces: number, nowMs: number) {
    this.id = id
    this.from = from
    this.term = term
    this.windowPieces = windowPieces
    this.window = new PullWindow(windowPieces)
    this.heardMs = nowMs
    this.begunMs = nowMs
  }

  /** The next word is its sender's, and not this member's, which reads or writes. */
  get waits(): boolean {
    return !this.window.done && !this.window.hasNext
  }

  end(why: string): void {
    this.ended ??= new StoreError('SNAPSHOT_DAMAGED', `The snapshot was not received: ${why}.`)
    this.onChange?.()
  }
}

export class SnapshotReceiver {
  readonly #parts: SnapshotReceiverParts
  #reception: Reception | undefined
  /** What was received is with somebody. */
  #holding = false
  #requestedMs = -Infinity
  #stopped = false
  /** One is still being cleared away. */
  #working: Promise<void> | undefined
  #writing: Promise<unknown> | undefined

  constructor(parts: SnapshotReceiverParts) {
    this.#parts = parts
  }

  /** What another member says of a transfer. */
  receive(from: NodeId, frame: TransferFrame, nowMs: number): void {
    if (frame.type === 'offer') {
      this.#offered(from, frame.transfer, frame.term, nowMs)
      return
    }
    const reception = this.#reception
    if (reception?.from !== from || frame.type === 'request' || frame.transfer !== reception.id) return
    if (frame.type === 'failed') {
      // Once all is here, nobody needs its sender any more.
      if (!reception.window.done) reception.end('its sender gave up')
    } else if (frame.type === 'piece') this.#arrived(reception, frame, nowMs)
  }

  turn(nowMs: number): void {
    const { retryMs, silentMs, needed } = this.#parts
    const reception = this.#reception
    if (reception !== undefined) {
      if (reception.waits && nowMs >= reception.heardMs + silentMs) reception.end('nothing was heard of its sender')
      else if (nowMs >= reception.pulledMs + retryMs) this.#pull(reception, nowMs)
      return
    }
    const minimumIndex = needed()
    if (minimumIndex !== undefined && this.#isFree && nowMs >= this.#requestedMs + retryMs) {
      this.#request(minimumIndex, nowMs)
    }
  }

  nextDeadlineMs(): number {
    const { retryMs, silentMs, needed } = this.#parts
    const reception = this.#reception
    if (reception !== undefined) {
      const silentAtMs = reception.waits ? reception.heardMs + silentMs : Infinity
      return Math.min(silentAtMs, reception.pulledMs + retryMs)
    }
    const asks = needed() !== undefined && this.#isFree && this.#leader !== NOBODY
    return asks ? this.#requestedMs + retryMs : Infinity
  }

  /** Whoever was handed the last one is done with it. */
  release(): void {
    this.#holding = false
    this.#parts.wake()
  }

  /** The member ends: nothing further is taken. */
  stop(): void {
    this.#stopped = true
    this.#reception?.end('the member ends')
  }

  /** Resolves when nothing is written any more. What is left to be cleared away, the storage clears away when it is closed. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** Whose state is on its way here. */
  get sender(): NodeId | undefined {
    return this.#reception?.from
  }

  get #isFree(): boolean {
    return !this.#stopped && !this.#holding && this.#working === undefined
  }

  #request(minimumIndex: Index, nowMs: number): void {
    const leader = this.#leader
    if (leader === NOBODY) return
    this.#requestedMs = nowMs
    this.#parts.send(leader, { type: 'request', minimumIndex })
  }

  /** Whoever else leads. */
  get #leader(): NodeId {
    const { raft, memberId } = this.#parts
    return raft.leader === memberId ? NOBODY : raft.leader
  }

  #offered(from: NodeId, id: number, term: Term, nowMs: number): void {
    const reception = this.#reception
    if (reception?.from === from) {
      // Of the one that is under way: the answer was lost. Of another one: that one is gone where it came from.
      if (reception.id === id) this.#pull(reception, nowMs)
      else reception.end('its sender began another one')
      return
    }
    if (reception !== undefined || !this.#isFree || term < this.#parts.raft.term) return
    const begun = new Reception(id, from, term, this.#parts.windowPieces(from), nowMs)
    this.#reception = begun
    const received = this.#receive(begun)
    this.#writing = received
    const cleared = async (): Promise<void> => (await received)?.discard()
    this.#working = cleared().finally(() => {
      this.#working = undefined
      this.#parts.wake()
    })
    this.#pull(begun, nowMs)
  }

  #arrived(reception: Reception, { number, bytes, configuration }: TransferPiece, nowMs: number): void {
    if (!reception.window.accept({ number, bytes, last: configuration !== undefined })) return
    reception.heardMs = nowMs
    reception.bytes += bytes.byteLength
    reception.configuration ??= configuration
    reception.onChange?.()
  }

  /** Also while nothing is wanted, so that its sender hears that somebody is there. */
  #pull(reception: Reception, nowMs: number): void {
    const { send, buggify } = this.#parts
    const { id: transfer, from, window } = reception
    const pull = { type: 'pull', transfer, ...window.wanted } as const
    reception.pulledMs = nowMs
    reception.pulledThrough = pull.through
    send(from, pull)
    if (buggify('transfer-pulled-twice')) send(from, pull)
  }

  /** Never rejects. Resolves with what is of no use, if anything is. */
  async #receive(reception: Reception): Promise<IncomingState | undefined> {
    const { beginIncoming, received, failed, logger, send } = this.#parts
    const { id: transfer, from } = reception
    let incoming: IncomingState | undefined
    try {
      incoming = await beginIncoming()
      const state = await this.#load(reception, incoming)
      if (reception.ended !== undefined) throw reception.ended
      this.#holding = true
      this.#reception = undefined
      this.#measure(reception, true)
      received(state)
      send(from, { type: 'done', transfer, outcome: 'received' })
      return undefined
    } catch (error) {
      this.#reception = undefined
      this.#measure(reception, false)
      // A disk that failed may do better later, and what was promised does not rest on this; one that does not answer is of no use.
      if (!isStoreError(error) || isUnanswered(error)) {
        failed(error)
        return undefined
      }
      logger.warn('a snapshot from another member was not taken', { member: from, reason: error.message })
      // Every piece arrived as it was sent, and was read from a view whose seals held: what is missing is missing there.
      const damaged = reception.window.done && reception.ended === undefined && error.code === 'SNAPSHOT_DAMAGED'
      send(from, { type: 'done', transfer, outcome: damaged ? 'damaged' : 'refused' })
      return incoming
    }
  }

  #measure({ from: peer, begunMs, bytes }: Reception, ok: boolean): void {
    const { telemeter, clock } = this.#parts
    telemeter?.tell?.({ type: 'state-received', peer, durationMs: clock.monotonicMs() - begunMs, bytes, ok })
  }

  async #load(reception: Reception, incoming: IncomingState): Promise<ReceivedState> {
    const { valueCacheBytesMax } = this.#parts
    let meta: Pair | undefined
    const { content, machine } = await loadSnapshot({
      from: this.#piecesOf(reception),
      backend: incoming.state,
      valueCacheBytesMax,
      header: (header) => {
        this.#check(header)
      },
      records: async (pairs) => {
        meta ??= pairs.find(([key]) => key === META_KEY)
        await incoming.write(pairs.filter(([key]) => key !== META_KEY))
      },
    })
    const { configuration, from, term } = reception
    assert(meta !== undefined && configuration !== undefined, 'a snapshot was loaded without its position or its end')
    if (reception.ended !== undefined) throw reception.ended
    await incoming.finish(meta)
    return { incoming, machine, position: content.header.position, configuration, from, term }
  }

  #check({ clusterId, position }: SnapshotHeader): void {
    const { raft, needed, clusterId: own } = this.#parts
    const why =
      clusterId !== own
        ? 'it is of another cluster'
        : position.index < (needed() ?? raft.commitIndex + 1)
          ? `it is at ${position.index}, which is of no use here`
          : undefined
    if (why !== undefined) throw new StoreError('ABORTED', `The snapshot is not taken: ${why}.`)
  }

  /** In their order, with a turn for everybody else behind each. */
  async *#piecesOf(reception: Reception): AsyncGenerator<Uint8Array, void, undefined> {
    const { timers, clock } = this.#parts
    const { window } = reception
    while (!window.done) {
      if (reception.ended !== undefined) throw reception.ended
      const piece = window.take()
      if (piece === undefined) {
        await new Promise<void>((resolve) => (reception.onChange = resolve))
        reception.onChange = undefined
        continue
      }
      const nowMs = clock.monotonicMs()
      reception.heardMs = nowMs
      // Not for every piece: half a window is on its way meanwhile.
      const { through } = window.wanted
      if (!window.hasNext || through - reception.pulledThrough >= reception.windowPieces / 2) {
        this.#pull(reception, nowMs)
      }
      yield piece.bytes
      await new Promise<void>((resolve) => timers.soon(resolve))
    }
  }
}
