/**
 * A network in virtual time that loses, delays, repeats, reorders, cuts and clogs.
 *
 * Always: two runs with the same seed that send the same frames see the same things happen to them (fate.ts).
 * Always: without `reorderPerMillion` and `duplicatePerMillion`, frames of one direction arrive in the order in which they
 * were sent, as on a connection, however their delays were drawn.
 * Always: what arrives is what was sent, and at a place where the member it was sent to is living now, perhaps in a later
 * life: what a transport promises, and no more.
 * Not here: bytes, sockets and handshakes (test/transport has those), and when which fault happens: the simulation decides.
 *
 * Places are addresses: a member that starts again, under the same id or a new one, is at the same place.
 */
import type { Clock, Timers } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { meet } from '../../transport/memory.js'
import { MemoryTransport } from '../../transport/memory-transport.js'
import type { Medium } from '../../transport/memory-transport.js'
import type { Frame, Peer, PeerId, Transport, TransportIdentity } from '../../transport/transport.js'
import { LinkFate, QUESTION } from './fate.js'
import type { FrameFate } from './fate.js'
import { ENTER_AT_ONCE, type Enter } from './sim-process.js'

/** Rates are per million frames, times are milliseconds. */
export interface NetworkFaults {
  /** Frames that never arrive. */
  readonly lossPerMillion: number
  /** Every frame takes at least this long, */
  readonly delayMsMin: number
  /** and half of those that take a further `delayMsHalf` take yet another one, at most 32 times. */
  readonly delayMsHalf: number
  /** Frames that take `spikeMs` longer; those behind them wait, as on a connection. */
  readonly spikePerMillion: number
  readonly spikeMs: number
  /** Frames that leave the line: they take up to `reorderMsMax` longer, and later ones overtake them. */
  readonly reorderPerMillion: number
  readonly reorderMsMax: number
  /** Frames that arrive a second time, up to `duplicateMsMax` later, perhaps in another life of the receiver. */
  readonly duplicatePerMillion: number
  readonly duplicateMsMax: number
  /** How long a cut or a healing stays unnoticed: frames into a fresh cut are accepted, and gone. */
  readonly noticeMs: number
}

export const NO_FAULTS: NetworkFaults = {
  lossPerMillion: 0,
  delayMsMin: 0,
  delayMsHalf: 0,
  spikePerMillion: 0,
  spikeMs: 0,
  reorderPerMillion: 0,
  reorderMsMax: 0,
  duplicatePerMillion: 0,
  duplicateMsMax: 0,
  noticeMs: 0,
}

/** What became of a frame, for transcripts. `nth` counts the frames of this kind from there to there. */
export interface NetworkEvent {
  readonly type: 'sent' | 'lost' | 'cut' | 'reordered' | 'duplicated' | 'delivered' | 'undeliverable' | 'overflow'
  readonly from: string
  readonly to: string
  readonly kind: number
  readonly nth: number
  readonly bytes: number
}

export type NetworkStatistics = Readonly<Record<NetworkEvent['type'], number>>

export interface SimNetworkOptions {
  readonly seed: number
  /** The world's, not those of one process: what is on the way does not die with who sent it. */
  readonly clock: Clock
  readonly timers: Timers
  /** Those not given are as in {@link NO_FAULTS}. */
  readonly faults?: Partial<NetworkFaults>
  /** Told of everything that becomes of a frame. */
  readonly observe?: (event: NetworkEvent, frame: Uint8Array) => void
}

/** A frame on its way. */
interface Parcel {
  readonly sender: TransportIdentity
  readonly receiver: PeerId
  readonly frame: Frame
  readonly nth: number
}

/** One direction between two places. */
interface Way {
  readonly from: string
  readonly to: string
  readonly fate: LinkFate
  /** Those that keep the order, next to arrive first. */
  readonly line: Parcel[]
  /** When the last of the line arrives: nothing behind it does earlier. */
  lineEndsAtMs: number
  /** On the way altogether; bounded like the queue of a real transport. */
  frames: number
  bytes: number
  cut: boolean
  /** What arrived while the way is clogged; undefined while it is not. */
  clogged: Parcel[] | undefined
  faults: Partial<NetworkFaults>
}

