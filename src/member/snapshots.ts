/**
 * Snapshots of this member's state as streams, while it goes on working: for backups.
 *
 *     first next()    the records of the applied position are staged, and the view is taken: the state between two entries
 *     each next()     one block, made from the view in slices; in between the loop has its turns
 *
 * Always: what one stream gives is the state at one applied position, whatever is applied, written or swept meanwhile.
 * Always: what a stream holds is bounded. In memory: the changes that were not on disk when it began (they are part of the
 * member's buffer, and kept a little longer) and one block. On disk: the view keeps LevelDB from dropping what is
 * overwritten or swept meanwhile; therefore a stream that its consumer leaves alone for too long is ended, as is one that
 * takes too long as a whole, and there are only a few at a time.
 * Needs no leader and no quorum: it is what this member has applied, and all that is left when the others are lost.
 */
import { assert } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Machine } from '../machine/machine.js'
import type { LogPosition } from '../raft/types.js'
import type { Pair } from '../storage/merged-view.js'
import { SnapshotEncoder } from '../storage/snapshot-encoder.js'
import type { SnapshotHeader } from '../storage/snapshot-format.js'
import type { StateStore } from '../storage/state-store.js'
import type { Deadlines, GiveUp, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'
import { Slices } from './slices.js'
import type { StateRepair } from './state-repair.js'
import type { Telemeter } from './telemeter.js'

export interface SnapshotsParts {
  readonly identity: Pick<SnapshotHeader, 'clusterId' | 'memberId' | 'name'>
  readonly machine: Machine
  readonly storage: { readonly state: Pick<StateStore, 'iterateAll'> }
  readonly deadlines: Deadlines
  /** Default: nothing is ever damaged. */
  readonly repair?: Pick<StateRepair, 'checkShown' | 'checkWhole' | 'damaged'> | undefined
  readonly clock: Clock
  readonly timers: Timers
  readonly telemeter?: Telemeter | undefined
  readonly buggify: Buggify
}

/** One snapshot for one consumer, who asks for one piece at a time. */
export interface SnapshotStream {
  /** Of the state that it gives; undefined before the first piece is asked for. */
  readonly position: LogPosition | undefined
  /** The next piece; undefined at the end, and after it was closed. Rejects with `TIMEOUT`, `ABORTED`, `CLOSED`, `MEMBER_FAILED`, `TOO_MANY_REQUESTS`, `STATE_REPLACED`. */
  next(): Promise<Uint8Array | undefined>
  close(): void
}

export class Snapshots {
  readonly #parts: SnapshotsParts
  /** Those that hold a view. */
  readonly #streams = new Set<OpenSnapshot>()
  readonly #forMembers = new Set<OpenSnapshot>()

  constructor(parts: SnapshotsParts) {
    this.#parts = parts
  }

  /** Nothing is held before the first piece is asked for. */
  open(signal: AbortSignal | undefined): SnapshotStream {
    // A copy that is kept must not be of a state that this member itself is about to replace: it may come in place of a good one.
    const check = (): void => this.#parts.repair?.checkWhole()
    const { clock, telemeter } = this.#parts
    const ended = ({ bytes, begunMs, whole }: EndedSnapshot): void => {
      telemeter?.tell?.({ type: 'snapshot-read', durationMs: clock.monotonicMs() - begunMs, bytes, whole })
    }
    const snapshot = { streams: this.#streams, streamsMax: LIMITS.snapshotsMax, check, signal, ended }
    return new OpenSnapshot(this.#parts, snapshot)
  }

  /** For another member, beside those that users have; whoever asks for it bounds how many there are. */
  openForMember(): SnapshotStream {
    // Whoever receives it verifies it, and has no other one to ask: each record that is damaged ends it.
    const check = (): void => this.#parts.repair?.checkShown()
    return new OpenSnapshot(this.#parts, { streams: this.#forMembers, streamsMax: Infinity, check })
  }

  /** Those that are being made for users. */
  get count(): number {
    return this.#streams.size
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const stream of [...this.#streams, ...this.#forMembers]) stream.end(new StoreError(code, why, { cause }))
  }
}

interface OpenSnapshotOptions {
  /** Where it stands while it holds a view, of which there are so many at most. */
  readonly streams: Set<OpenSnapshot>
  readonly streamsMax: number
  /** Throws where there is nothing to be had. */
  readonly check: () => void
  readonly signal?: AbortSignal | undefined
  /** Told of the end of one that had begun. */
  readonly ended?: ((snapshot: EndedSnapshot) => void) | undefined
}

interface EndedSnapshot {
  readonly begunMs: number
  readonly bytes: number
  readonly whole: boolean
}

class OpenSnapshot implements SnapshotStream {
  readonly #parts: SnapshotsParts
  readonly #options: OpenSnapshotOptions
  #state: 'new' | 'open' | 'ended' = 'new'
  #failure: StoreError | undefined
  #pieces: AsyncGenerator<Uint8Array, void, undefined> | undefined
  /** What the consumer waits for. */
  #waiting: Pending<Uint8Array | undefined> | undefined
  /** Ends it when the consumer does not come back. */
  #abandon: Cancel | undefined
  #begunMs = 0
  #endsAtMs = Infinity
  /** That its consumer was handed. */
  #bytes = 0
  #position: LogPosition | undefined

  constructor(parts: SnapshotsParts, options: OpenSnapshotOptions) {
    this.#parts = parts
    this.#options = options
  }

  get position(): LogPosition | undefined {
    return this.#position
  }

  async next(): Promise<Uint8Array | undefined> {
    assert(this.#waiting === undefined, 'a piece of a snapshot is asked for while another one is awaited')
    if (this.#failure !== undefined) throw this.#failure
    if (this.#state === 'ended') return undefined
    this.#abandon?.()
    try {
      const piece = await this.#awaitPiece()
      this.#bytes += piece?.byteLength ?? 0
      if (piece === undefined) this.#finish(undefined, true)
      else if (this.#options.streams.has(this)) this.#abandon = this.#expectConsumer()
      return piece
    } catch (error) {
      this.end(error as StoreError)
      throw error
    } finally {
      this.#waiting = undefined
    }
  }

  close(): void {
    this.end(undefined)
  }

  end(failure: StoreError | undefined): void {
    this.#finish(failure, false)
  }

  #finish(failure: StoreError | undefined, whole: boolean): void {
    if (this.#state === 'ended') return
    const { streams, ended } = this.#options
    if (this.#state === 'open') ended?.({ begunMs: this.#begunMs, bytes: this.#bytes, whole })
    this.#state = 'ended'
    this.#failure = failure
    streams.delete(this)
    this.#abandon?.()
    // The view is let go once a read that is under way has ended; nobody waits for that.
    this.#pieces?.return().catch(() => undefined)
    if (failure === undefined) this.#waiting?.resolve(undefined)
    else this.#waiting?.reject(failure)
  }

  /** In one synchronous step, and so between two entries. */
  #begin(): AsyncGenerator<Uint8Array, void, undefined> {
    const { machine, storage, clock, identity } = this.#parts
    const { check, streams, streamsMax } = this.#options
    check()
    if (streams.size >= streamsMax) {
      throw new StoreError('TOO_MANY_REQUESTS', `${streams.size} snapshots of this member are made, the limit`)
    }
    this.#state = 'open'
    streams.add(this)
    this.#begunMs = clock.monotonicMs()
    this.#endsAtMs = this.#begunMs + LIMITS.snapshotMsMax
    machine.checkpoint()
    const { appliedIndex: index, appliedTerm: term, revision, compactRevision, digest } = machine
    this.#position = { index, term }
    const createdAtMs = Math.max(0, Math.floor(clock.wallMs()))
    const header = { ...identity, createdAtMs, position: { index, term }, revision, compactRevision, digest }
    this.#pieces = this.#encode(new SnapshotEncoder(header), storage.state.iterateAll())
    return this.#pieces
  }

  async *#encode(
    encoder: SnapshotEncoder,
    view: AsyncIterable<readonly Pair[]>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const slices = new Slices(this.#parts)
    let begun = false
    for await (const pairs of view) {
      // Within the loop, so that whoever stops here lets go of the view; the state holds at least its position.
      if (!begun) yield encoder.begin()
      begun = true
      for (const [key, record] of pairs) {
        encoder.add(key, record)
        if (encoder.full) yield encoder.block()
        if (slices.spend(record.byteLength)) await slices.turn()
      }
    }
    yield encoder.end()
  }

  #awaitPiece(): Promise<Uint8Array | undefined> {
    const limits = { deadlineMs: this.#nextDeadlineMs(), signal: this.#options.signal }
    const waiting = this.#parts.deadlines.wait<Uint8Array | undefined>(limits, GIVE_UP)
    this.#waiting = waiting
    if (!waiting.settled) {
      this.#makePiece().then(
        (piece) => {
          waiting.resolve(piece)
        },
        (error: Error) => {
          // Who asked takes another one: by then this member may have another state, and others have theirs.
          this.#parts.repair?.damaged(error)
          waiting.reject(error)
        },
      )
    }
    return waiting.promise
  }

  async #makePiece(): Promise<Uint8Array | undefined> {
    const { value } = await (this.#pieces ?? this.#begin()).next()
    return value ?? undefined
  }

  #expectConsumer(): Cancel {
    const { clock, timers } = this.#parts
    return timers.after(this.#nextDeadlineMs() - clock.monotonicMs(), () => {
      this.end(GIVE_UP('TIMEOUT', undefined))
    })
  }

  #nextDeadlineMs(): number {
    return Math.min(this.#parts.clock.monotonicMs() + LIMITS.snapshotPieceMsMax, this.#endsAtMs)
  }
}

const GIVE_UP: GiveUp = (code, cause) => {
  const why =
    code === 'ABORTED'
      ? 'The snapshot was aborted.'
      : 'The snapshot was ended: its consumer or the disk took longer than the limits allow (docs/LIMITS.md).'
  return new StoreError(code, why, { cause })
}
