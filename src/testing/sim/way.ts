/**
 * One direction and channel between two places of a simulated network: what is on it, and what is wrong with it.
 *
 * Always: what is in line comes out in the order in which it was put in, however its delays were drawn.
 * Always: what was sent on a connection that broke never arrives, also where it was in line.
 */
import { LIMITS } from '../../base/limits.js'
import type { Channel, Frame, PeerId, TransportIdentity } from '../../transport/transport.js'
import { LinkFate } from './fate.js'
import type { NetworkFaults } from './network-faults.js'

/** A frame on its way. */
export interface Parcel {
  readonly sender: TransportIdentity
  readonly receiver: PeerId
  readonly frame: Frame
  readonly nth: number
  /** Of the connection that it was sent on. */
  readonly connection: number
  readonly flipped: boolean
}

interface Line {
  /** Next to arrive first. */
  readonly parcels: Parcel[]
  /** The head of the line arrives. The same for each of them: so that rounding of times cannot change the order. */
  readonly letOut: () => void
}

export class Way {
  readonly from: string
  readonly to: string
  readonly channel: Channel
  readonly fate: LinkFate
  /** Nothing comes through. */
  cut = false
  /** Its own, over those of the network. */
  faults: Partial<NetworkFaults> | undefined
  readonly #arrive: (way: Way, parcel: Parcel) => void
  /** Connections that broke. */
  #connection = 0
  #line: Line
  /** When the last of the line arrives: nothing behind it does earlier. */
  #lineEndsAtMs = 0
  /** When a slow way has taken in all that was sent. */
  #busyUntilMs = 0
  /** On the way altogether; bounded like the queue of a real transport. */
  #frames = 0
  #bytes = 0
  /** What arrived while the way is clogged; undefined while it is not. */
  #held: Parcel[] | undefined

  constructor(seed: number, from: string, to: string, channel: Channel, arrive: (way: Way, parcel: Parcel) => void) {
    this.from = from
    this.to = to
    this.channel = channel
    this.fate = new LinkFate(seed, from, to, channel)
    this.#arrive = arrive
    this.#line = this.#newLine()
  }

  get clogged(): boolean {
    return this.#held !== undefined
  }

  get connection(): number {
    return this.#connection
  }

  faultsOver(network: NetworkFaults): NetworkFaults {
    return this.faults === undefined ? network : { ...network, ...this.faults }
  }

  hasRoomFor(frame: Frame): boolean {
    if (this.#frames >= LIMITS.peerQueueFramesMax) return false
    return this.#frames === 0 || this.#bytes + frame.bytes.byteLength <= LIMITS.peerQueueBytesMax
  }

  load({ frame }: Parcel): void {
    this.#frames++
    this.#bytes += frame.bytes.byteLength
  }

  unload({ frame }: Parcel): void {
    this.#frames--
    this.#bytes -= frame.bytes.byteLength
  }

  /** Milliseconds until all of `frame` has been taken in; 0 bytes a second: at once. */
  transmitMs(frame: Frame, bytesPerSecond: number, nowMs: number): number {
    if (bytesPerSecond === 0) return 0
    this.#busyUntilMs = Math.max(nowMs, this.#busyUntilMs) + (1000 * frame.bytes.byteLength) / bytesPerSecond
    return this.#busyUntilMs - nowMs
  }

  /** Puts a parcel in line that would arrive at `atMs`; what lets out the head of the line, and when that is to be done. */
  queue(parcel: Parcel, atMs: number): { readonly atMs: number; readonly letOut: () => void } {
    this.#lineEndsAtMs = Math.max(atMs, this.#lineEndsAtMs)
    this.#line.parcels.push(parcel)
    return { atMs: this.#lineEndsAtMs, letOut: this.#line.letOut }
  }

  /**
   * It is not slow any more: what it had not taken in comes out as often as `letOut` is called. Otherwise the end of a
   * slow time would leave a way behind that is slow for as long as its line is.
   */
  hurry(nowMs: number, delayMs: number): { readonly parcels: number; readonly letOut: () => void } | undefined {
    if (this.#busyUntilMs <= nowMs) return undefined
    const { parcels } = this.#line
    this.#line = this.#newLine(parcels.splice(0))
    this.#busyUntilMs = 0
    this.#lineEndsAtMs = nowMs + delayMs
    return { parcels: this.#line.parcels.length, letOut: this.#line.letOut }
  }

  /** Everything waits from now on. */
  clog(): void {
    this.#held ??= []
  }

  /** What has waited. */
  unclog(): readonly Parcel[] {
    const waiting = this.#held ?? []
    this.#held = undefined
    return waiting
  }

  /** Whether it is clogged; then the parcel waits. */
  holds(parcel: Parcel): boolean {
    this.#held?.push(parcel)
    return this.clogged
  }

  /** The connection breaks; what had waited, and is lost now. */
  break(): readonly Parcel[] {
    const waiting = this.#held ?? []
    this.#connection++
    this.#line = this.#newLine()
    this.#lineEndsAtMs = 0
    this.#busyUntilMs = 0
    this.#frames = 0
    this.#bytes = 0
    if (this.clogged) this.#held = []
    return waiting
  }

  #newLine(parcels: Parcel[] = []): Line {
    const letOut = (): void => {
      const head = parcels.shift()
      // None where they were hurried on before.
      if (head !== undefined) this.#arrive(this, head)
    }
    return { parcels, letOut }
  }
}
