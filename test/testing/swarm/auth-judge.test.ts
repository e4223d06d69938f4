/** R24, as users hear it: answers, events and errors that hold what their user could not read are found. */
import { describe, expect, test } from 'vitest'
import type { WatchEvent } from '../../../src/api/store.js'
import type { Ending } from '../../../src/testing/linearizability/call.js'
import type { EtcdInput, EtcdOutput } from '../../../src/testing/linearizability/etcd-calls.js'
import { History } from '../../../src/testing/linearizability/history.js'
import { AuthJudge } from '../../../src/testing/swarm/auth-judge.js'
import type { Operation } from '../../../src/testing/swarm/operation.js'

const item = (key: string) => ({ key, value: 'v1', create: 2, mod: 2, version: 1 })

/** Ann may read a always, and b until entry 10; member m has applied as far as it says. */
function judgeWith(applied: { latest: number; member: number }): AuthJudge {
  const judge = new AuthJudge({
    latest: () => applied.latest,
    appliedIndexOf: () => applied.member,
    mayRead: (user, key, from) => user === 'ann' && (key === 'a' || (key === 'b' && from < 10)),
  })
  judge.from('client 1', { user: 'ann', member: 'm' })
  return judge
}

function answer(judge: AuthJudge, input: EtcdInput, ending: Ending<EtcdOutput>): () => void {
  const history = new History<EtcdInput, EtcdOutput>()
  const call = history.invoke('client 1', input)
  judge.asked(call)
  history.end(call, ending)
  return () => {
    judge.answered(call)
  }
}

const RANGE: EtcdInput = { type: 'range', key: 'a', end: 'z' }
const told = (...keys: readonly string[]): Ending<EtcdOutput> => ({
  outcome: 'ok',
  output: { type: 'range', items: keys.map(item), count: keys.length, more: false, revision: 2 },
})

describe('the judge of what users are told', () => {
  test('finds an answer with a key that could not be read any more when it was asked', () => {
    expect(answer(judgeWith({ latest: 9, member: 9 }), RANGE, told('a', 'b'))).not.toThrow()
    expect(answer(judgeWith({ latest: 10, member: 9 }), RANGE, told('a', 'b'))).toThrow(
      "R24 violated: the answer to range tells ann of 'b', which that user could not read",
    )
  })

  test('lets a read of what a member has go by the permissions that the member has', () => {
    expect(answer(judgeWith({ latest: 10, member: 9 }), { ...RANGE, local: true }, told('b'))).not.toThrow()
    expect(answer(judgeWith({ latest: 10, member: 10 }), { ...RANGE, local: true }, told('b'))).toThrow(/R24/)
  })

  test('finds it in previous values, in branches of transactions, and among the keys of a lease', () => {
    const judge = judgeWith({ latest: 10, member: 10 })
    const results = [{ type: 'put', previous: item('b') }] as const
    const transaction: EtcdInput = { type: 'txn', compare: [], success: [], failure: [] }
    const output: EtcdOutput = {
      type: 'txn',
      succeeded: true,
      results: [{ ...{ type: 'txn', succeeded: true }, results }],
      revision: 2,
    }
    expect(answer(judge, transaction, { outcome: 'ok', output })).toThrow(/the answer to txn tells ann of 'b'/)
    const keys: EtcdInput = { type: 'time-to-live', lease: '7', keys: true }
    const status: EtcdOutput = { type: 'time-to-live', exists: true, keys: ['a', 'b'] }
    expect(answer(judge, keys, { outcome: 'ok', output: status })).toThrow(
      /the answer to time-to-live tells ann of 'b'/,
    )
  })

  test('finds keys and values in errors, but for what the caller named', () => {
    const judge = judgeWith({ latest: 10, member: 10 })
    const error = (reason: string): Ending<EtcdOutput> => ({ outcome: 'refused', reason })
    expect(answer(judge, { type: 'get', key: 'b' }, error("PERMISSION_DENIED: may not read 'b'"))).not.toThrow()
    expect(answer(judge, { type: 'get', key: 'a' }, error("may not write 'b'"))).toThrow(
      /the error .* tells ann of 'b'/,
    )
    expect(answer(judge, { type: 'get', key: 'a' }, error('it is v17.2 already'))).toThrow(/told the value v17.2 by an/)
  })

  test('finds an event of a watch that its member had no right to hand out any more', () => {
    const event = { keyValue: { keyBytes: Buffer.from('b') } } as unknown as WatchEvent
    const watch = { id: 5, as: 'ann', member: 'm' } as Operation
    judgeWith({ latest: 10, member: 9 }).watched(watch, event)
    expect(() => {
      judgeWith({ latest: 10, member: 10 }).watched(watch, event)
    }).toThrow("R24 violated: an event of the watch v5 on m tells ann of 'b', which that user could not read")
  })

  test('asks nothing of the process that holds the member', () => {
    const judge = judgeWith({ latest: 10, member: 10 })
    judge.from('client 1', undefined)
    expect(answer(judge, RANGE, told('b'))).not.toThrow()
  })
})
