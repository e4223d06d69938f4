/** What becomes of frames between two transports that know each other. */
import { LIMITS } from '../../base/limits.js'
import { check, equal } from './check.js'
import { numbered, numberOf, pattern, range, sameBytes } from './transport-world.js'
import type { End, TransportTests } from './transport-world.js'

export const deliveryTests: TransportTests = {
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

function throwsRangeError(action: () => unknown, what: string): void {
  try {
    action()
  } catch (error) {
    return check(error instanceof RangeError, `${what}: threw ${String(error)}`)
  }
  throw new Error(`${what}: was accepted`)
}
