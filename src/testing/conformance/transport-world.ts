/** What the suite of transports stands on: transports that record what they report, and frames that can be told apart. */
import type { Timers } from '../../base/clock.js'
import type {
  Channel,
  Frame,
  PeerId,
  Transport,
  TransportHandler,
  TransportIdentity,
} from '../../transport/transport.js'
import { check, equal } from './check.js'

/** Makes the transports of one test. */
export interface TransportHarness {
  /**
   * A transport, not yet started, at a place of its own; or at `address`, which an earlier one of this harness had and
   * gave up when it was closed.
   */
  transport(address?: string): Transport
  /** Those that the transports run on. */
  readonly timers: Timers
  /** Whether they refuse a second process of a member that is connected. Default false. */
  readonly refusesDuplicates?: boolean
  /** After the test, when all its transports are closed. */
  dispose?(): Promise<void> | void
}

/** Tests by their names. */
export type TransportTests = Readonly<Record<string, (world: World) => Promise<void>>>

/** The transports of one test. */
export class World {
  readonly harness: TransportHarness
  readonly frameBytesMax: number
  readonly ends: End[] = []

  constructor(harness: TransportHarness, frameBytesMax: number) {
    this.harness = harness
    this.frameBytesMax = frameBytesMax
  }

  adopt(transport: Transport, id: PeerId, identity: Partial<TransportIdentity> = {}): End {
    const end = new End(transport, { clusterId: 7, memberId: id, ...identity })
    this.ends.push(end)
    return end
  }

  async open(id: PeerId, identity: Partial<TransportIdentity> = {}): Promise<End> {
    const end = this.adopt(this.harness.transport(), id, identity)
    await end.start()
    return end
  }

  /** Members 1 and 2, connected. */
  async pair(): Promise<[End, End]> {
    const a = await this.open(1)
    const b = await this.open(2)
    await this.connect(a, b)
    return [a, b]
  }

  async connect(...ends: End[]): Promise<void> {
    for (const end of ends) end.setPeers(...ends.filter((other) => other !== end))
    const pairs = ends.flatMap((end) => ends.filter((other) => other !== end).map((other) => [end, other] as const))
    await Promise.all(pairs.map(([end, other]) => end.reported('reachable', other.id)))
  }

  /** The two name each other, and still nothing passes. */
  async refuses(a: End, b: End): Promise<void> {
    a.setPeers(b)
    b.setPeers(a)
    await Promise.all([a.reported('unreachable', b.id), b.reported('unreachable', a.id)])
    equal(a.send(b, numbered(0)) || b.send(a, numbered(0)), false, 'result of sending')
    await this.settle()
    equal(a.frames.length + b.frames.length, 0, 'frames that arrived')
    check(!a.reports.some(({ type }) => type === 'reachable'), 'the peer was reported reachable')
  }

  /** Lets go on what can go on by itself: for what must not happen there is nothing to wait for. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) {
      await new Promise<void>((resolve) => {
        this.harness.timers.soon(resolve)
      })
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.ends.map((end) => end.transport.close()))
    await this.harness.dispose?.()
  }
}

interface Report {
  readonly type: 'reachable' | 'unreachable' | 'removed'
  readonly peer: PeerId
}

/** One transport, and all that it reported. */
export class End implements TransportHandler {
  readonly transport: Transport
  readonly identity: TransportIdentity
  readonly frames: { readonly from: PeerId; readonly frame: Frame }[] = []
  readonly reports: Report[] = []
  readonly versions = new Map<PeerId, number>()
  readonly questions: Uint8Array[] = []
  onFrameNow: () => void = () => undefined
  onQuestionNow: (question: Uint8Array) => Promise<Uint8Array> = () => Promise.resolve(new Uint8Array(0))
  #waiting: { readonly met: () => boolean; readonly resolve: () => void }[] = []
  #address: string | undefined

  constructor(transport: Transport, identity: TransportIdentity) {
    this.transport = transport
    this.identity = identity
  }

  get id(): PeerId {
    return this.identity.memberId
  }

  /** Where it listens, or listened. */
  get address(): string {
    return this.#address ?? ''
  }

  get calls(): number {
    return this.frames.length + this.reports.length
  }

  async start(): Promise<void> {
    await this.transport.start(this.identity, this)
    this.#address = this.transport.address
    check(this.#address !== undefined, 'a started transport has no address')
  }

  setPeers(...peers: readonly End[]): void {
    this.transport.setPeers(peers.map(({ id, address }) => ({ id, address })))
  }

  setPeersAndRemoved(peers: readonly End[], removed: readonly PeerId[]): void {
    this.transport.setPeers(
      peers.map(({ id, address }) => ({ id, address })),
      removed,
    )
  }

  send(to: End, frame: Frame, channel?: Channel): boolean {
    return this.transport.send(to.id, frame, channel)
  }

  /** Resolves once so many frames have arrived. */
  received(count: number): Promise<void> {
    return this.#until(() => this.frames.length >= count)
  }

  /** Resolves once this was reported so many times. */
  reported(type: Report['type'], peer: PeerId, times = 1): Promise<void> {
    return this.#until(
      () => this.reports.filter((report) => report.type === type && report.peer === peer).length >= times,
    )
  }

  onFrame(from: PeerId, frame: Frame): void {
    this.frames.push({ from, frame })
    this.onFrameNow()
    this.#look()
  }

  onReachable(peer: PeerId, version: number): void {
    this.versions.set(peer, version)
    this.reports.push({ type: 'reachable', peer })
    this.#look()
  }

  onUnreachable(peer: PeerId, reason: string): void {
    check(reason.length > 0, 'no reason was given')
    this.reports.push({ type: 'unreachable', peer })
    this.#look()
  }

  onRemoved(by: PeerId): void {
    this.reports.push({ type: 'removed', peer: by })
    this.#look()
  }

  onQuestion(question: Uint8Array): Promise<Uint8Array> {
    this.questions.push(question)
    return this.onQuestionNow(question)
  }

  #until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push({ met, resolve })
    })
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ met, resolve }) => {
      if (!met()) return true
      resolve()
      return false
    })
  }
}

export function numbered(nth: number): Frame {
  const bytes = new Uint8Array(300)
  new DataView(bytes.buffer).setUint32(0, nth)
  return { kind: nth % 256, bytes }
}

export function numberOf({ frame }: { readonly frame: Frame }): number {
  return new DataView(frame.bytes.buffer, frame.bytes.byteOffset).getUint32(0)
}

/** Bytes that differ from place to place, and from `salt` to `salt`. */
export function pattern(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) + salt) & 0xff
  return bytes
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, at) => at)
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.byteLength === b.byteLength && a.every((byte, at) => byte === b[at])
}
