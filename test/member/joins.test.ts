/** What a member answers to those who want to join: by what is applied, to those who were added, and not too often. */
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import type { Membership } from '../../src/machine/member-book.js'
import { Joins } from '../../src/member/joins.js'
import { decodeJoinAnswer, encodeJoinQuestion, type JoinQuestion } from '../../src/member/wire/join-codec.js'

const A = { id: 1, name: 'a', address: 'host-a:1' }
const B = { id: 2, name: 'b', address: 'host-b:1' }
const MEMBERS: Membership = {
  index: 7,
  configuration: { voters: [1], outgoing: [], learners: [2], learnersNext: [], autoLeave: false },
  book: [A, B],
  removed: [3],
}

function joins(members: Membership | 'first' = MEMBERS): { readonly joins: Joins; readonly time: { nowMs: number } } {
  const time = { nowMs: 0 }
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => 0 }
  return {
    joins: new Joins({ clusterId: 9, machine: { members: members === 'first' ? undefined : members }, clock }),
    time,
  }
}

function ask(asked: Joins, question: Partial<JoinQuestion>) {
  const { name = 'b', address = B.address, identity } = question
  return decodeJoinAnswer(asked.answer(encodeJoinQuestion({ name, address, identity })))
}

const refused = (reason: string, detail = '') => ({ type: 'refused', reason, detail })

describe('who asks to join', () => {
  test('is let in by name and address, and told who there is', () => {
    const welcome = { type: 'welcome', clusterId: 9, memberId: 2, members: [A, B], removed: [3] }
    expect(ask(joins().joins, {})).toEqual(welcome)
    expect(ask(joins().joins, { identity: { clusterId: 9, memberId: 2 } })).toEqual(welcome)
  })

  test.each<[string, Partial<JoinQuestion>, object]>([
    ['under a name that was not added', { name: 'c' }, refused('unknown')],
    ['at another address', { address: 'host-c:1' }, refused('other-address', B.address)],
    ['with the directory of another cluster', { identity: { clusterId: 8, memberId: 2 } }, refused('other-cluster')],
    ['as one that was removed', { name: 'c', identity: { clusterId: 9, memberId: 3 } }, refused('removed')],
    ['as one whose name another one has now', { identity: { clusterId: 9, memberId: 4 } }, refused('removed')],
  ])('%s is refused', (_what, question, answer) => {
    expect(ask(joins().joins, question)).toEqual(answer)
  })

  test('is refused while the members are those of the first start, and with a later version', () => {
    expect(ask(joins('first').joins, {})).toEqual(refused('first-members'))
    expect(decodeJoinAnswer(joins().joins.answer(Uint8Array.of(2, 1)))).toEqual(refused('version'))
  })

  test('too often in a second is told to come back', () => {
    const { joins: asked, time } = joins()
    const reasons = Array.from({ length: LIMITS.joinQuestionsPerSecondMax + 2 }, () => ask(asked, {}).type)
    expect(reasons.filter((type) => type === 'refused')).toHaveLength(2)
    time.nowMs = 1_000
    expect(ask(asked, {}).type).toBe('welcome')
  })

  test('with bytes that mean nothing gets no answer', () => {
    expect(() => joins().joins.answer(Uint8Array.of(1, 9))).toThrow(/unknown/)
  })
})
