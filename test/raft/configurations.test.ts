/** What a member believes of the membership when it is opened: by its state, and by the entries behind that. */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { encodeConfiguration } from '../../src/raft/confchange/codec.js'
import { completeConfiguration, describeConfiguration } from '../../src/raft/configuration.js'
import { RawNode } from '../../src/raft/raw-node.js'
import type { Configuration, Entry, StoredState } from '../../src/raft/types.js'
import { bytes } from './script.js'

const named = (text: string): Uint8Array => bytes(text)

/** Entry 2: voters 1 2; entry 5: voters 1 2 3; entry 7: voters 1 3. Each follows the one before. */
const CHANGES = new Map<number, readonly number[]>([
  [2, [1, 2]],
  [5, [1, 2, 3]],
  [7, [1, 3]],
])

function entriesBehind(compacted: number, last: number): Entry[] {
  return Array.from({ length: last - compacted }, (_, at): Entry => {
    const index = compacted + 1 + at
    const voters = CHANGES.get(index)
    if (voters === undefined) return { index, term: 1, kind: 'normal', data: named('x') }
    const configuration = completeConfiguration({ voters })
    return {
      index,
      term: 1,
      kind: 'configuration',
      data: encodeConfiguration({ configuration, data: named(`of ${index}`) }),
    }
  })
}

function opened(
  at: { readonly compacted: number; readonly applied: number; readonly last: number },
  configuration: Configuration,
  configurationIndex?: number,
): RawNode {
  const stored: StoredState = {
    hardState: { term: 1, vote: 0 },
    compacted: { index: at.compacted, term: at.compacted === 0 ? 0 : 1 },
    entries: entriesBehind(at.compacted, at.last),
    applied: at.applied,
  }
  const options = { id: 1, configuration, random: seededRandom(1) }
  return new RawNode(configurationIndex === undefined ? options : { ...options, configurationIndex }, stored, 0)
}

const believed = (node: RawNode): string => `${node.configurationIndex}: ${describeConfiguration(node.configuration)}`
const upTo = (index: number): Configuration => ({
  voters: [...CHANGES].filter(([at]) => at <= index).at(-1)?.[1] ?? [1],
})
const indexOf = (applied: number): number => [...CHANGES.keys()].filter((at) => at <= applied).at(-1) ?? 0

describe('a member that is opened', () => {
  it('believes the same wherever its log is compacted and its state is written (openraft issue 1808)', () => {
    for (let last = 0; last <= 8; last++) {
      for (let applied = 0; applied <= last; applied++) {
        for (let compacted = 0; compacted <= applied; compacted++) {
          const known = indexOf(applied)
          const node =
            known === 0
              ? opened({ compacted, applied, last }, { voters: [1] })
              : opened({ compacted, applied, last }, upTo(applied), known)
          const what = `compacted ${compacted}, applied ${applied}, last ${last}`
          expect(describeConfiguration(node.configuration), what).toBe(describeConfiguration(upTo(last)))
          expect(describeConfiguration(node.configurationAt(applied)), what).toBe(describeConfiguration(upTo(applied)))
          expect(
            node.configurations.filter(({ data }) => data !== undefined).map(({ index }) => index),
            what,
          ).toEqual([...CHANGES.keys()].filter((at) => at > Math.max(known, compacted) && at <= last))
          node.checkInvariants({ thorough: true })
        }
      }
    }
  })

  it('takes no entry for a change that its state has already, and keeps what the others carry', () => {
    const node = opened({ compacted: 1, applied: 5, last: 8 }, { voters: [1, 2, 3] }, 5)
    expect(believed(node)).toBe('7: voters 1 3')
    expect(node.configurations.map(({ data }) => data && Buffer.from(data).toString())).toEqual([undefined, 'of 7'])
  })

  it('goes back to what its state says when a change behind it is truncated', () => {
    const node = opened({ compacted: 1, applied: 6, last: 8 }, { voters: [1, 2, 3] }, 5)
    const entry: Entry = { index: 7, term: 2, kind: 'noop', data: new Uint8Array(0) }
    const append = { type: 'append', from: 2, to: 1, term: 2, previousIndex: 6, previousTerm: 1, commit: 6 } as const
    node.step({ ...append, entries: [entry] }, 1)
    expect(believed(node)).toBe('5: voters 1 2 3')
    node.checkInvariants({ thorough: true })
  })

  it('refuses to begin with a configuration that is ahead of its state', () => {
    expect(() => opened({ compacted: 1, applied: 4, last: 8 }, { voters: [1, 2, 3] }, 5)).toThrow(AssertionError)
    expect(() => opened({ compacted: 1, applied: 4, last: 8 }, { voters: [1, 2] }, 1.5)).toThrow(RangeError)
  })

  it('without a state waits to be told who votes, and takes it from the state that it is given', () => {
    const node = opened({ compacted: 3, applied: 3, last: 4 }, { voters: [], learners: [1] })
    node.tick(10_000)
    expect(node.role).toBe('follower')
    node.learnConfiguration({ voters: [1, 2] })
    expect(believed(node)).toBe('3: voters 1 2')
    node.tick(20_000)
    expect(node.role).toBe('pre-candidate')
    node.checkInvariants({ thorough: true })
  })

  it('without a state believes the last change in its log, and need not be told', () => {
    const node = opened({ compacted: 3, applied: 3, last: 8 }, { voters: [], learners: [1] })
    expect(believed(node)).toBe('7: voters 1 3')
    expect(() => {
      node.learnConfiguration({ voters: [1, 2, 3] })
    }).toThrow(AssertionError)
  })
})
