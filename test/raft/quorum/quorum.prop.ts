/**
 * Quorum arithmetic against a naive twin: the twin says what a quorum is by trying every set of voters.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jointVote, reachedByJointMajority } from '../../../src/raft/quorum/joint.js'
import { majorityVote, reachedByMajority } from '../../../src/raft/quorum/majority.js'

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 })
const reached = fc.dictionary(fc.constantFrom(...'123456789'), fc.integer({ min: 0, max: 12 }))
const votes = fc.dictionary(fc.constantFrom(...'123456789'), fc.boolean())

function quorumsOf(voters: readonly number[]): number[][] {
  const sets = voters.reduce<number[][]>((sets, voter) => [...sets, ...sets.map((set) => [...set, voter])], [[]])
  return sets.filter((set) => set.length * 2 > voters.length)
}

/** The highest number that all of some quorum have reached. */
function naiveReached(voters: readonly number[], reached: Record<string, number>): number {
  if (voters.length === 0) return Infinity
  return Math.max(...quorumsOf(voters).map((quorum) => Math.min(...quorum.map((voter) => reached[voter] ?? 0))))
}

function naiveVote(voters: readonly number[], votes: Record<string, boolean>): string {
  if (voters.length === 0) return 'won'
  const quorums = quorumsOf(voters)
  if (quorums.some((quorum) => quorum.every((voter) => votes[voter] === true))) return 'won'
  return quorums.some((quorum) => quorum.every((voter) => votes[voter] !== false)) ? 'pending' : 'lost'
}

describe('a majority', () => {
  it('has reached what all of some quorum have reached', () => {
    fc.assert(
      fc.property(voters, reached, (voters, reached) => {
        expect(reachedByMajority(voters, (voter) => reached[voter])).toBe(naiveReached(voters, reached))
      }),
    )
  })

  it('votes yes when some quorum does, and no when none can any more', () => {
    fc.assert(
      fc.property(voters, votes, (voters, votes) => {
        expect(majorityVote(voters, (voter) => votes[voter])).toBe(naiveVote(voters, votes))
      }),
    )
  })
})

describe('a joint majority', () => {
  it('has reached what both of its sides have reached', () => {
    fc.assert(
      fc.property(voters, voters, reached, (incoming, outgoing, reached) => {
        const expected = Math.min(naiveReached(incoming, reached), naiveReached(outgoing, reached))
        expect(reachedByJointMajority({ incoming, outgoing }, (voter) => reached[voter])).toBe(expected)
      }),
    )
  })

  it('votes yes when both sides do, and no when one of them does', () => {
    fc.assert(
      fc.property(voters, voters, votes, (incoming, outgoing, votes) => {
        const sides = [naiveVote(incoming, votes), naiveVote(outgoing, votes)]
        const expected = sides.includes('lost') ? 'lost' : sides.includes('pending') ? 'pending' : 'won'
        expect(jointVote({ incoming, outgoing }, (voter) => votes[voter])).toBe(expected)
      }),
    )
  })

  it('with one side empty is the majority of the other', () => {
    fc.assert(
      fc.property(voters, reached, (voters, reached) => {
        const reachedBy = (voter: number): number | undefined => reached[voter]
        expect(reachedByJointMajority({ incoming: voters, outgoing: [] }, reachedBy)).toBe(
          reachedByMajority(voters, reachedBy),
        )
      }),
    )
  })
})
