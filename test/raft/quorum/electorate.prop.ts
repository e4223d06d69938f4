/** R15: whoever is no voter adds nothing to any quorum, whatever it says; the leader itself included. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/seeded-random.js'
import { completeConfiguration } from '../../../src/raft/configuration.js'
import { isVoter, otherVoters, peersOf, reachedByQuorum, voteResult } from '../../../src/raft/electorate.js'
import { completeSettings } from '../../../src/raft/settings.js'
import { initialState, type RaftState } from '../../../src/raft/state.js'
import { EMPTY } from '../script.js'

const SELF = 1

/** Any configuration of up to seven, with or without us, joint or not. */
const configuration = fc
  .array(fc.constantFrom('voter', 'outgoing', 'both', 'learner', 'next', 'none'), { minLength: 7, maxLength: 7 })
  .map((parts) => {
    const ids = (...names: string[]): number[] => parts.flatMap((part, at) => (names.includes(part) ? [at + 1] : []))
    return completeConfiguration({
      voters: ids('voter', 'both'),
      outgoing: ids('outgoing', 'both', 'next'),
      learners: ids('learner'),
      learnersNext: ids('next'),
    })
  })
  .filter(({ voters }) => voters.length > 0)

const reached = fc.array(fc.nat({ max: 9 }), { minLength: 8, maxLength: 8 })

function stateOf(configuration: ReturnType<typeof completeConfiguration>): RaftState {
  const settings = completeSettings({ id: SELF, configuration, random: seededRandom(1) })
  return initialState(settings, EMPTY, 0, 0)
}

describe('a quorum', () => {
  it('has reached what it would have if nobody but voters had reached anything', () => {
    fc.assert(
      fc.property(configuration, reached, (configuration, reached) => {
        const state = stateOf(configuration)
        const counted = (id: number): number => (isVoter(state, id) ? (reached[id] ?? 0) : 0)
        const actual = reachedByQuorum(state, reached[SELF] ?? 0, (id) => reached[id])
        const expected = [configuration.voters, configuration.outgoing]
          .filter((side) => side.length > 0)
          .map((side) => side.map(counted).sort((left, right) => right - left)[Math.floor(side.length / 2)] ?? 0)
        expect(actual).toBe(Math.min(...expected))
      }),
    )
  })

  it('is not made by the votes of learners, of strangers, or of a candidate without a vote', () => {
    fc.assert(
      fc.property(configuration, (configuration) => {
        const state = stateOf(configuration)
        for (let id = 1; id <= 9; id++) if (!isVoter(state, id)) state.votes.set(id, true)
        expect(voteResult(state)).toBe('pending')
        for (let id = 1; id <= 9; id++) state.votes.set(id, isVoter(state, id))
        expect(voteResult(state)).toBe('won')
      }),
    )
  })

  it('is asked of voters only, and the log goes to learners too', () => {
    fc.assert(
      fc.property(configuration, (configuration) => {
        const state = stateOf(configuration)
        const { voters, outgoing, learners } = configuration
        expect(new Set(otherVoters(state))).toEqual(new Set([...voters, ...outgoing].filter((id) => id !== SELF)))
        const all = [...voters, ...outgoing, ...learners].filter((id) => id !== SELF)
        expect(new Set(peersOf(state))).toEqual(new Set(all))
      }),
    )
  })
})
