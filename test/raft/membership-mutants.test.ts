/**
 * A check of the check: bugs in the rules of membership that others have had (museum rows 14, 15, 22; Ongaro's bug), and
 * where snapshots, lost promises and leases must know of it, planted in a copy of the source, each found by the simulation
 * of changing clusters.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import type { RaftOptions } from '../../src/raft/options.js'
import type { RawNode } from '../../src/raft/raw-node.js'
import { ELECTION_TIMEOUT_MS, SimulatedCluster } from './cluster.js'
import { describeFinding, tableRows } from './mutants.js'
import { mutatedCore, type Mutation } from './mutated-core.js'

const SEEDS = 400

/** Hundreds of seeds of one mutant take a minute and a half where other tests run beside it. */
const TIMEOUT_MS = 300_000

/** Without what a leader sees by itself: then it is the checks from above that have to find it. */
const WITHOUT_OWN_CHECK: Mutation = {
  file: 'invariants.ts',
  from: '      checkMembership(state, holds)\n',
  to: '',
}

const MUTANTS: Record<string, readonly Mutation[]> = {
  'a change that is proposed before an entry of the own term is committed': [
    WITHOUT_OWN_CHECK,
    {
      file: 'membership.ts',
      from: "  if (!ownTermIsCommitted(state)) return { refused: 'own-term-not-committed' }\n",
      to: '',
    },
  ],
  'a change of several voters in one step': [
    { file: 'confchange/changer.ts', from: 'configuration.voters) > 1)', to: 'configuration.voters) > 9)' },
    { file: 'configuration.ts', from: 'after.voters) <= 1', to: 'after.voters) <= 9' },
  ],
  'a configuration that stays when its entry is truncated': [
    { file: 'append.ts', from: '  rollBackConfigurations(state, from)\n', to: '' },
  ],
  'a learner that is counted': [
    {
      file: 'electorate.ts',
      from: 'return { incoming: voters, outgoing }',
      to: 'return { incoming: [...voters, ...arguments[0].learners], outgoing }',
    },
  ],
  'a leader that counts itself after its removal': [
    {
      file: 'electorate.ts',
      from: '  return reachedByJointMajority(votersOf(state.configuration), (voter)',
      to:
        '  const { voters, outgoing } = state.configuration\n' +
        '  const incoming = voters.includes(state.id) ? voters : [...voters, state.id]\n' +
        '  return reachedByJointMajority({ incoming, outgoing }, (voter)',
    },
  ],
  'two changes in flight': [
    WITHOUT_OWN_CHECK,
    {
      file: 'membership.ts',
      from: "  if (state.configurations.current.index > state.commitIndex) return { refused: 'change-in-progress' }\n",
      to: '',
    },
  ],
  'a follower that is new and taken to have everything': [
    { file: 'progress.ts', from: '    matchIndex: 0,', to: '    matchIndex: start.nextIndex - 1,' },
  ],
  'a membership that stays what it was when a snapshot is installed': [
    {
      file: 'snapshot-restore.ts',
      from: '  resetConfigurations(state, position.index, configuration)\n',
      to: '',
    },
  ],
  'a member without promises that votes for who was told to campaign': [
    {
      file: 'election.ts',
      from: "    state.promises === 'lost'\n      ? 'promises-lost'",
      to: "    state.promises === 'lost' && message.forced !== true\n      ? 'promises-lost'",
    },
    {
      file: 'election.ts',
      from: "  if (state.promises === 'lost') return 'promises-lost'\n",
      to: '',
    },
  ],
  'a member without promises that campaigns when it is told to': [
    { file: 'election.ts', from: " && promises === 'kept'\n", to: '\n' },
    {
      file: 'transfer.ts',
      from: '  return countedMatchIndex(state.followers.get(id)) !== undefined\n',
      to: '  return true\n',
    },
    {
      file: 'transfer.ts',
      from: '  return countedMatchIndex(state.followers.get(transfer.to)) ===',
      to: '  return state.followers.get(transfer.to)?.matchIndex ===',
    },
    {
      file: 'invariants.ts',
      from: "  holds(state.promises === 'kept' || state.role",
      to: '  holds(true || state.role',
    },
  ],
  'a joint configuration of which one side is enough': [
    {
      file: 'electorate.ts',
      from: 'return { incoming: voters, outgoing }',
      to: 'return { incoming: voters, outgoing: [] }',
    },
  ],
}

