/**
 * Bugs that others have had, planted between a core and its world: what it reads, what it is given, what its driver makes
 * of its output. Each must be found by the simulated clusters, within so many seeds; `npx tsx scripts/raft-mutants.ts`
 * tells with how many it was.
 *
 * The core has no switch for any of them: what ships is what is tested.
 */
import { readFileSync } from 'node:fs'
import { AssertionError } from '../../src/base/assert.js'
import type { Message } from '../../src/raft/message.js'
import type { RaftOptions } from '../../src/raft/options.js'
import type { RawNode } from '../../src/raft/raw-node.js'
import type { Ready } from '../../src/raft/ready.js'
import { SafetyViolation } from './checker.js'
import type { Fault, Plant } from './cluster.js'

export interface Mutant {
  readonly name: string
  /** The rule it breaks, and who had it, by its row in the list of known bugs where there is one. */
  readonly breaks: string
  /** So many seeds find it. */
  readonly seeds: number
  readonly plant: Plant
  /** Under which faults and options, where the usual ones would take too many seeds. */
  readonly core?: Partial<RaftOptions>
  readonly faults?: readonly Fault[]
  readonly churn?: boolean
}

/** As what a bug was found: by which invariant, or by the core itself. Anything else is a mistake of the test. */
export function describeFinding(failure: Error): string {
  if (failure instanceof SafetyViolation) return failure.message.split(':')[0] ?? ''
  // A core made of a copy of the source has an AssertionError of its own.
  if (failure instanceof AssertionError || failure.name === 'AssertionError') return 'an assertion of the core'
  throw failure
}

