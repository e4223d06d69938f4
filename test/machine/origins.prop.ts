/** At most once, against a twin that remembers every proposal there ever was. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import type { ProposalId } from '../../src/machine/command.js'
import { Origins, type Verdict } from '../../src/machine/origins.js'

const WINDOW = LIMITS.pendingProposalsMax

class Twin {
  readonly #applied: ProposalId[] = []

  admit(proposal: ProposalId): Verdict {
    const ofMember = this.#applied.filter(({ member }) => member === proposal.member)
    const incarnation = Math.max(...ofMember.map((applied) => applied.incarnation))
    const known = ofMember.filter((applied) => applied.incarnation === incarnation)
    if (proposal.incarnation < incarnation) return 'expired'
    if (proposal.incarnation === incarnation) {
      const highest = Math.max(...known.map(({ sequence }) => sequence))
      if (proposal.sequence <= highest - WINDOW) return 'expired'
      if (known.some(({ sequence }) => sequence === proposal.sequence)) return 'duplicate'
    }
    this.#applied.push(proposal)
    return 'new'
  }
}

const sequence = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: WINDOW - 20, max: WINDOW + 40 }),
  fc.integer({ min: 2 * WINDOW - 20, max: 2 * WINDOW + 40 }),
  fc.integer({ min: 2 ** 50, max: 2 ** 50 + 5 }),
)
const proposal: fc.Arbitrary<ProposalId> = fc.record({
  member: fc.integer({ min: 1, max: 2 }),
  incarnation: fc.oneof(
    { weight: 9, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
  sequence,
})

describe('the window of proposals', () => {
  test('decides as if every proposal were remembered, through saving and loading', () => {
    const step = fc.oneof({ weight: 12, arbitrary: proposal }, { weight: 1, arbitrary: fc.constant('reload' as const) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        let origins = new Origins()
        const twin = new Twin()
        const saved = new Map<number, Uint8Array>()
        for (const drawn of steps) {
          if (drawn !== 'reload') {
            expect(origins.admit(drawn)).toBe(twin.admit(drawn))
            continue
          }
          for (const { member, record } of origins.takeDirty()) saved.set(member, record)
          const loaded = new Origins()
          for (const record of saved.values()) loaded.load(record)
          expect(loaded.digest).toEqual(origins.digest)
          origins = loaded
        }
      }),
      { numRuns: 400 },
    )
  })

  test('each of a long row of proposals is new once, whatever the order within the window', () => {
    const origins = new Origins()
    const counts = { new: 0, duplicate: 0, expired: 0 }
    for (let base = 0; base < 3 * WINDOW; base += 8) {
      for (const offset of [3, 1, 2, 3, 0, 7, 5, 6, 4, 7]) {
        counts[origins.admit({ member: 1, incarnation: 1, sequence: base + offset + 1 })]++
      }
    }
    expect(counts).toEqual({ new: 3 * WINDOW, duplicate: (3 * WINDOW) / 4, expired: 0 })
  })

  test('the edge of the window: the last inside is told apart, the first below is refused', () => {
    const origins = new Origins()
    const at = (drawn: number) => origins.admit({ member: 1, incarnation: 1, sequence: drawn })
    expect([at(1), at(2), at(WINDOW + 1)]).toEqual(['new', 'new', 'new'])
    expect([at(1), at(2), at(3), at(3)]).toEqual(['expired', 'duplicate', 'new', 'duplicate'])
  })

  test('only what changed is written again', () => {
    const origins = new Origins()
    origins.admit({ member: 2, incarnation: 1, sequence: 1 })
    origins.admit({ member: 1, incarnation: 1, sequence: 1 })
    expect(origins.takeDirty().map(({ member }) => member)).toEqual([1, 2])
    expect(origins.takeDirty()).toEqual([])
    origins.admit({ member: 2, incarnation: 1, sequence: 1 })
    expect(origins.takeDirty()).toEqual([])
    void origins.digest
    origins.admit({ member: 2, incarnation: 1, sequence: 2 })
    void origins.digest
    expect(origins.takeDirty().map(({ member }) => member)).toEqual([2])
  })
})
