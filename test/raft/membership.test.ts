/** Changes of the membership, one rule each: thesis chapter 4, and what others have got wrong (docs/DIVERGENCE.md). */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import type { ConfigurationChange, MemberChange } from '../../src/raft/confchange/change.js'
import { describeConfigurationRefusal } from '../../src/raft/confchange/change.js'
import { encodeConfiguration } from '../../src/raft/confchange/codec.js'
import { completeConfiguration, describeConfiguration } from '../../src/raft/configuration.js'
import type { RaftOptions } from '../../src/raft/options.js'
import type { Configuration, Entry, NodeId } from '../../src/raft/types.js'
import { bytes, EMPTY, Script, storedLog } from './script.js'

/** `+4` a voter, `~4` a learner, `-4` removed, `=4` updated. */
function change(
  text: string,
  rest: Partial<Extract<ConfigurationChange, { type: 'change' }>> = {},
): ConfigurationChange {
  const types: Record<string, MemberChange['type']> = { '+': 'voter', '~': 'learner', '-': 'remove', '=': 'update' }
  const members = text.split(' ').map((each): MemberChange => {
    const type = types[each.charAt(0)]
    if (type === undefined) throw new Error(`no change: ${each}`)
    return { type, id: Number(each.slice(1)) }
  })
  return { type: 'change', members, ...rest }
}

/** Voters 1 and on, and more members that know of no cluster; 1 leads. */
function led(voters: readonly NodeId[], others: readonly NodeId[] = [], options: Partial<RaftOptions> = {}): Script {
  const script = new Script([...voters, ...others], { ...options, configuration: { voters } })
  script.elect(1)
  return script
}

function propose(script: Script, text: string, rest = {}, id = 1): string {
  const result = script.node(id).proposeConfiguration(change(text, rest), script.nowMs)
  return result.accepted ? 'accepted' : result.reason
}

function configured(script: Script, id = 1): string {
  return describeConfiguration(script.node(id).configuration)
}

function configurationEntry(index: number, term: number, configuration: Configuration): Entry {
  const data = encodeConfiguration({ configuration: completeConfiguration(configuration), data: bytes('') })
  return { index, term, kind: 'configuration', data }
}

describe('a configuration', () => {
  it('is in force where it is appended, not where it is committed', () => {
    const script = led([1, 2, 3], [4])
    script.cut(2, 3)
    expect(propose(script, '+4')).toBe('accepted')
    expect(configured(script)).toBe('voters 1 2 3 4')
    script.settle()
    expect(configured(script, 4)).toBe('voters 1 2 3 4')
    expect(script.node(1).commitIndex).toBe(1)
    expect(script.node(1).status()).toMatchObject({ voters: [1, 2, 3, 4], configurationIndex: 2 })
  })

  it('is taken back when its entry is truncated', () => {
    const script = led([1, 2, 3])
    script.cut(1)
    expect(propose(script, '-3')).toBe('accepted')
    script.settle()
    script.pass(3000)
    script.heal()
    script.pass(3000)
    expect(configured(script)).toBe('voters 1 2 3')
    expect(script.eventsOf('configuration-rolled-back')).toMatchObject([{ node: 1, index: 2 }])
  })

  it('comes back with the log after a restart, committed or not', () => {
    const script = led([1, 2, 3])
    propose(script, '~4')
    script.settle()
    script.crash(2)
    script.start(2)
    expect(configured(script, 2)).toBe('voters 1 2 3, learners 4')
  })

  it('is known at every position that is not compacted, for snapshots', () => {
    const script = led([1, 2, 3])
    propose(script, '~4')
    script.settle()
    propose(script, '~5')
    script.settle()
    const node = script.node(1)
    const at = (index: number): string => describeConfiguration(node.configurationAt(index))
    expect([at(1), at(2), at(3)]).toEqual(['voters 1 2 3', 'voters 1 2 3, learners 4', 'voters 1 2 3, learners 4 5'])
    node.compact(2)
    expect([at(2), at(3)]).toEqual(['voters 1 2 3, learners 4', 'voters 1 2 3, learners 4 5'])
    expect(() => at(1)).toThrow('compacted')
  })

  it('that cannot be read is a bug of the leader that appended it, and stops the member', () => {
    const script = new Script([1, 2, 3])
    const entry: Entry = { index: 1, term: 1, kind: 'configuration', data: bytes('?') }
    const append = { type: 'append', from: 2, to: 1, term: 1, previousIndex: 0, previousTerm: 0, commit: 0 } as const
    expect(() => script.node(1).step({ ...append, entries: [entry] }, 0)).toThrow(AssertionError)
  })

  it('whose quorums could miss those of the one before stops the member', () => {
    const script = new Script([1, 2, 3])
    const entry = configurationEntry(1, 1, { voters: [4, 5] })
    const append = { type: 'append', from: 2, to: 1, term: 1, previousIndex: 0, previousTerm: 0, commit: 0 } as const
    expect(() => script.node(1).step({ ...append, entries: [entry] }, 0)).toThrow('their quorums may miss each other')
  })

  it.each<[Configuration, string]>([
    [{ voters: [1], learners: [1] }, 'a voter and a learner'],
    [{ voters: [1], learnersNext: [2] }, 'is no outgoing voter'],
    [{ voters: [1], autoLeave: true }, 'not joint'],
    [{ voters: [], learners: [2] }, 'must not be empty'],
  ])('%j makes no sense as an option', (configuration, why) => {
    expect(() => new Script([1], { configuration })).toThrow(why)
  })
})

