import { describe, expect, test } from 'vitest'
import { encodeFrame, encodeKeepalive, FrameParser } from '../../src/transport/frame.js'
import type { Frame } from '../../src/transport/transport.js'

function parserOf(bytesMax = 1000) {
  const frames: Frame[] = []
  let keepalives = 0
  const parser = new FrameParser(bytesMax, { onFrame: (frame) => frames.push(frame), onKeepalive: () => keepalives++ })
  return { parser, frames, keepalives: () => keepalives }
}

describe('a frame on the wire', () => {
  test('is length, checksum, kind, payload', () => {
    const bytes = encodeFrame({ kind: 7, bytes: Uint8Array.of(1, 2, 3) })
    expect(Buffer.from(bytes).toString('hex')).toBe('00000004' + '47b7091e' + '07' + '010203')
  })

  test('may be empty', () => {
    const { parser, frames } = parserOf()
    parser.push(encodeFrame({ kind: 0, bytes: new Uint8Array(0) }))
    expect(frames).toEqual([{ kind: 0, bytes: new Uint8Array(0) }])
  })

  test('a keepalive is no frame, and a run of zeros is no keepalive', () => {
    const { parser, frames, keepalives } = parserOf()
    parser.push(Buffer.concat([encodeKeepalive(), encodeKeepalive()]))
    expect([frames.length, keepalives()]).toEqual([0, 2])
    expect(() => parser.push(new Uint8Array(8))).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
  })
})

describe('memory', () => {
  test('a length over the limit is refused by the eight bytes that announce it', () => {
    for (const length of [1002, 2 ** 31, 2 ** 32 - 1]) {
      const { parser } = parserOf(1000)
      const head = new Uint8Array(8)
      new DataView(head.buffer).setUint32(0, length)
      expect(() => parser.push(head)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
      expect(parser.reservedBytes).toBe(0)
    }
  })

  test('grows only as bytes arrive', () => {
    const bytesMax = 4 * 1024 * 1024
    const { parser, frames } = parserOf(bytesMax)
    const bytes = encodeFrame({ kind: 1, bytes: new Uint8Array(bytesMax) })
    parser.push(bytes.subarray(0, 8))
    expect(parser.reservedBytes).toBe(0)
    let arrived = 8
    for (let step = 1; arrived + step < bytes.byteLength; step = Math.min(step * 2, 65_536)) {
      parser.push(bytes.subarray(arrived, arrived + step))
      arrived += step
      expect(parser.reservedBytes).toBeLessThanOrEqual(Math.max(4096, 2 * arrived))
    }
    parser.push(bytes.subarray(arrived))
    expect(frames[0]?.bytes.byteLength).toBe(bytesMax)
    expect(frames[0]?.bytes.buffer.byteLength).toBe(bytesMax + 1)
    expect(parser.reservedBytes).toBe(0)
  })

  test('a small frame does not hold on to the chunk it came in', () => {
    const { parser, frames } = parserOf(100_000)
    const small = encodeFrame({ kind: 1, bytes: new Uint8Array(20) })
    const large = encodeFrame({ kind: 2, bytes: new Uint8Array(60_000) })
    parser.push(new Uint8Array(Buffer.concat([small, large])))
    expect(frames.map(({ bytes }) => bytes.buffer.byteLength)).toEqual([20, small.byteLength + large.byteLength])
  })
})

describe('after an error', () => {
  test('nothing is handed up, not even what is well formed', () => {
    const { parser, frames } = parserOf()
    const good = encodeFrame({ kind: 1, bytes: Uint8Array.of(1) })
    const bad = Uint8Array.from(good)
    bad[8] = 2
    expect(() => parser.push(Buffer.concat([good, bad, good]))).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
    parser.push(good)
    expect(frames.length).toBe(1)
  })

  test('stop() within a frame ends the chunk', () => {
    const good = encodeFrame({ kind: 1, bytes: Uint8Array.of(1) })
    let frames = 0
    const parser: FrameParser = new FrameParser(10, {
      onFrame: () => {
        frames++
        parser.stop()
      },
      onKeepalive: () => undefined,
    })
    parser.push(Buffer.concat([good, good]))
    expect(frames).toBe(1)
  })
})
