/** Digests compare whole states, so that the hash beneath must tell small differences apart and the sum must be a sum. */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import {
  addDigest,
  crc32,
  describeDigest,
  EMPTY_DIGEST,
  equalDigest,
  hash64,
  removeDigest,
  type Digest,
} from '../../src/base/checksum.js'
import { below } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'

const LANES = 64

function differingBits(a: Digest, b: Digest): boolean[] {
  const bits = (lane: number): boolean[] => Array.from({ length: 32 }, (_, bit) => ((lane >>> bit) & 1) === 1)
  return [...bits((a.high ^ b.high) >>> 0), ...bits((a.low ^ b.low) >>> 0)]
}

describe('hash64', () => {
  test('collides on no two inputs of up to two bytes, nor on counters', () => {
    const seen = new Set<string>()
    let inputs = 0
    const add = (bytes: Uint8Array): void => {
      seen.add(describeDigest(hash64(bytes)))
      inputs++
    }
    add(new Uint8Array(0))
    for (let a = 0; a < 256; a++) {
      add(Uint8Array.of(a))
      for (let b = 0; b < 256; b++) add(Uint8Array.of(a, b))
    }
    for (let nth = 0; nth < 20_000; nth++) add(Buffer.from(`key/${nth}`))
    expect(seen.size).toBe(inputs)
  })

  test('tells zeros of different lengths apart', () => {
    const seen = new Set(Array.from({ length: 300 }, (_, length) => describeDigest(hash64(new Uint8Array(length)))))
    expect(seen.size).toBe(300)
  })

  test.each([1, 3, 4, 8, 33])('turns over half of all bits when one bit of %d bytes changes', (length) => {
    const random = seededRandom(length)
    const turned = new Array<number>(LANES).fill(0)
    const samples = 1500
    for (let sample = 0; sample < samples; sample++) {
      const bytes = Uint8Array.from({ length }, () => below(random, 256))
      const before = hash64(bytes)
      const at = below(random, length * 8)
      bytes[at >>> 3] = (bytes[at >>> 3] as number) ^ (1 << (at & 7))
      differingBits(before, hash64(bytes)).forEach((differs, bit) => {
        if (differs) turned[bit] = (turned[bit] as number) + 1
      })
    }
    // Six standard deviations around one half.
    const margin = 6 * Math.sqrt(samples / 4)
    for (const count of turned) expect(Math.abs(count - samples / 2)).toBeLessThan(margin)
  })

  test('does not depend on where the bytes lie', () => {
    const bytes = Buffer.from('some record of odd length')
    const shifted = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3)
    expect(hash64(shifted)).toEqual(hash64(bytes))
  })

  test('never changes, since digests of it are on disk', () => {
    expect(describeDigest(hash64(new Uint8Array(0)))).toMatchInlineSnapshot(`"9273c4b584c80cc0"`)
    expect(describeDigest(hash64(Buffer.from('quorate')))).toMatchInlineSnapshot(`"4bc54fa6966220af"`)
  })
})

describe('a digest', () => {
  const records = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 20 })
  const sum = (all: readonly Uint8Array[]): Digest =>
    all.reduce((digest, each) => addDigest(digest, hash64(each)), EMPTY_DIGEST)

  test('is the same in whatever order records came', () => {
    fc.assert(
      fc.property(records, (all) => {
        expect(equalDigest(sum(all), sum([...all].reverse()))).toBe(true)
      }),
    )
  })

  test('forgets a record that was removed, whenever it was added', () => {
    fc.assert(
      fc.property(records, fc.uint8Array({ maxLength: 12 }), records, (before, removed, after) => {
        const all = removeDigest(sum([...before, removed, ...after]), hash64(removed))
        expect(all).toEqual(sum([...before, ...after]))
      }),
    )
  })

  test('notices a record that is there twice, and one that is missing', () => {
    const record = Buffer.from('x')
    expect(equalDigest(sum([record, record]), sum([record]))).toBe(false)
    expect(equalDigest(sum([record]), EMPTY_DIGEST)).toBe(false)
  })

  test('reads as sixteen hex digits', () => {
    expect(describeDigest(EMPTY_DIGEST)).toBe('0000000000000000')
    expect(describeDigest({ high: 1, low: 0xffff_ffff })).toBe('00000001ffffffff')
  })
})

describe('crc32', () => {
  test('is the one everybody has', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf4_3926)
  })

  test('continues from the part before', () => {
    expect(crc32(Buffer.from('789'), crc32(Buffer.from('123456')))).toBe(crc32(Buffer.from('123456789')))
  })
})