describe('a leader', () => {
  it('changes nothing before it has committed an entry of its own term', () => {
    const script = new Script([1, 2, 3])
    script.loses = ({ type }) => type === 'append'
    script.elect(1)
    expect(propose(script, '-3')).toBe('own-term-not-committed')
    script.heal()
    script.pass(200)
    expect(propose(script, '-3')).toBe('accepted')
  })

  it('changes one thing at a time', () => {
    const script = led([1, 2, 3])
    expect(propose(script, '~4')).toBe('accepted')
    expect(propose(script, '~5')).toBe('change-in-progress')
    script.settle()
    expect(propose(script, '~5')).toBe('accepted')
  })

  it('changes several voters at once through a joint configuration, which it leaves by itself', () => {
    const script = led([1, 2, 3], [4, 5])
    expect(propose(script, '-2 -3 +4 +5')).toBe('accepted')
    expect(configured(script)).toBe('voters 1 4 5, outgoing 1 2 3')
    expect(propose(script, '~6')).toBe('change-in-progress')
    script.settle()
    expect(configured(script)).toBe('voters 1 4 5')
    expect(configured(script, 5)).toBe('voters 1 4 5')
    expect(script.node(1).commitIndex).toBe(3)
  })

  it.each([
    ['new', [4, 5]],
    ['old', [2, 3]],
  ])('commits in a joint configuration nothing without a majority of the %s voters', (_side, missing) => {
    const script = led([1, 2, 3], [4, 5])
    script.cut(...missing)
    propose(script, '-2 -3 +4 +5')
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).commitIndex).toBe(1)
    script.heal()
    script.pass(300)
    expect(script.applied(4)).toEqual(['a'])
  })

  it('leaves a joint configuration that an earlier leader entered', () => {
    const script = led([1, 2, 3], [4, 5])
    // Nobody hears of the commit, so nobody else is told to leave.
    script.loses = ({ type, from }) => from === 1 && type === 'append' && script.node(1).commitIndex > 1
    propose(script, '-1 -2 +4 +5')
    script.settle()
    script.crash(1)
    script.heal()
    script.pass(5000)
    script.start(1)
    script.pass(1000)
    expect(configured(script, 3)).toBe('voters 3 4 5')
  })

  it('leaves a joint configuration when asked, where that was the wish', () => {
    const script = led([1, 2, 3])
    expect(propose(script, '-3', { transition: 'joint-explicit' })).toBe('accepted')
    script.settle()
    script.pass(1000)
    expect(configured(script)).toBe('voters 1 2, outgoing 1 2 3, left when asked')
    expect(propose(script, '~4')).toBe('joint')
    const leave = (): unknown => script.node(1).proposeConfiguration({ type: 'leave-joint' }, script.nowMs)
    expect(leave()).toMatchObject({ accepted: true })
    script.settle()
    expect(configured(script)).toBe('voters 1 2')
    expect(leave()).toMatchObject({ accepted: false, reason: 'not-joint' })
  })

  it.each([
    ['-1 -2 -3', 'no-voters-left'],
    ['+0', 'invalid'],
    ['+1.5', 'invalid'],
  ])('refuses %s: %s', (text, reason) => {
    const script = led([1, 2, 3])
    expect(propose(script, text)).toBe(reason)
    expect(script.node(1).lastIndex).toBe(1)
    expect(script.eventsOf('configuration-refused')).toMatchObject([{ reason }])
  })

  it('refuses more members than there may be', () => {
    const script = led([1, 2, 3])
    const many = Array.from({ length: 62 }, (_, at) => `~${at + 4}`).join(' ')
    expect(propose(script, many)).toBe('too-many-members')
  })

  it('alone changes the membership', () => {
    const script = led([1, 2, 3])
    expect(propose(script, '-3', {}, 2)).toBe('not-leader')
    expect(describeConfigurationRefusal('not-leader')).toBe('only the leader changes the membership')
  })

  it('takes no more data with a change than a request may have', () => {
    const script = led([1, 2, 3])
    expect(() => propose(script, '=2', { data: new Uint8Array(2_000_000) })).toThrow(RangeError)
  })

  it('carries data of its caller with a change, also with one that changes nobody', () => {
    const script = led([1, 2, 3])
    expect(propose(script, '=2', { data: bytes('2 has moved') })).toBe('accepted')
    script.settle()
    const written = script.stored.get(3)?.entries.at(-1)
    expect(Buffer.from(written?.data ?? []).toString()).toContain('2 has moved')
    expect(configured(script, 3)).toBe('voters 1 2 3')
  })
})