/** The cells of the table of docs/TESTING.md whose first heading this is, row by row. */
export function tableRows(heading: string): string[][] {
  const lines = readFileSync(new URL('../../docs/TESTING.md', import.meta.url), 'utf8').split('\n')
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`))
  if (start < 0) throw new Error(`docs/TESTING.md has no table of "${heading}"`)
  const body = lines.slice(start + 2)
  const length = body.findIndex((line) => !line.startsWith('|'))
  return body.slice(0, length).map((line) => line.slice(2, -2).split(' | '))
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'term and vote are forgotten in a crash',
    breaks: 'one vote per term, 3.4 (row 2)',
    seeds: 300,
    plant: {
      stored: (stored) => {
        const term = stored.entries.at(-1)?.term ?? stored.compacted.term
        return { ...stored, hardState: { term, vote: 0 } }
      },
    },
  },
  {
    name: 'a refused vote is counted',
    breaks: 'election safety, 3.4 (row 2)',
    seeds: 100,
    plant: { incoming: (message) => (message.type === 'vote-reply' ? { ...message, granted: true } : message) },
  },
  {
    name: 'votes are given whatever the log',
    breaks: 'the election restriction, 3.6.1',
    seeds: 100,
    plant: {
      ready: messages((message) =>
        message.type === 'vote' || message.type === 'pre-vote' ? { ...message, lastTerm: 1_000_000 } : message,
      ),
    },
  },
  {
    name: 'logs are compared by length alone',
    breaks: 'the election restriction, 3.6.1',
    seeds: 1000,
    plant: {
      incoming: (message, node) =>
        message.type === 'vote' || message.type === 'pre-vote'
          ? { ...message, lastTerm: node.termAt(node.lastIndex) ?? 0 }
          : message,
    },
  },
  {
    name: 'older terms are committed by counting',
    breaks: 'figure 3.7, 3.6.2 (row 1)',
    seeds: 2000,
    // One entry in a message, one message at a time: so that old entries get to a majority without a new one.
    core: { appendBytesMax: 1, inflightAppendsMax: 1, checkQuorum: false },
    plant: {
      ready: messages((message, node) =>
        message.type === 'append' && node.role === 'leader'
          ? { ...message, commit: Math.max(message.commit, countedWithoutTerms(node)) }
          : message,
      ),
    },
  },
  {
    name: 'a new leader gives old entries its own term',
    breaks: 'log matching, 3.5',
    seeds: 50,
    plant: {
      ready: messages((message) =>
        message.type === 'append'
          ? { ...message, entries: message.entries.map((entry) => ({ ...entry, term: message.term })) }
          : message,
      ),
    },
  },
  {
    name: 'appends are accepted whatever stands before them',
    breaks: 'the consistency check, 3.5',
    seeds: 100,
    plant: {
      incoming: (message, node) =>
        message.type === 'append'
          ? { ...message, previousTerm: node.termAt(message.previousIndex) ?? message.previousTerm }
          : message,
    },
  },
  {
    name: 'a follower is taken to have what it was asked for',
    breaks: 'matchIndex begins at 0, 3.5 (row 22)',
    seeds: 50,
    plant: {
      incoming: (message) =>
        message.type === 'append-rejected'
          ? { ...message, type: 'append-accepted', matchIndex: message.previousIndex }
          : message,
    },
  },
  {
    name: 'votes of an earlier campaign count in this one',
    breaks: 'terms, 3.3 and 3.4 (row 2)',
    seeds: 300,
    plant: {
      incoming: (message, node) =>
        message.type === 'vote-reply' && node.role === 'candidate' ? { ...message, term: node.term } : message,
    },
  },
  {
    name: 'appends are accepted before they are written',
    breaks: 'durable before acknowledged, 3.8 (row 17)',
    seeds: 50,
    plant: {
      ready: messages((message, node) =>
        message.type === 'append-accepted' ? { ...message, matchIndex: node.lastIndex } : message,
      ),
    },
  },
  {
    name: 'writes are reported when they begin',
    breaks: 'durable before acknowledged, 3.8 (rows 17, 20)',
    seeds: 20,
    plant: { reportsWritesEarly: true },
  },
  {
    name: 'the end of the log is lost in a crash',
    breaks: 'durable is for ever, 3.8 (row 23)',
    seeds: 50,
    plant: {
      stored: (stored) =>
        stored.entries.length > 1 && stored.applied < (stored.entries.at(-1)?.index ?? 0)
          ? { ...stored, entries: stored.entries.slice(0, -1) }
          : stored,
    },
  },
  {
    name: 'heartbeats commit what the follower may not have',
    breaks: 'commit is known to match, 3.5',
    seeds: 100,
    plant: {
      ready: messages((message, node) =>
        message.type === 'heartbeat' ? { ...message, commit: node.commitIndex } : message,
      ),
    },
  },
  {
    name: 'commit runs one entry ahead',
    breaks: 'a majority holds what is committed, 3.5 (row 11)',
    seeds: 50,
    plant: {
      ready: messages((message, node) =>
        message.type === 'append' && node.role === 'leader' ? { ...message, commit: message.commit + 1 } : message,
      ),
    },
  },
  {
    name: 'an entry is handed out twice',
    breaks: 'applied once, in order, 3.6.3 (row 16)',
    seeds: 20,
    plant: {
      ready: (ready) => {
        const last = ready.committed.at(-1)
        return last === undefined ? ready : { ...ready, committed: [...ready.committed, last] }
      },
    },
  },
  {
    name: 'a leader answers reads by itself',
    breaks: 'confirmed leadership, 6.4 (rows 3, 4, 6)',
    seeds: 100,
    plant: { readsWithoutRound: true },
  },
  {
    name: 'any answer confirms every round of reads',
    breaks: 'confirmed after the request, 6.4 (row 5)',
    seeds: 2000,
    plant: {
      incoming: (message) =>
        message.type === 'heartbeat-reply' ? { ...message, round: Number.MAX_SAFE_INTEGER } : message,
    },
  },
  {
    name: 'a read is answered one entry too early',
    breaks: 'the read index, 6.4',
    seeds: 50,
    plant: {
      ready: (ready) => ({
        ...ready,
        reads: ready.reads.map((read) => ({ ...read, index: Math.max(0, read.index - 1) })),
      }),
    },
  },
  {
    name: 'nobody notices that a disk lost promises',
    breaks: 'durable is for ever, 3.8 (rows 2, 23, 24)',
    seeds: 300,
    plant: { stored: (stored) => ({ ...stored, promisesLost: false }) },
  },
  {
    name: 'a snapshot claims more than was applied',
    breaks: 'snapshots hold what is applied, 5.1 (row 12)',
    seeds: 100,
    plant: { snapshotIndex: (node) => node.lastIndex },
  },
  {
    name: 'a restored state and the log behind it leave a gap',
    breaks: 'the log goes on where the snapshot ends, 5.1 (row 12)',
    seeds: 100,
    plant: {
      restores: (restore) => ({ ...restore, position: { ...restore.position, index: restore.position.index - 1 } }),
    },
  },
  {
    name: 'a snapshot brings a configuration that is over',
    breaks: 'the configuration is part of the snapshot, 5.1 (row 14)',
    seeds: 300,
    churn: true,
    plant: { snapshotConfiguration: (node) => node.configurationAt(node.firstIndex - 1) },
  },
  {
    name: 'a lease begins when an answer comes in',
    breaks: 'leases count from when a heartbeat was sent, 6.4.1 (row 6)',
    seeds: 1000,
    core: { checkQuorum: true },
    faults: ['mute', 'mend-links'],
    plant: latestRoundAnswered(),
  },
  {
    name: 'a lease takes all clocks for exact',
    breaks: 'leases are shorter by what clocks may be wrong, 6.4.1 (row 6)',
    seeds: 1000,
    core: { preVote: false, checkQuorum: true, clockDriftMax: 0 },
    faults: ['mute', 'split', 'mend-links', 'mend-links'],
    plant: { clockDriftMax: 0.6 },
  },
]

/** Each answer counts for the newest heartbeat there is, whichever it answers: as if that had just been sent. */
function latestRoundAnswered(): Plant {
  const rounds = new WeakMap<RawNode, number>()
  return {
    ready: messages((message, node) => {
      if (message.type === 'heartbeat') rounds.set(node, message.round)
      return message
    }),
    incoming: (message, node) =>
      message.type === 'heartbeat-reply'
        ? { ...message, round: Math.max(message.round, rounds.get(node) ?? 0) }
        : message,
  }
}

/** Changes the messages of an output. */
function messages(change: (message: Message, node: RawNode) => Message): (ready: Ready, node: RawNode) => Ready {
  return (ready, node) => ({ ...ready, messages: ready.messages.map((message) => change(message, node)) })
}

/** The index that a majority holds, whatever the term of the entry there: what figure 3.7 of the thesis forbids. */
function countedWithoutTerms(node: RawNode): number {
  const { durableIndex, followers } = node.status()
  const reached = [durableIndex, ...followers.map(({ matchIndex }) => matchIndex)].sort((a, b) => b - a)
  return reached[Math.floor(reached.length / 2)] ?? 0
}
