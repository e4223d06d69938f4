/**
 * A network in virtual time that loses, delays, repeats, reorders, cuts, clogs, breaks connections and is slow.
 *
 * Always: two runs with the same seed that send the same frames see the same things happen to them (fate.ts).
 * Always: without `reorderPerMillion` and `duplicatePerMillion`, frames of one direction arrive in the order in which they
 * were sent, as on a connection, however their delays were drawn.
 * Always: what arrives is what was sent, and at a place where the member it was sent to is living now, perhaps in a later
 * life: what a transport promises, and no more.
 * Not here: bytes, sockets and handshakes (test/transport has those), and when which fault happens: the simulation decides.
 *
 * Bulk is a way of its own beside the one for main: what happens to a frame on one changes nothing for the other.
 *
 * Places are addresses: a member that starts again, under the same id or a new one, is at the same place. A place that the
 * network was told of has more of them, with `#` and something behind it: the same ways lead there, but somebody must listen.
 */
import { kind } from '../../api/check-fields.js'
import type { Clock, Timers } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import { meet } from '../../transport/memory.js'
import { MemoryTransport } from '../../transport/memory-transport.js'
import type { Answered, Medium, Unreached } from '../../transport/memory-transport.js'
import type { Channel, Frame, Peer, Transport } from '../../transport/transport.js'
import { type FrameFate, QUESTION } from './fate.js'
import { checkNetworkFaults, NO_FAULTS, type NetworkFaults } from './network-faults.js'
import { ENTER_AT_ONCE, type Enter } from './sim-process.js'
import { type Parcel, Way } from './way.js'

export { NO_FAULTS } from './network-faults.js'
export type { NetworkFaults } from './network-faults.js'

/** What became of a frame, for transcripts. `nth` counts the frames of this kind from there to there, on this channel. */
export interface NetworkEvent {
  readonly type:
    | 'sent'
    | 'lost'
    | 'cut'
    | 'reordered'
    | 'duplicated'
    | 'delivered'
    | 'undeliverable'
    | 'overflow'
    /** Arrived with flipped bits, and was not taken. */
    | 'flipped'
    /** Was on the way when the connection broke; told when it would have arrived. */
    | 'reset'
  readonly from: string
  readonly to: string
  readonly kind: number
  readonly nth: number
  readonly bytes: number
  readonly channel: Channel
}

export type NetworkStatistics = Readonly<Record<NetworkEvent['type'], number>>

export interface SimNetworkOptions {
  readonly seed: number
  /** The world's, not those of one process: what is on the way does not die with who sent it. */
  readonly clock: Clock
  readonly timers: Timers
  /** Those not given are as in {@link NO_FAULTS}. */
  readonly faults?: Partial<NetworkFaults>
  /** All addresses there are; others can then not be cut or slowed by mistake. Default: any may be one. */
  readonly places?: readonly string[]
  /** Told of everything that becomes of a frame. */
  readonly observe?: (event: NetworkEvent, frame: Uint8Array) => void
}

/** Both channels of one direction. */
type Ways = Readonly<Record<Channel, Way>>

/** What no frame is: kinds of frames end at 255. Part of every recorded seed. */
const CONNECTION_KIND = { question: 256, answer: 257 } as const