describe('a leader that is removed', () => {
  it('leads until that is committed, without counting itself, then steps down and names an heir', () => {
    const script = led([1, 2, 3])
    script.cut(3)
    expect(propose(script, '-1')).toBe('accepted')
    script.settle()
    // Itself and 2 would be two of three; of 2 and 3 it is one.
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).commitIndex).toBe(1)
    script.heal()
    script.pass(200)
    expect(script.node(1).role).toBe('follower')
    expect(script.eventsOf('leader-removed')).toHaveLength(1)
    // Without waiting for an election timeout.
    expect([script.node(2).role, script.node(3).role]).toContain('leader')
    expect(configured(script, 2)).toBe('voters 2 3')
  })

  it('steps down as well when it becomes a learner', () => {
    const script = led([1, 2, 3])
    propose(script, '~1')
    script.settle()
    script.pass(300)
    expect(script.node(1).role).toBe('follower')
    expect(script.node(1).leader).not.toBe(1)
    expect(configured(script)).toBe('voters 2 3, learners 1')
  })

  it('may be elected once more while that is not committed: no other may have the log for it (thesis 4.2.2)', () => {
    const script = led([1, 2])
    script.loses = ({ type }) => type === 'append'
    propose(script, '-1')
    script.settle()
    script.crash(1)
    script.start(1)
    script.heal()
    script.clear()
    script.pass(5000)
    expect(script.eventsOf('became-leader').map(({ node }) => node)).toEqual([1, 2])
    expect(configured(script, 2)).toBe('voters 2')
    expect(script.node(2).role).toBe('leader')
  })
})

describe('a member that is removed', () => {
  it('gets no more messages', () => {
    const script = led([1, 2, 3])
    propose(script, '-3')
    script.settle()
    script.clear()
    script.propose(1, 'a')
    script.pass(500)
    expect(script.sent.filter(({ from, to }) => from === 1 && to === 3)).toEqual([])
  })

  it.each([
    ['asking first', { preVote: true, checkQuorum: false }],
    ['in terms of its own', { preVote: false, checkQuorum: true }],
  ])('and campaigns on, %s, disturbs nobody', (_how, options) => {
    const script = led([1, 2, 3, 4], [], options)
    // It does not hear of its removal.
    script.loses = ({ to }) => to === 4
    propose(script, '-4')
    script.settle()
    script.heal()
    const { term } = script.node(1)
    script.pass(20_000)
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).term).toBe(term)
    expect(script.eventsOf(options.preVote ? 'became-pre-candidate' : 'became-candidate').length).toBeGreaterThan(3)
  })

  it('cannot depose anybody by an answer', () => {
    const script = led([1, 2, 3])
    propose(script, '-3')
    script.settle()
    script.node(1).step({ type: 'heartbeat-reply', from: 3, to: 1, term: 9, round: 0 }, script.nowMs)
    expect(script.node(1).role).toBe('leader')
  })

  it('may come back with what it has', () => {
    const script = led([1, 2, 3])
    propose(script, '-3')
    script.settle()
    script.propose(1, 'a')
    script.settle()
    propose(script, '~3')
    script.pass(300)
    expect(propose(script, '+3')).toBe('accepted')
    script.pass(300)
    expect(script.applied(3)).toEqual(['a'])
    expect(configured(script, 3)).toBe('voters 1 2 3')
  })
})

