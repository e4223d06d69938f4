/**
 * What every transport must do: run it against your own.
 *
 * Imports no test framework: it takes the function that declares a test, and a factory. It waits for what is reported,
 * never for time to pass, so that a transport in virtual time is tested like one on sockets; what is to arrive and does
 * not ends with the framework's own time-out.
 */
import type { Timers } from '../../base/clock.js'
import { isStoreError } from '../../base/errors.js'
import type { ErrorCode } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { Frame, PeerId, Transport, TransportHandler, TransportIdentity } from '../../transport/transport.js'

/** Makes the transports of one test. */
export interface TransportHarness {
  /**
   * A transport, not yet started, at a place of its own; or at `address`, which an earlier one of this harness had and
   * gave up when it was closed.
   */
  transport(address?: string): Transport
  /** Those that the transports run on. */
  readonly timers: Timers
  /** After the test, when all its transports are closed. */
  dispose?(): Promise<void> | void
}

export interface TransportSuiteOptions {
  /** Declares a test, as `test` of vitest or node:test does. */
  test(name: string, body: () => Promise<void>): void
  harness(): TransportHarness | Promise<TransportHarness>
  /** Payload bytes of the largest frame. Default: `LIMITS.frameBytesMax`. */
  readonly frameBytesMax?: number
}

/**
 * Declares the suite.
 *
 * @example
 * describe('my transport', () => {
 *   transportConformance({ test, harness: () => ({ transport: (address) => ..., timers }) })
 * })
 */
export function transportConformance(options: TransportSuiteOptions): void {
  const declare = (name: string, body: (world: World) => Promise<void>): void => {
    options.test(name, async () => {
      const world = new World(await options.harness(), options.frameBytesMax ?? LIMITS.frameBytesMax)
      try {
        await body(world)
      } finally {
        await world.dispose()
      }
    })
  }
  for (const [name, body] of Object.entries({ ...delivery, ...refusals, ...lifecycle })) declare(name, body)
}

type Tests = Readonly<Record<string, (world: World) => Promise<void>>>