export class SimNetwork {
  readonly #options: SimNetworkOptions
  readonly #attached = new Map<string, MemoryTransport>()
  readonly #enters = new WeakMap<MemoryTransport, Enter>()
  readonly #ways = new Map<string, Way>()
  readonly #statistics: Record<NetworkEvent['type'], number> = {
    sent: 0,
    lost: 0,
    cut: 0,
    reordered: 0,
    duplicated: 0,
    delivered: 0,
    undeliverable: 0,
    overflow: 0,
  }
  #faults: NetworkFaults

  constructor(options: SimNetworkOptions) {
    this.#options = options
    this.#faults = { ...NO_FAULTS, ...options.faults }
  }

  get statistics(): NetworkStatistics {
    return { ...this.#statistics }
  }

  /** The transport of one life of the member at `address`; `timers` are those of its process, frames come in by `enter`. */
  transport(address: string, timers: Timers, enter: Enter = ENTER_AT_ONCE): Transport {
    const transport = new MemoryTransport(address, timers, this.#medium)
    this.#enters.set(transport, enter)
    return transport
  }

  /** Changes the faults given, for frames sent from now on; the others stay as they are. */
  setFaults(faults: Partial<NetworkFaults>): void {
    this.#faults = { ...this.#faults, ...faults }
  }

  /** Faults of one direction alone, over those of the network; `{}` takes them back. */
  setWayFaults(from: string, to: string, faults: Partial<NetworkFaults>): void {
    this.#way(from, to).faults = faults
  }

  /** Nothing passes between `a` and `b` any more, in either direction; not what is on the way either. */
  cut(a: string, b: string): void {
    this.#setCut(true, [a, b], [b, a])
  }

  /** Nothing passes from `from` to `to`; the other direction is left alone. */
  cutOneWay(from: string, to: string): void {
    this.#setCut(true, [from, to])
  }

  /** Takes back what cuts there are between `a` and `b`. */
  heal(a: string, b: string): void {
    this.#setCut(false, [a, b], [b, a])
  }

  /** Cuts every group off from every other one; within a group nothing is changed. */
  partition(groups: readonly (readonly string[])[]): void {
    const cuts = groups.flatMap((group, at) =>
      groups.flatMap((other, otherAt) =>
        at === otherAt ? [] : group.flatMap((a) => other.map((b) => [a, b] as const)),
      ),
    )
    this.#setCut(true, ...cuts)
  }

  /** Frames from `from` to `to` wait, until they are let through together. */
  clog(from: string, to: string): void {
    this.#way(from, to).clogged ??= []
  }

  unclog(from: string, to: string): void {
    const way = this.#way(from, to)
    const waiting = way.clogged ?? []
    way.clogged = undefined
    for (const parcel of waiting) this.#options.timers.soon(() => this.#arrive(way, parcel))
  }

  /** Takes back every cut and clog, and all faults of single ways; `setFaults(NO_FAULTS)` does the rest. */
  healAll(): void {
    for (const way of this.#ways.values()) {
      if (way.clogged !== undefined) this.unclog(way.from, way.to)
      way.faults = {}
    }
    this.#setCut(false, ...[...this.#ways.values()].map(({ from, to }) => [from, to] as const))
  }

  /** The process at `address` is gone: its transport is dead at once, without a word to its handler. */
  crash(address: string): void {
    void this.#attached.get(address)?.close()
  }

  readonly #medium: Medium = {
    attach: (transport) => {
      if (this.#attached.has(transport.place)) {
        throw new StoreError('ADDRESS_IN_USE', `'${transport.place}' is taken by another transport of this network.`)
      }
      this.#attached.set(transport.place, transport)
    },
    detach: (transport) => {
      this.#attached.delete(transport.place)
    },
    reach: (from, peer) => this.#reach(from, peer),
    changed: () => this.#lookAgain(),
    carry: (from, to, frame) => this.#carry(from, to, frame),
  }

  #reach(from: MemoryTransport, peer: Peer): MemoryTransport | string {
    if (this.#way(from.place, peer.address).cut) return 'no answer'
    return meet(from, this.#attached.get(peer.address), peer)
  }

  #carry(from: MemoryTransport, to: MemoryTransport, frame: Frame): boolean {
    const way = this.#way(from.place, to.place)
    if (from.identity === undefined || to.identity === undefined) return false
    // Drawn first, whatever else happens: a frame that meets a cut or a full queue counts as sent.
    const fate = way.fate.next(frame.kind)
    const parcel: Parcel = { sender: from.identity, receiver: to.identity.memberId, frame, nth: fate.nth }
    if (!hasRoom(way, frame)) {
      this.#note('overflow', way, parcel)
      return false
    }
    this.#note('sent', way, parcel)
    const faults = { ...this.#faults, ...way.faults }
    if (way.cut) this.#note('cut', way, parcel)
    else if (fate.happens(QUESTION.lost, faults.lossPerMillion)) this.#note('lost', way, parcel)
    else this.#dispatch(way, parcel, fate, faults)
    return true
  }

  #dispatch(way: Way, parcel: Parcel, fate: FrameFate, faults: NetworkFaults): void {
    const { clock, timers } = this.#options
    let delayMs = faults.delayMsMin + fate.exponentially(QUESTION.delay, faults.delayMsHalf)
    if (fate.happens(QUESTION.spiked, faults.spikePerMillion)) delayMs += faults.spikeMs
    if (fate.happens(QUESTION.duplicated, faults.duplicatePerMillion)) {
      const laterMs = fate.evenly(QUESTION.duplicateDelay, faults.duplicateMsMax)
      this.#note('duplicated', way, parcel)
      this.#load(way, parcel)
      timers.after(delayMs + laterMs, () => this.#arrive(way, parcel))
    }
    this.#load(way, parcel)
    if (fate.happens(QUESTION.reordered, faults.reorderPerMillion)) {
      const laterMs = fate.evenly(QUESTION.reorderDelay, faults.reorderMsMax)
      this.#note('reordered', way, parcel)
      timers.after(delayMs + laterMs, () => this.#arrive(way, parcel))
      return
    }
    const nowMs = clock.monotonicMs()
    way.lineEndsAtMs = Math.max(nowMs + delayMs, way.lineEndsAtMs)
    way.line.push(parcel)
    // The head of the line arrives, not this parcel: so that rounding of times cannot change the order.
    timers.after(way.lineEndsAtMs - nowMs, () => this.#arrive(way, way.line.shift() as Parcel))
  }

  #load(way: Way, parcel: Parcel): void {
    way.frames++
    way.bytes += parcel.frame.bytes.byteLength
  }

  #arrive(way: Way, parcel: Parcel): void {
    if (way.clogged !== undefined) {
      way.clogged.push(parcel)
      return
    }
    way.frames--
    way.bytes -= parcel.frame.bytes.byteLength
    if (way.cut) return this.#note('cut', way, parcel)
    const target = this.#attached.get(way.to)
    const taken = target?.identity?.memberId === parcel.receiver && target.accepts(parcel.sender)
    this.#note(taken ? 'delivered' : 'undeliverable', way, parcel)
    if (!taken) return
    // Each arrival has bytes of its own: what one receiver does to them must not show in a duplicate.
    const frame = { kind: parcel.frame.kind, bytes: new Uint8Array(parcel.frame.bytes) }
    this.#enters.get(target)?.(() => {
      target.deliver(parcel.sender, frame)
    })
  }

  #setCut(cut: boolean, ...pairs: readonly (readonly [string, string])[]): void {
    for (const [from, to] of pairs) this.#way(from, to).cut = cut
    this.#options.timers.after(this.#faults.noticeMs, () => this.#lookAgain())
  }

  #lookAgain(): void {
    for (const transport of this.#attached.values()) transport.lookAgain()
  }

  #way(from: string, to: string): Way {
    const key = `${from} ${to}`
    let way = this.#ways.get(key)
    if (way === undefined) {
      const fate = new LinkFate(this.#options.seed, from, to)
      const empty = { line: [], lineEndsAtMs: 0, frames: 0, bytes: 0, cut: false, clogged: undefined, faults: {} }
      way = { from, to, fate, ...empty }
      this.#ways.set(key, way)
    }
    return way
  }

  #note(type: NetworkEvent['type'], way: Way, parcel: Parcel): void {
    this.#statistics[type]++
    const { kind, bytes } = parcel.frame
    const event = { type, from: way.from, to: way.to, kind, nth: parcel.nth, bytes: bytes.byteLength }
    this.#options.observe?.(event, bytes)
  }
}

function hasRoom(way: Way, frame: Frame): boolean {
  if (way.frames >= LIMITS.peerQueueFramesMax) return false
  return way.frames === 0 || way.bytes + frame.bytes.byteLength <= LIMITS.peerQueueBytesMax
}
