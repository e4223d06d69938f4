import { afterEach, describe, expect, test } from 'vitest'
import { compare, get, put } from '../../../src/api/operations.js'
import type { Store } from '../../../src/api/store.js'
import { check, etcdModel, History, record, type EtcdInput, type EtcdOutput } from 'quorate/testing'
import { RunningWorld } from '../../store/clusters.js'

let world: RunningWorld | undefined

afterEach(async () => {
  await world?.halt()
})

describe('a recorded store', () => {
  test('answers what the store answers, and what it answered is legal', async () => {
    world = await RunningWorld.start({})
    const history = new History<EtcdInput, EtcdOutput>()
    const [one, other] = world.followers as [Store, Store]
    const alice = record(one, { history, client: 'alice' })
    const bob = record(other, { history, client: 'bob' })

    const { revision } = await alice.put('a', 'x')
    expect((await bob.get('a'))?.modRevision).toBe(revision)
    const { id } = await bob.leases.grant({ ttlMs: 60_000 })
    await alice.put('b', 'y', { lease: id, previous: true })
    await Promise.all([alice.range({ prefix: '' }, { limit: 1 }), bob.delete('a', { previous: true })])
    const guarded = { compare: [compare('b').exists()], success: [put('a', 'z'), get({ all: true })] }
    expect(await bob.txn(guarded)).toMatchObject({ succeeded: true })
    await bob.leases.keepAlive(id)
    await bob.leases.revoke(id)
    await alice.compact(revision)
    await expect(alice.range('a', { revision: 1 })).rejects.toMatchObject({ code: 'COMPACTED' })
    await alice.range({ all: true }, { consistency: 'local' })
    await expect(alice.put('', 'x')).rejects.toThrow()

    const outcomes = history.calls.map(({ input, outcome }) => `${input.type} ${outcome}`)
    expect(outcomes.filter((each) => each.endsWith('refused'))).toEqual(['range refused', 'put refused'])
    const verdict = check(History.fromJsonLines<EtcdInput, EtcdOutput>(history.toJsonLines()), etcdModel)
    expect('explanation' in verdict ? verdict.explanation : verdict.verdict).toBe('ok')
    expect(alice.status()).toEqual(one.status())
  })
})