const delivery: Tests = {
  'delivers frames in order, in both directions': async (world) => {
    const [a, b] = await world.pair()
    for (let nth = 0; nth < 500; nth++) {
      check(a.send(b, numbered(nth)), `frame ${nth} from a was dropped`)
      check(b.send(a, numbered(nth)), `frame ${nth} from b was dropped`)
    }
    await Promise.all([a.received(500), b.received(500)])
    for (const end of [a, b]) equal(end.frames.map(numberOf), range(500), 'order of arrival')
    equal(a.frames[7]?.from, b.id, 'the sender that is named')
  },

  'keeps every kind and every size up to the limit': async (world) => {
    const [a, b] = await world.pair()
    const sizes = [0, 1, 2, 255, 4095, 65_535, 65_536, 65_537, 1_000_000, world.frameBytesMax - 1, world.frameBytesMax]
    for (const [at, size] of sizes.entries()) {
      const sent = { kind: 255 - at, bytes: pattern(size, at) }
      check(a.send(b, sent), `a frame of ${size} bytes was dropped`)
      // One after the other: together they may exceed what a queue holds.
      await b.received(at + 1)
      const found = b.frames[at]?.frame
      equal(found?.kind, sent.kind, `kind of the frame of ${size} bytes`)
      check(sameBytes(found?.bytes, sent.bytes), `the frame of ${size} bytes arrived changed`)
    }
  },

  'throws for a frame over the limit, and for a kind that is no byte': async (world) => {
    const [a, b] = await world.pair()
    throwsRangeError(() => a.send(b, { kind: 1, bytes: new Uint8Array(world.frameBytesMax + 1) }), 'a byte too many')
    for (const kind of [-1, 256, 1.5, NaN]) {
      throwsRangeError(() => a.send(b, { kind, bytes: new Uint8Array(1) }), `kind ${kind}`)
    }
    check(a.send(b, numbered(1)), 'the connection did not survive a refused frame')
    await b.received(1)
  },

  'shares no memory between sender and receivers': async (world) => {
    const [a, b] = await world.pair()
    const c = await world.open(3)
    await world.connect(a, b, c)
    const sent = pattern(5_000, 1)
    check(a.send(b, { kind: 1, bytes: sent }) && a.send(c, { kind: 1, bytes: sent }), 'a frame was dropped')
    await b.received(1)
    b.frames[0]?.frame.bytes.fill(0)
    await c.received(1)
    check(sameBytes(sent, pattern(5_000, 1)), 'the receiver wrote into the memory of the sender')
    check(sameBytes(c.frames[0]?.frame.bytes, sent), 'one receiver wrote into the memory of another')
  },

  'takes bytes that are a window on something larger': async (world) => {
    const [a, b] = await world.pair()
    const whole = pattern(1000, 3)
    a.send(b, { kind: 1, bytes: whole.subarray(100, 200) })
    a.send(b, { kind: 1, bytes: Buffer.from(whole.buffer, 300, 50) })
    await b.received(2)
    check(sameBytes(b.frames[0]?.frame.bytes, whole.slice(100, 200)), 'the window was not respected')
    check(sameBytes(b.frames[1]?.frame.bytes, whole.slice(300, 350)), 'the window of a Buffer was not respected')
  },

  'delivers nothing within the call that sends it': async (world) => {
    const [a, b] = await world.pair()
    a.send(b, numbered(0))
    equal(b.frames.length, 0, 'frames delivered within send')
    await b.received(1)
    // Nor from inside a handler: a member that answers is not called before it has finished.
    let depth = 0
    let depthMax = 0
    const bounce = (end: End, other: End): void => {
      end.onFrameNow = () => {
        depth++
        depthMax = Math.max(depthMax, depth)
        if (end.frames.length < 20) end.send(other, numbered(0))
        depth--
      }
    }
    bounce(a, b)
    bounce(b, a)
    a.send(b, numbered(0))
    await b.received(19)
    equal(depthMax, 1, 'handlers running inside each other')
  },

  'delivers a burst of 10,000 frames, or counts what it drops': async (world) => {
    const [a, b] = await world.pair()
    const count = 10_000
    let accepted = 0
    for (let nth = 0; nth < count; nth++) if (a.send(b, numbered(nth))) accepted++
    check(accepted > 0, 'nothing was accepted')
    await b.received(accepted)
    await world.settle()
    equal(b.frames.length, accepted, 'frames that arrived')
    const arrived = b.frames.map(numberOf)
    equal(
      arrived,
      [...arrived].sort((x, y) => x - y),
      'order of arrival',
    )
    equal(a.transport.statistics.framesDropped, count - accepted, 'frames counted as dropped')
    equal(a.transport.statistics.framesSent, accepted, 'frames counted as sent')
    equal(b.transport.statistics.framesReceived, accepted, 'frames counted as received')
  },

  'drops, counted, what exceeds the bytes of a queue, and goes on afterwards': async (world) => {
    const [a, b] = await world.pair()
    const bytes = pattern(1_000_000, 1)
    let accepted = 0
    for (let nth = 0; nth < 100; nth++) if (a.send(b, { kind: nth, bytes })) accepted++
    check(accepted * bytes.byteLength <= LIMITS.peerQueueBytesMax, `${accepted} MB were queued`)
    equal(a.transport.statistics.framesDropped, 100 - accepted, 'frames counted as dropped')
    await b.received(accepted)
    await world.settle()
    check(a.send(b, numbered(1)), 'the queue did not empty')
    await b.received(accepted + 1)
  },
}

