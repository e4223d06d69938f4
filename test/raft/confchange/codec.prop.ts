/** Configurations as bytes: read as they were written, and MALFORMED where nobody could have written them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../../src/base/errors.js'
import { LIMITS } from '../../../src/base/limits.js'
import { changeSimply, enterJoint, leaveJoint } from '../../../src/raft/confchange/changer.js'
import type { MemberChange } from '../../../src/raft/confchange/change.js'
import { decodeConfiguration, encodeConfiguration } from '../../../src/raft/confchange/codec.js'
import {
  completeConfiguration,
  followsSafely,
  whyNotConfiguration,
  type CompleteConfiguration,
} from '../../../src/raft/configuration.js'

const change = fc.record({
  type: fc.constantFrom<MemberChange['type']>('voter', 'learner', 'remove', 'update'),
  id: fc.integer({ min: 1, max: 8 }),
})
const step = fc.record({
  how: fc.constantFrom('simple', 'joint', 'joint-explicit', 'leave'),
  changes: fc.array(change, { maxLength: 5 }),
})

function perform(before: CompleteConfiguration, { how, changes }: { how: string; changes: MemberChange[] }) {
  switch (how) {
    case 'simple':
      return changeSimply(before, changes)
    case 'leave':
      return leaveJoint(before)
    default:
      return enterJoint(before, changes, how === 'joint')
  }
}

/** Each configuration that a story of changes leads through. */
const stories = fc.array(step, { maxLength: 8 }).map((steps) => {
  const all = [completeConfiguration({ voters: [1, 2, 3] })]
  for (const each of steps) {
    const result = perform(all.at(-1) as CompleteConfiguration, each)
    if (result.refused === undefined) all.push(result.configuration)
  }
  return all
})

const encoded = fc
  .tuple(stories, fc.uint8Array({ maxLength: 10 }))
  .map(([all, data]) => encodeConfiguration({ configuration: all.at(-1) as CompleteConfiguration, data }))

/** Whether every quorum of the one meets every quorum of the other, by trying every set. */
function quorumsMeet(left: CompleteConfiguration, right: CompleteConfiguration): boolean {
  const isQuorum = ({ voters, outgoing }: CompleteConfiguration, has: (id: number) => boolean): boolean =>
    [voters, outgoing].every((side) => side.length === 0 || side.filter(has).length * 2 > side.length)
  for (let set = 0; set < 512; set++) {
    const has = (id: number): boolean => (set & (1 << id)) !== 0
    if (isQuorum(left, has) && isQuorum(right, (id) => !has(id))) return false
  }
  return true
}

describe('changes, one after the other,', () => {
  test('lead from configuration to configuration whose quorums meet', () => {
    fc.assert(
      fc.property(stories, (all) => {
        all.forEach((configuration, at) => {
          expect(whyNotConfiguration(configuration)).toBeUndefined()
          const before = all[at - 1]
          if (before === undefined) return
          expect(followsSafely(before, configuration)).toBe(true)
          expect(quorumsMeet(before, configuration)).toBe(true)
        })
      }),
    )
  })

  test('are as if each had been made twice', () => {
    fc.assert(
      fc.property(stories, fc.array(change, { maxLength: 5 }), (all, changes) => {
        const once = changeSimply(all.at(-1) as CompleteConfiguration, changes)
        if (once.refused === undefined) expect(changeSimply(once.configuration, changes)).toEqual(once)
      }),
    )
  })
})

describe('what follows safely', () => {
  test('has quorums that meet, whatever the two are', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 5 })
    const any = fc
      .record({ voters: ids, outgoing: ids })
      .filter(({ voters }) => voters.length > 0)
      .map(completeConfiguration)
    fc.assert(
      fc.property(any, any, (left, right) => {
        fc.pre(followsSafely(left, right))
        expect(quorumsMeet(left, right)).toBe(true)
      }),
    )
  })
})

describe('a configuration', () => {
  test('comes back from its bytes as it was, with the data beside it', () => {
    fc.assert(
      fc.property(stories, fc.uint8Array({ maxLength: 40 }), (all, data) => {
        for (const configuration of all) {
          const content = decodeConfiguration(encodeConfiguration({ configuration, data }))
          expect(content.configuration).toEqual(configuration)
          expect([...content.data]).toEqual([...data])
        }
      }),
    )
  })

  function decodeOrRefuse(bytes: Uint8Array): void {
    try {
      const { configuration } = decodeConfiguration(bytes)
      expect(configuration.voters.length).toBeGreaterThan(0)
      expect(whyNotConfiguration(configuration)).toBeUndefined()
    } catch (error) {
      if (!isStoreError(error, 'MALFORMED')) throw error
    }
  }

  test('of random or damaged bytes is MALFORMED or makes sense', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), decodeOrRefuse), { numRuns: 1000 })
    fc.assert(
      fc.property(encoded, fc.nat(), fc.nat({ max: 255 }), (bytes, at, byte) => {
        const changed = Uint8Array.from(bytes)
        changed[at % changed.length] = byte
        decodeOrRefuse(changed)
        expect(() => decodeConfiguration(bytes.subarray(0, at % bytes.length))).toThrow('cannot be decoded')
      }),
      { numRuns: 1000 },
    )
  })

  test('of more members than there may be is MALFORMED, before they are read', () => {
    const voters = Array.from({ length: LIMITS.membersMax + 1 }, (_, at) => at + 1)
    const configuration = completeConfiguration({ voters })
    const bytes = encodeConfiguration({ configuration, data: new Uint8Array(0) })
    expect(() => decodeConfiguration(bytes)).toThrow('65 members, at most 64 are possible')
  })
})