/** Needs a leader that is still heard, one that was told late, and a read in between: leases wherever they can be. */
const LEASE_MUTANT: readonly Mutation[] = [
  { file: 'lease-read.ts', from: '|| leaseIsForfeited(state)', to: '|| state.transfer !== undefined' },
  { file: 'lease-read.ts', from: "import { leaseIsForfeited } from './transfer.js'\n", to: '' },
]

/** Nothing wrong is ever done, but some day nothing is done any more. */
const STUCK: Record<string, readonly Mutation[]> = {
  'a member that does not campaign since its removal is in its log, committed or not': [
    { file: 'electorate.ts', from: '  if (index <= commitIndex) return false\n', to: '  return index < 0\n' },
  ],
  'a joint configuration that is not left by a later leader': [
    {
      file: 'membership.ts',
      from: '  return isJoint(configuration) && configuration.autoLeave &&',
      to: '  return state.configurations.current.index > state.termStartIndex && isJoint(configuration) &&',
    },
  ],
}

const ALL: [string, readonly Mutation[], Partial<RaftOptions>][] = [
  ...Object.entries(MUTANTS).map(([name, mutations]): [string, readonly Mutation[], Partial<RaftOptions>] => {
    return [name, mutations, {}]
  }),
  ['a lease that holds again when a transfer is given up', LEASE_MUTANT, { checkQuorum: true }],
]

/** Of each that was found: with which seed, and as what. */
const found = new Map<string, string>()

function noteFound(name: string, seed: number, as: string): void {
  console.log(`| ${name} | | ${seed} | ${as} |`)
  found.set(name, `${seed} | ${as}`)
}

describe.each(ALL)('%s', (name, mutations, core) => {
  let Core: typeof RawNode

  beforeAll(async () => {
    Core = await mutatedCore(mutations)
  })

  it(
    'is found',
    () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const cluster = new SimulatedCluster(seed, { churn: true, Core, core })
        try {
          cluster.runFaulty(25 * ELECTION_TIMEOUT_MS)
        } catch (error) {
          // A broken invariant, seen from above or by the core itself; anything else is a mistake of the test.
          expect(error).toMatchObject({ name: expect.stringMatching(/^(SafetyViolation|AssertionError)$/) as string })
          noteFound(name, seed, describeFinding(error as Error))
          return
        }
      }
      expect.unreachable(`not found with ${SEEDS} seeds`)
    },
    TIMEOUT_MS,
  )
})

describe.each(Object.entries(STUCK))('%s', (name, mutations) => {
  it(
    'is found when all faults have ended',
    async () => {
      const Core = await mutatedCore(mutations)
      for (let seed = 1; seed <= SEEDS; seed++) {
        const cluster = new SimulatedCluster(seed, { churn: true, Core })
        cluster.runFaulty(25 * ELECTION_TIMEOUT_MS)
        cluster.heal()
        const goesOn = (): boolean => cluster.propose(cluster.leader()?.id ?? 0, 1)
        const converges = (): boolean => cluster.converged()
        if (
          cluster.runUntil(goesOn, 60 * ELECTION_TIMEOUT_MS) &&
          cluster.runUntil(converges, 100 * ELECTION_TIMEOUT_MS)
        ) {
          continue
        }
        noteFound(name, seed, 'no progress')
        return
      }
      expect.unreachable(`not found with ${SEEDS} seeds`)
    },
    TIMEOUT_MS,
  )
})

describe('the table of bugs planted in a copy of the source', () => {
  const rows = tableRows('bug planted in a copy')

  it('has a row for each, and no other', () => {
    const names = [...ALL.map(([name]) => name), ...Object.keys(STUCK)]
    expect(rows.map(([name]) => name)).toEqual(names)
    expect(rows.filter(([, breaks]) => breaks === '')).toEqual([])
  })

  it('says with which seed each was found; the output above has the rows as they should be', () => {
    for (const [name = '', , ...finding] of rows) {
      if (found.has(name)) expect(finding.join(' | '), name).toBe(found.get(name))
    }
  })
})