const refusals: Tests = {
  'drops what is for an unknown peer': async (world) => {
    const [a] = await world.pair()
    equal(a.transport.send(99, numbered(0)), false, 'result of sending to an unknown peer')
    equal(a.transport.send(a.id, numbered(0)), false, 'result of sending to itself')
    equal(a.transport.statistics.framesDropped, 2, 'frames counted as dropped')
  },

  'passes over its own id among the peers': async (world) => {
    const [a, b] = await world.pair()
    a.setPeers(a, b)
    check(a.send(b, numbered(0)), 'the other peer was lost')
    await b.received(1)
    await world.settle()
    equal(a.transport.send(a.id, numbered(0)), false, 'result of sending to itself')
    check(!a.reports.some(({ peer }) => peer === a.id), 'it reported about itself')
  },

  'reports a peer that is not there, once': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2)
    const address = b.address
    await b.transport.close()
    a.transport.setPeers([{ id: 2, address }])
    await a.reported('unreachable', 2)
    equal(a.transport.send(2, numbered(0)), false, 'result of sending to a peer that is not there')
    await world.settle()
    equal(a.reports.length, 1, 'reports')
  },

  'delivers nothing to or from another cluster': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2, { clusterId: 8 })
    await world.refuses(a, b)
  },

  'delivers nothing to another member than the one meant': async (world) => {
    const a = await world.open(1)
    const b = await world.open(3)
    a.transport.setPeers([{ id: 2, address: b.address }])
    b.setPeers(a)
    await a.reported('unreachable', 2)
    equal(a.transport.send(2, numbered(0)), false, 'result of sending')
    await world.settle()
    equal(b.frames.length, 0, 'frames that arrived at another member')
  },

  'delivers nothing from a member that is not a peer': async (world) => {
    const a = await world.open(1)
    const b = await world.open(2)
    a.setPeers(b)
    await a.reported('unreachable', b.id)
    equal(a.send(b, numbered(0)), false, 'result of sending to a peer that does not know us')
    check(b.transport.statistics.connectionsRefused > 0, 'the refusal was not counted')
    b.setPeers(a)
    await Promise.all([a.reported('reachable', b.id), b.reported('reachable', a.id)])
    check(a.send(b, numbered(1)), 'a peer that was made known was still refused')
    await b.received(1)
    equal(b.frames.map(numberOf), [1], 'frames that arrived')
  },

  'stops with a peer that is removed': async (world) => {
    const [a, b] = await world.pair()
    a.setPeers()
    equal(a.send(b, numbered(0)), false, 'result of sending to a removed peer')
    await b.reported('unreachable', a.id)
    equal(b.send(a, numbered(0)), false, 'result of sending to a member that removed us')
    await world.settle()
    equal(a.frames.length, 0, 'frames from a removed peer')
    check(!a.reports.some(({ type }) => type === 'unreachable'), 'the removed peer was reported unreachable')
    a.setPeers(b)
    await Promise.all([a.reported('reachable', b.id, 2), b.reported('reachable', a.id, 2)])
  },

  'reports an address that is none, and throws nothing': async (world) => {
    const [a, b] = await world.pair()
    a.transport.setPeers([
      { id: b.id, address: b.address },
      { id: 5, address: 'no address at all' },
    ])
    await a.reported('unreachable', 5)
    check(a.send(b, numbered(0)), 'the other peer was lost')
    await b.received(1)
  },
}

const lifecycle: Tests = {
  'reports nothing and takes nothing before its start': async (world) => {
    const a = await world.open(1)
    const transport = world.harness.transport()
    equal(transport.address, undefined, 'address before the start')
    transport.setPeers([{ id: 1, address: a.address }])
    equal(transport.send(1, numbered(0)), false, 'result of sending before the start')
    const b = world.adopt(transport, 2)
    a.setPeers()
    await b.start()
    a.setPeers(b)
    await b.reported('reachable', a.id)
    check(b.send(a, numbered(0)), 'the peers set before the start were forgotten')
    await a.received(1)
  },

  'refuses to start twice': async (world) => {
    const [a] = await world.pair()
    const error = await failure(() => a.start())
    check(error instanceof TypeError, `a second start ended with ${String(error)}`)
    equal(typeof a.transport.address, 'string', 'address after a second start')
  },

  'refuses to start where another one listens, and may start later': async (world) => {
    const a = await world.open(1)
    const b = world.adopt(world.harness.transport(a.address), 2)
    await rejectsWith('ADDRESS_IN_USE', () => b.start())
    await a.transport.close()
    await b.start()
    equal(b.transport.address, a.address, 'address that became free')
  },

  'refuses an identity that is none': async (world) => {
    for (const id of [0, -1, 1.5, 2 ** 53]) {
      const error = await failure(() => world.adopt(world.harness.transport(), id).start())
      check(error instanceof RangeError, `member ${id} ended with ${String(error)}`)
    }
  },

  'is silent after its close': async (world) => {
    const [a, b] = await world.pair()
    for (let nth = 0; nth < 100; nth++) b.send(a, numbered(nth))
    const closing = a.transport.close()
    const calls = a.calls
    await Promise.all([closing, a.transport.close()])
    await b.reported('unreachable', a.id)
    equal(b.send(a, numbered(0)), false, 'result of sending to a closed peer')
    equal(a.send(b, numbered(0)), false, 'result of sending after the close')
    a.setPeers(b)
    await world.settle()
    equal(a.calls, calls, 'calls of the handler')
    await rejectsWith('CLOSED', () => a.start())
  },

  'closes without a start, and while it starts': async (world) => {
    const a = world.adopt(world.harness.transport(), 1)
    await a.transport.close()
    await rejectsWith('CLOSED', () => a.start())
    const b = world.adopt(world.harness.transport(), 2)
    const started = failure(() => b.start())
    await b.transport.close()
    const error = await started
    check(error === undefined || isStoreError(error, 'CLOSED'), `the start ended with ${String(error)}`)
    await world.settle()
    equal(b.calls, 0, 'calls of the handler')
  },

  'may be closed from inside its handler': async (world) => {
    const [a, b] = await world.pair()
    a.onFrameNow = () => void a.transport.close()
    for (let nth = 0; nth < 50; nth++) b.send(a, numbered(nth))
    await b.reported('unreachable', a.id)
    await world.settle()
    equal(a.frames.length, 1, 'frames delivered to a handler that closed its transport')
  },

  'finds a peer again that restarted': async (world) => {
    const [a, b] = await world.pair()
    for (let life = 1; life <= 3; life++) {
      const dying = life === 1 ? b : (world.ends.at(-1) as End)
      await dying.transport.close()
      await a.reported('unreachable', b.id, life)
      const reborn = world.adopt(world.harness.transport(b.address), b.id)
      await reborn.start()
      reborn.setPeers(a)
      await Promise.all([a.reported('reachable', b.id, life + 1), reborn.reported('reachable', a.id)])
      check(a.send(reborn, numbered(life)), 'a frame to the restarted peer was dropped')
      check(reborn.send(a, numbered(life)), 'a frame from the restarted peer was dropped')
      await Promise.all([reborn.received(1), a.received(life)])
      equal(reborn.frames.map(numberOf), [life], 'frames that arrived after the restart')
    }
    const types = a.reports.map(({ type }) => type)
    check(
      types.every((type, at) => type !== types[at - 1]),
      `reports do not alternate: ${types.join(', ')}`,
    )
  },

  'follows a peer to another address': async (world) => {
    const [a, b] = await world.pair()
    await b.transport.close()
    await a.reported('unreachable', b.id)
    const moved = await world.open(b.id)
    moved.setPeers(a)
    a.setPeers(moved)
    await Promise.all([a.reported('reachable', b.id, 2), moved.reported('reachable', a.id)])
    check(a.send(moved, numbered(1)), 'a frame to the new address was dropped')
    await moved.received(1)
  },
}

