import { describeFault, describeOperation } from 'quorate/testing'
import type { Fault } from '../../../src/testing/faults/fault.js'
import { membersOf } from '../../../src/testing/report/describe-fault.js'
import { describeFrame } from '../../../src/testing/report/describe-frame.js'
import { describe, expect, test } from 'vitest'

describe('a fault in words', () => {
  test.each<[Fault, string]>([
    [
      { atMs: 0, type: 'crash', member: 'b', disk: 'process', downMs: 0 },
      'the process of b is killed; a new process starts at once',
    ],
    [
      { atMs: 0, type: 'clock-drift', member: 'a', perMillion: -500, forMs: 2000 },
      'the clock of a runs 0.05 % too slow for 2 s',
    ],
    [{ atMs: 0, type: 'old-version', member: 'a', forMs: 2000 }, 'a runs a program of an older version for 2 s'],
    [
      { atMs: 0, type: 'disk-wipe', member: 'a', downMs: 20 },
      'everything on the disk of a is gone; a new process starts after 20 ms',
    ],
    [{ atMs: 0, type: 'wall-jump', member: 'a', byMs: -3500 }, 'the wall clock of a is set back by 3.5 s'],
    [
      { atMs: 0, type: 'swizzle', members: ['a', 'b', 'c'], stepMs: 40 },
      'the ways of a, b and c are clogged one by one, 40 ms apart, and freed in another order',
    ],
    [
      { atMs: 0, type: 'slow-link', from: 'a', to: 'b', bytesPerSecond: 12_000, forMs: 900 },
      'the way from a to b carries 12,000 bytes/s for 900 ms',
    ],
  ])('%o', (fault, words) => {
    expect(describeFault(fault)).toBe(words)
  })

  test('touches whom it names, or all', () => {
    const members = ['a', 'b', 'c']
    expect(membersOf({ atMs: 0, type: 'cut', from: 'a', to: 'c', forMs: 1 }, members)).toEqual(['a', 'c'])
    expect(membersOf({ atMs: 0, type: 'ring', forMs: 1 }, members)).toEqual(members)
    expect(membersOf({ atMs: 0, type: 'disk-hang', member: 'b', forMs: 1 }, members)).toEqual(['b'])
  })
})

test('an operation in words', () => {
  const who = { id: 4, atMs: 0, client: 3, member: 'b', timeoutMs: 2000 }
  expect(describeOperation({ ...who, type: 'compact', keep: 1, abortAfterMs: 30 })).toBe(
    'client 3 forgets all history but the last 1 revision through b, within 2 s, and gives up after 30 ms',
  )
  expect(describeOperation({ ...who, type: 'range', key: 'a', end: 'c', limit: 5, back: 2 })).toBe(
    'client 3 reads "a" to "c", at most 5 keys as of 2 revisions ago, through b, within 2 s',
  )
  const replace = { step: 'replace', name: 'c', by: 'd' } as const
  expect(describeOperation({ ...who, type: 'change-members', step: replace })).toBe(
    'client 3 puts d in the place of c through b, within 2 s',
  )
})

test('bytes that mean nothing are described as such', () => {
  const bytes = new Uint8Array([250, 1])
  expect(describeFrame(1, bytes)).toEqual({ type: 'raft', term: undefined, detail: '2 bytes that do not decode' })
  expect(describeFrame(77, bytes)).toEqual({ type: 'kind 77', term: undefined, detail: '2 bytes' })
})