describe('a learner', () => {
  it('gets the log and is not counted', () => {
    const script = led([1, 2, 3], [4])
    propose(script, '~4')
    script.settle()
    script.cut(2, 3)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(4).lastIndex).toBe(3)
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('never campaigns', () => {
    const script = led([1, 2, 3], [4])
    propose(script, '~4')
    script.settle()
    script.cut(1, 2, 3)
    script.pass(20_000)
    expect(script.node(4).role).toBe('follower')
    expect(script.eventsOf('became-pre-candidate').some(({ node }) => node === 4)).toBe(false)
  })

  it('votes when it is asked: it may have been promoted without knowing', () => {
    const script = led([1, 2, 3], [4])
    propose(script, '~4')
    script.settle()
    const vote = { type: 'vote', from: 2, to: 4, term: 5, lastIndex: 9, lastTerm: 4 } as const
    script.node(4).step(vote, script.nowMs + 5000)
    expect(script.eventsOf('vote-granted')).toContainEqual({ type: 'vote-granted', node: 4, term: 5, to: 2 })
  })

  it('is promoted only when it has caught up', () => {
    const script = led([1, 2, 3], [4], { appendBytesMax: 1 })
    script.cut(4)
    propose(script, '~4')
    script.settle()
    expect(propose(script, '+4')).toBe('learner-not-caught-up')
    script.heal()
    script.pass(300)
    expect(propose(script, '+4')).toBe('accepted')
    script.settle()
    expect(configured(script, 4)).toBe('voters 1 2 3 4')
  })

  it('is not promoted when it has not been heard of for an election timeout', () => {
    const script = led([1, 2, 3], [4])
    propose(script, '~4')
    script.settle()
    script.cut(4)
    script.pass(1500)
    expect(propose(script, '+4')).toBe('learner-not-caught-up')
  })

  it('that was a voter counts as one until the joint configuration is left', () => {
    const script = led([1, 2, 3], [4])
    expect(propose(script, '~3 +4', { transition: 'joint-explicit' })).toBe('accepted')
    expect(configured(script)).toBe('voters 1 2 4, outgoing 1 2 3, learners-next 3, left when asked')
    script.settle()
    script.node(1).proposeConfiguration({ type: 'leave-joint' }, script.nowMs)
    script.settle()
    expect(configured(script, 3)).toBe('voters 1 2 4, learners 3')
  })

  it('that becomes a voter keeps what is known of it', () => {
    const script = led([1, 2, 3], [4])
    propose(script, '~4')
    script.settle()
    const before = script
      .node(1)
      .status()
      .followers.find(({ id }) => id === 4)
    propose(script, '+4')
    expect(
      script
        .node(1)
        .status()
        .followers.find(({ id }) => id === 4),
    ).toEqual(before)
  })
})

describe('a member that joins', () => {
  it('knows nobody, and hears whoever speaks as leader or candidate', () => {
    const script = new Script([7], { configuration: { voters: [], learners: [7] } })
    const vote = { type: 'vote', from: 1, to: 7, term: 2, lastIndex: 0, lastTerm: 0 } as const
    script.node(7).step(vote, 0)
    expect(script.eventsOf('vote-granted')).toHaveLength(1)
    const entries = [configurationEntry(1, 2, { voters: [1, 2, 7] })]
    const append = { type: 'append', from: 1, to: 7, term: 2, previousIndex: 0, previousTerm: 0, commit: 0 } as const
    script.node(7).step({ ...append, entries }, 0)
    expect(configured(script, 7)).toBe('voters 1 2 7')
    expect(script.node(7).leader).toBe(1)
  })

  it('does not campaign before it is told that it votes', () => {
    const script = new Script([7], { configuration: { voters: [], learners: [7] } })
    script.pass(10_000)
    expect(script.node(7).role).toBe('follower')
  })
})

describe('a cluster of one', () => {
  it('grows, and shrinks again, and answers its reads', () => {
    const script = led([1], [2])
    expect(propose(script, '+2')).toBe('accepted')
    script.settle()
    expect(script.node(2).commitIndex).toBe(2)
    script.cut(2)
    script.node(1).readIndex(5, script.nowMs)
    script.settle()
    expect(script.reads.get(1)).toEqual([])
    script.heal()
    script.pass(200)
    script.clear()
    expect(propose(script, '-2')).toBe('accepted')
    script.node(1).readIndex(6, script.nowMs)
    script.settle()
    expect(script.reads.get(1)?.map(({ requestId }) => requestId)).toEqual([5, 6])
    expect(configured(script)).toBe('voters 1')
  })

  it('elects itself at once after a restart, whatever its learners', () => {
    const stored = { ...storedLog([1], 1), entries: [configurationEntry(1, 1, { voters: [1], learners: [2] })] }
    const script = new Script([1], { configuration: { voters: [1] } }, { 1: { ...EMPTY, ...stored } })
    script.elect(1)
    expect(script.node(1).role).toBe('leader')
    expect(script.nowMs).toBe(0)
  })
})