/** The transports of one test. */
class World {
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
  readonly type: 'reachable' | 'unreachable'
  readonly peer: PeerId
}

/** One transport, and all that it reported. */
class End implements TransportHandler {
  readonly transport: Transport
  readonly identity: TransportIdentity
  readonly frames: { readonly from: PeerId; readonly frame: Frame }[] = []
  readonly reports: Report[] = []
  onFrameNow: () => void = () => undefined
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

  send(to: End, frame: Frame): boolean {
    return this.transport.send(to.id, frame)
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

  onReachable(peer: PeerId): void {
    this.reports.push({ type: 'reachable', peer })
    this.#look()
  }

  onUnreachable(peer: PeerId, reason: string): void {
    check(reason.length > 0, 'no reason was given')
    this.reports.push({ type: 'unreachable', peer })
    this.#look()
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

function numbered(nth: number): Frame {
  const bytes = new Uint8Array(300)
  new DataView(bytes.buffer).setUint32(0, nth)
  return { kind: nth % 256, bytes }
}

function numberOf({ frame }: { readonly frame: Frame }): number {
  return new DataView(frame.bytes.buffer, frame.bytes.byteOffset).getUint32(0)
}

/** Bytes that differ from place to place, and from `salt` to `salt`. */
function pattern(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) + salt) & 0xff
  return bytes
}

function range(length: number): number[] {
  return Array.from({ length }, (_, at) => at)
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.byteLength === b.byteLength && a.every((byte, at) => byte === b[at])
}

function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}

function equal(found: unknown, expected: unknown, what: string): void {
  const [foundText, expectedText] = [JSON.stringify(found), JSON.stringify(expected)]
  if (foundText !== expectedText) throw new Error(`${what}: ${foundText} where ${expectedText} is expected`)
}

function throwsRangeError(action: () => unknown, what: string): void {
  try {
    action()
  } catch (error) {
    return check(error instanceof RangeError, `${what}: threw ${String(error)}`)
  }
  throw new Error(`${what}: was accepted`)
}

async function failure(action: () => Promise<unknown>): Promise<unknown> {
  try {
    await action()
    return undefined
  } catch (error) {
    return error
  }
}

async function rejectsWith(code: ErrorCode, action: () => Promise<unknown>): Promise<void> {
  const error = await failure(action)
  check(isStoreError(error, code), `${code} is expected, not ${String(error)}`)
}