export class SimNetwork {
  readonly #options: SimNetworkOptions
  /** By the address at which each listens, and by its place. */
  readonly #attached = new Map<string, MemoryTransport>()
  readonly #present = new Map<string, MemoryTransport>()
  readonly #places = new Map<string, string>()
  readonly #enters = new WeakMap<MemoryTransport, Enter>()
  /** Each once it was asked for. */
  readonly #ways: Way[] = []
  readonly #waysFrom = new Map<string, Map<string, Ways>>()
  readonly #statistics: Record<NetworkEvent['type'], number> = {
    sent: 0,
    lost: 0,
    cut: 0,
    reordered: 0,
    duplicated: 0,
    delivered: 0,
    undeliverable: 0,
    overflow: 0,
    flipped: 0,
    reset: 0,
  }
  #faults: NetworkFaults

  constructor(options: SimNetworkOptions) {
    checkNetworkFaults(options.faults)
    this.#options = options
    this.#faults = { ...NO_FAULTS, ...options.faults }
  }

  get statistics(): NetworkStatistics {
    return { ...this.#statistics }
  }

  /**
   * The transport of one life of the member at `address`; `timers` are those of its process, frames come in by `enter`. With
   * `version` it behaves as one of an older program would.
   */
  transport(address: string, timers: Timers, enter: Enter = ENTER_AT_ONCE, version?: number): Transport {
    const transport = new MemoryTransport(address, timers, this.#medium, version)
    this.#enters.set(transport, enter)
    return transport
  }

  /**
   * Changes the faults given, for frames sent from now on; the others stay as they are. What waits for a slow way that is
   * not slow any more is carried at once. Throws TypeError or RangeError for what is no rate or time, as every method here
   * does, and for ways that there are not.
   */
  setFaults(faults: Partial<NetworkFaults>): void {
    checkNetworkFaults(faults)
    this.#faults = { ...this.#faults, ...faults }
    for (const way of this.#ways) this.#hurry(way)
  }

  /** Faults of one direction alone, over those of the network; `{}` takes them back. */
  setWayFaults(from: string, to: string, faults: Partial<NetworkFaults>): void {
    checkNetworkFaults(faults)
    for (const way of this.#waysBetween(from, to)) {
      way.faults = faults
      this.#hurry(way)
    }
  }

  /** Nothing passes between `a` and `b` any more, in either direction; not what is on the way either. */
  cut(a: string, b: string): void {
    this.#setCut(true, [...this.#waysBetween(a, b), ...this.#waysBetween(b, a)])
  }

  /** Nothing passes from `from` to `to`; the other direction is left alone. */
  cutOneWay(from: string, to: string): void {
    this.#setCut(true, this.#waysBetween(from, to))
  }

  /** Takes back what cuts there are between `a` and `b`. */
  heal(a: string, b: string): void {
    this.#setCut(false, [...this.#waysBetween(a, b), ...this.#waysBetween(b, a)])
  }

  /** Cuts every group off from every other one; within a group nothing is changed. */
  partition(groups: readonly (readonly string[])[]): void {
    const cuts = groups.flatMap((group, at) =>
      groups.flatMap((other, otherAt) =>
        at === otherAt ? [] : group.flatMap((a) => other.flatMap((b) => this.#waysBetween(a, b))),
      ),
    )
    this.#setCut(true, cuts)
  }

  /** Lets each place reach only the one before it and the one after it, in a ring; other cuts stay. */
  ring(places: readonly string[]): void {
    const apart = (a: number, b: number): boolean => {
      const distance = Math.abs(a - b)
      return distance > 1 && distance < places.length - 1
    }
    const cuts = places.flatMap((from, a) =>
      places.flatMap((to, b) => (apart(a, b) ? this.#waysBetween(from, to) : [])),
    )
    this.#setCut(true, cuts)
  }

  /** The connections between `a` and `b` break: what is on the way is lost, both see it and connect anew. */
  reset(a: string, b: string): void {
    for (const way of [...this.#waysBetween(a, b), ...this.#waysBetween(b, a)]) this.#break(way)
  }

  /** Frames from `from` to `to` wait, until they are let through together. */
  clog(from: string, to: string): void {
    for (const way of this.#waysBetween(from, to)) way.clog()
  }

  unclog(from: string, to: string): void {
    for (const way of this.#waysBetween(from, to)) this.#unclog(way)
  }

  /** Takes back every cut and clog, and all faults of single ways; `setFaults(NO_FAULTS)` does the rest. */
  healAll(): void {
    for (const way of this.#ways) {
      this.#unclog(way)
      way.faults = undefined
      this.#hurry(way)
    }
    this.#setCut(false, this.#ways)
  }

  /** The process at `address` is gone: its transport is dead at once, without a word to its handler. */
  crash(address: string): void {
    void this.#present.get(this.#placeOf(address))?.close()
  }

  readonly #medium: Medium = {
    attach: (transport) => {
      if (this.#attached.has(transport.place)) {
        throw new StoreError('ADDRESS_IN_USE', `'${transport.place}' is taken by another transport of this network.`)
      }
      this.#attached.set(transport.place, transport)
      this.#present.set(this.#placeOf(transport.place), transport)
    },
    detach: (transport) => {
      this.#attached.delete(transport.place)
      const place = this.#placeOf(transport.place)
      if (this.#present.get(place) === transport) this.#present.delete(place)
    },
    reach: (from, peer) => this.#reach(from, peer),
    changed: () => this.#lookAgain(),
    carry: (from, to, frame, channel) => this.#carry(from, to, frame, channel),
    ask: (from, address, question, answered) => {
      this.#ask(from, address, question, answered)
    },
  }

  #reach(from: MemoryTransport, peer: Peer): MemoryTransport | Unreached {
    if (this.#way(from.place, peer.address).cut) return { reason: 'no answer' }
    return meet(from, this.#attached.get(peer.address), peer)
  }

  #carry(from: MemoryTransport, to: MemoryTransport, frame: Frame, channel: Channel): boolean {
    const way = this.#way(from.place, to.place, channel)
    if (from.identity === undefined || to.identity === undefined) return false
    // Drawn first, whatever else happens: a frame that meets a cut or a full queue counts as sent.
    const fate = way.fate.next(frame.kind)
    const faults = way.faultsOver(this.#faults)
    const parcel: Parcel = {
      sender: from.identity,
      receiver: to.identity.memberId,
      frame,
      nth: fate.nth,
      connection: way.connection,
      flipped: fate.happens(QUESTION.flipped, faults.flipPerMillion),
    }
    if (!way.hasRoomFor(frame)) {
      this.#note('overflow', way, parcel)
      return false
    }
    this.#note('sent', way, parcel)
    if (way.cut) this.#note('cut', way, parcel)
    else if (fate.happens(QUESTION.lost, faults.lossPerMillion)) this.#note('lost', way, parcel)
    else this.#dispatch(way, parcel, fate, faults)
    return true
  }

  #dispatch(way: Way, parcel: Parcel, fate: FrameFate, faults: NetworkFaults): void {
    const { clock, timers } = this.#options
    const nowMs = clock.monotonicMs()
    let delayMs = way.transmitMs(parcel.frame, faults.bytesPerSecond, nowMs)
    delayMs += faults.delayMsMin + fate.exponentially(QUESTION.delay, faults.delayMsHalf)
    if (fate.happens(QUESTION.spiked, faults.spikePerMillion)) delayMs += faults.spikeMs
    if (fate.happens(QUESTION.duplicated, faults.duplicatePerMillion)) {
      const laterMs = fate.evenly(QUESTION.duplicateDelay, faults.duplicateMsMax)
      this.#note('duplicated', way, parcel)
      way.load(parcel)
      // Each arrival has bytes of its own: what one receiver does to them must not show in a duplicate.
      const frame = { kind: parcel.frame.kind, bytes: Buffer.from(parcel.frame.bytes) }
      timers.after(delayMs + laterMs, () => this.#arrive(way, { ...parcel, frame }))
    }
    way.load(parcel)
    if (fate.happens(QUESTION.reordered, faults.reorderPerMillion)) {
      const laterMs = fate.evenly(QUESTION.reorderDelay, faults.reorderMsMax)
      this.#note('reordered', way, parcel)
      timers.after(delayMs + laterMs, () => this.#arrive(way, parcel))
      return
    }
    const { atMs, letOut } = way.queue(parcel, nowMs + delayMs)
    timers.after(atMs - nowMs, letOut)
  }

  #hurry(way: Way): void {
    const { clock, timers } = this.#options
    const { bytesPerSecond, delayMsMin } = way.faultsOver(this.#faults)
    if (bytesPerSecond > 0) return
    const hurried = way.hurry(clock.monotonicMs(), delayMsMin)
    if (hurried === undefined) return
    for (let nth = 0; nth < hurried.parcels; nth++) timers.after(delayMsMin, hurried.letOut)
  }

  #break(way: Way): void {
    for (const parcel of way.break()) this.#note('reset', way, parcel)
    const target = this.#present.get(way.to)
    // Whom one reaches is a matter of main alone.
    if (target !== undefined && way.channel === 'main') this.#present.get(way.from)?.broken(target)
  }

  /**
   * A question has a connection of its own, which cuts, losses and delays meet as they do a frame; where they leave nothing to
   * be said, whoever asked hears nothing. One that meets a clogged way is as good as lost: it will be asked again.
   */
  #ask(from: MemoryTransport, address: string, question: Uint8Array, answered: (answer: Answered) => void): void {
    const there = this.#way(from.place, address)
    const back = this.#way(address, from.place)
    this.#travel(there, CONNECTION_KIND.question, () => {
      const target = this.#attached.get(address)
      const tell = (answer: Answered): void => {
        this.#travel(back, CONNECTION_KIND.answer, () => {
          this.#enters.get(from)?.(() => {
            answered(answer)
          })
        })
      }
      if (target === undefined) return tell({ reason: 'nobody listens there' })
      this.#enters.get(target)?.(() => void target.answer(question).then(tell))
    })
  }

  #travel(way: Way, kind: number, arrived: () => void): void {
    const fate = way.fate.next(kind)
    const faults = way.faultsOver(this.#faults)
    if (fate.happens(QUESTION.lost, faults.lossPerMillion)) return
    let delayMs = faults.delayMsMin + fate.exponentially(QUESTION.delay, faults.delayMsHalf)
    if (fate.happens(QUESTION.spiked, faults.spikePerMillion)) delayMs += faults.spikeMs
    this.#options.timers.after(delayMs, () => {
      if (!way.cut && !way.clogged) arrived()
    })
  }

  #arrive(way: Way, parcel: Parcel): void {
    if (parcel.connection !== way.connection) return this.#note('reset', way, parcel)
    if (way.holds(parcel)) return
    way.unload(parcel)
    if (way.cut) return this.#note('cut', way, parcel)
    if (parcel.flipped) {
      this.#note('flipped', way, parcel)
      this.#break(way)
      return
    }
    const target = this.#present.get(way.to)
    const taken = target?.identity?.memberId === parcel.receiver && target.accepts(parcel.sender)
    this.#note(taken ? 'delivered' : 'undeliverable', way, parcel)
    if (!taken) return
    this.#enters.get(target)?.(() => {
      target.deliver(parcel.sender, parcel.frame)
    })
  }

  #unclog(way: Way): void {
    for (const parcel of way.unclog()) this.#options.timers.soon(() => this.#arrive(way, parcel))
  }

  #setCut(cut: boolean, ways: readonly Way[]): void {
    for (const way of ways) way.cut = cut
    this.#options.timers.after(this.#faults.noticeMs, () => this.#lookAgain())
  }

  #lookAgain(): void {
    for (const transport of this.#attached.values()) transport.lookAgain()
  }

  /** As whoever drives the network names it: a way that there is not would take every fault and show none. */
  #waysBetween(from: string, to: string): readonly Way[] {
    const { places } = this.#options
    for (const place of [from, to]) {
      if (typeof place !== 'string') throw new TypeError(`a place must be a name, not ${kind(place)}`)
      if (places?.includes(place) === false) {
        throw new RangeError(`there is no place ${place} on this network, only ${places.join(', ')}`)
      }
    }
    if (from === to) throw new RangeError(`a way is between two places, not from ${from} to itself`)
    const { main, bulk } = this.#waysOf(from, to)
    return [main, bulk]
  }

  #way(from: string, to: string, channel: Channel = 'main'): Way {
    return this.#waysOf(this.#placeOf(from), this.#placeOf(to))[channel]
  }

  #placeOf(address: string): string {
    let place = this.#places.get(address)
    if (place === undefined) {
      const { places } = this.#options
      const before = address.slice(0, Math.max(0, address.lastIndexOf('#')))
      place = places !== undefined && !places.includes(address) && places.includes(before) ? before : address
      this.#places.set(address, place)
    }
    return place
  }

  #waysOf(from: string, to: string): Ways {
    return this.#waysFrom.get(from)?.get(to) ?? this.#newWays(from, to)
  }

  #newWays(from: string, to: string): Ways {
    const make = (channel: Channel): Way =>
      new Way(this.#options.seed, from, to, channel, (arrived, parcel) => this.#arrive(arrived, parcel))
    const ways: Ways = { main: make('main'), bulk: make('bulk') }
    const waysThere = this.#waysFrom.get(from) ?? new Map<string, Ways>()
    this.#waysFrom.set(from, waysThere.set(to, ways))
    this.#ways.push(ways.main, ways.bulk)
    return ways
  }

  #note(type: NetworkEvent['type'], way: Way, parcel: Parcel): void {
    this.#statistics[type]++
    const { kind, bytes } = parcel.frame
    const { from, to, channel } = way
    const event = { type, from, to, kind, nth: parcel.nth, bytes: bytes.byteLength, channel }
    this.#options.observe?.(event, bytes)
  }
}
