import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, FRAME_OVERHEAD_BYTES } from '../../src/transport/frame.js'
import { PeerQueue, type Batch } from '../../src/transport/peer-queue.js'

const GENEROUS = { peerQueueBytesMax: 1e9, peerQueueFramesMax: 1e6 }
const frameOf = (bytes: number) => ({ kind: 1, bytes: new Uint8Array(bytes).fill(bytes) })

describe('a peer queue', () => {
  test('holds at most so many frames, those handed to the socket included', () => {
    const queue = new PeerQueue({ ...GENEROUS, peerQueueFramesMax: 2 })
    expect([queue.offer(frameOf(1)), queue.offer(frameOf(1)), queue.offer(frameOf(1))]).toEqual([true, true, false])
    const batch = queue.take() as Batch
    expect(batch.frames).toBe(2)
    expect(queue.offer(frameOf(1))).toBe(false)
    queue.done(batch)
    expect(queue.offer(frameOf(1))).toBe(true)
  })

  test('holds at most so many bytes, but always one frame', () => {
    const queue = new PeerQueue({ ...GENEROUS, peerQueueBytesMax: 100 })
    expect([queue.offer(frameOf(1000)), queue.offer(frameOf(0))]).toEqual([true, false])
    queue.done(queue.take() as Batch)
    const fits = 100 - 2 * FRAME_OVERHEAD_BYTES - 50
    expect([queue.offer(frameOf(50)), queue.offer(frameOf(fits + 1)), queue.offer(frameOf(fits))]).toEqual([
      true,
      false,
      true,
    ])
  })

  test('gives the frames of one turn as one chunk, and leaves large ones where they lie', () => {
    const queue = new PeerQueue(GENEROUS)
    const large = frameOf(50_000)
    for (const frame of [frameOf(10), frameOf(20), large, frameOf(30)]) queue.offer(frame)
    const { chunks, frames } = queue.take() as Batch
    expect([chunks.length, frames]).toEqual([3, 4])
    expect(chunks[1]).toBe(large.bytes)
    expect(queue.take()).toBeUndefined()
  })

  test('gives the bytes of all frames in order, in batches of a limited size', () => {
    const sizes = fc.array(fc.oneof(fc.nat({ max: 500 }), fc.nat({ max: 100_000 })), { maxLength: 40 })
    fc.assert(
      fc.property(sizes, (found) => {
        const queue = new PeerQueue(GENEROUS)
        const frames = found.map(frameOf)
        for (const frame of frames) queue.offer(frame)
        const chunks: Uint8Array[] = []
        for (let batch = queue.take(); batch !== undefined; batch = queue.take()) {
          expect(batch.bytes).toBeLessThan(64 * 1024 + 100_000 + FRAME_OVERHEAD_BYTES)
          chunks.push(...batch.chunks)
          queue.done(batch)
        }
        expect(Buffer.concat(chunks).equals(Buffer.concat(frames.map(encodeFrame)))).toBe(true)
        expect([queue.frames, queue.bytes]).toEqual([0, 0])
      }),
      { numRuns: 50 },
    )
  })

  test('counts what it drops, and not what the socket has', () => {
    const queue = new PeerQueue(GENEROUS)
    for (let nth = 0; nth < 10; nth++) queue.offer(frameOf(100_000))
    const batch = queue.take() as Batch
    expect(queue.clear()).toBe(10 - batch.frames)
    expect(queue.frames).toBe(batch.frames)
    queue.done(batch)
    expect([queue.frames, queue.bytes]).toEqual([0, 0])
  })
})
