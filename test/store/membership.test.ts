/** Members that come, are replaced and go, in virtual time: what their users see, and what is refused. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { LIMITS } from '../../src/base/limits.js'
import { open } from '../../src/store/open.js'
import type { Transport } from '../../src/transport/transport.js'
import { refusal } from '../code-of.js'
import { GrowingWorld } from './growing-world.js'

let world: GrowingWorld | undefined

function growing(names?: readonly string[]): GrowingWorld {
  world = new GrowingWorld(names)
  return world
}

afterEach(async () => {
  await world?.halt()
})

const namesOf = async (store: Store): Promise<string> => {
  return (await store.cluster.list()).map(({ name, role }) => (role === 'voter' ? name : `(${name})`)).join(' ')
}

describe('a cluster of one', () => {
  test('grows to three while it is used, and then does without any one of them', async () => {
    const running = growing()
    const a = await running.begin('a', { cluster: { a: 'a' } })
    for (let at = 0; at < 20; at++) await a.put(`before/${at}`, 'x')
    const seen = await running.grow(a, 'b')
    expect(seen.map(({ step }) => step).filter((step, at, all) => step !== all[at - 1])).toEqual([
      'adding',
      'catching-up',
      'promoting',
      'done',
    ])
    expect(seen.at(-1)).toEqual({ step: 'done', percent: 100 })
    // Also where the leader made it a voter before the caller looked again.
    for (const told of [seen, await running.grow(a, 'c')]) {
      expect(told.filter(({ step }) => step === 'catching-up').at(-1)?.percent).toBe(100)
    }
    expect(await namesOf(running.store('b'))).toBe('a b c')
    await running.store('c').put('after', 'x')
    await running.agreed()
    expect(new Set(running.statuses().map(({ digest }) => digest)).size).toBe(1)
    expect(running.statuses().map(({ members }) => members.length)).toEqual([3, 3, 3])
    running.kill(a.status().name)
    expect((await running.store('b').range({ all: true }, { timeoutMs: 20_000 })).count).toBe(21)
    await running.store('c').put('without', 'a')
  })

  test('gives what its log does not go back to as a snapshot', async () => {
    const running = growing()
    const small = { stateBufferBytesMax: 2_000, logRetainBytes: 2_000 }
    const a = await running.begin('a', { cluster: { a: 'a' }, ...small })
    for (let at = 0; at < 60; at++) await a.put(`key/${at % 9}`, 'x'.repeat(100))
    await running.until(() => a.status().log.firstIndex > 1)
    await running.grow(a, 'b', small)
    await running.grow(running.store('b'), 'c', small)
    await running.agreed()
    expect(new Set(running.statuses().map(({ digest }) => digest)).size).toBe(1)
  })

  test('is not joined before anybody was added, and by nobody at the address of another', async () => {
    const running = growing()
    const a = await running.begin('a', { cluster: { a: 'a' } })
    const joining = running.join('b')
    await running.pass(2_000)
    await a.cluster.add({ name: 'b', address: 'b', role: 'learner' })
    await joining
    const waited = running.logs.get('b')?.find(({ message }) => message === 'waiting to be let into the cluster')
    expect(String(waited?.fields?.['answers'])).toMatch(/a: the members are still those of the first start/)
    const wrong = await refusal('JOIN_FAILED', running.begin('c', { name: 'b', join: ['a'], advertise: 'c' }))
    expect(wrong.message).toMatch(/'b' is to be reached at 'b', not at 'c'/)
    expect(await running.place('c').disk.mount().peek('high-water')).toBeUndefined()
  })
})

describe('a process that joins', () => {
  test('asks for a minute where it was never added, says what it waits for, and leaves nothing', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b'])
    const began = running.nowMs
    const error = await refusal('JOIN_FAILED', running.join('c'))
    expect(running.nowMs - began).toBeGreaterThanOrEqual(LIMITS.joinMsMax)
    expect(running.nowMs - began).toBeLessThan(LIMITS.joinMsMax + 100)
    expect(error.message).toMatch(/within 60000 ms/)
    expect(error.message).toMatch(/a: no member is called 'c' \(yet\)/)
    expect(error.message).toMatch(/d: There is no answer from 'd'/)
    expect(await running.place('c').disk.mount().peek('high-water')).toBeUndefined()
    // It may be done again, the other way round.
    running.kill('c')
    await running.grow(a, 'c')
  })

  test('ends with the signal that it was given', async () => {
    const running = growing()
    await running.grown(['a', 'b'])
    const controller = new AbortController()
    const joining = refusal('ABORTED', running.join('c', { signal: controller.signal }))
    await running.pass(1_000)
    controller.abort(new Error('enough'))
    expect((await joining).cause).toMatchObject({ message: 'enough' })
  })

  test('comes back at every stage: told nothing yet, a learner, a voter; asking only where nothing is known', async () => {
    const running = growing()
    const a = await running.begin('a', { cluster: { a: 'a' } })
    await a.put('key', 'x')
    const { id } = await a.cluster.add({ name: 'b', address: 'b', role: 'learner' })
    // Let in, and cut off before anything is said to it.
    const cut = async (): Promise<void> => {
      await running.until(() => running.place('b').store !== undefined)
    }
    running.network.setFaults({ lossPerMillion: 0, delayMsMin: 50, delayMsHalf: 1 })
    await Promise.all([running.join('b'), cut()])
    expect(running.store('b').status()).toMatchObject({ memberId: id, appliedIndex: 0 })
    running.kill('b')
    running.network.healAll()
    running.network.setFaults({ lossPerMillion: 0, delayMsMin: 0, delayMsHalf: 1 })
    const learner = await running.join('b')
    await learner.ready()
    expect((await learner.get('key'))?.text()).toBe('x')
    expect(learner.status().members.find(({ name }) => name === 'b')?.role).toBe('learner')
    running.kill('b')
    // From here on it knows whom to speak to: nobody needs to be found by `join`.
    const again = await running.join('b', { join: ['nobody'] })
    await again.ready()
    expect((await a.cluster.add({ name: 'b', address: 'b' })).role).toBe('voter')
    running.kill('b')
    const voter = await running.join('b', { join: ['nobody'] })
    await voter.put('key', 'y')
    expect(await namesOf(voter)).toBe('a b')
  })

  test('in an empty directory is who it was before, and counts again once it has everything', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    await a.put('key', 'x')
    const { memberId } = running.store('c').status()
    running.empty('c')
    const c = await running.join('c')
    expect(c.status()).toMatchObject({ memberId, promises: 'lost' })
    await c.put('key', 'y')
    await running.until(() => c.status().promises === 'kept')
    running.kill('b')
    await a.put('key', 'z', { timeoutMs: 20_000 })
  })

  test('is let in without a leader and a quorum, by what those that run have applied', async () => {
    const running = growing()
    await running.grown(['a', 'b', 'c'])
    await running.agreed()
    running.kill('a')
    running.empty('b')
    await running.until(() => running.store('c').status().leader === undefined)
    await running.join('b')
    expect(running.store('b').status().promises).toBe('lost')
    await running.begin('a', { cluster: { a: 'a' } })
    await running.store('b').put('key', 'x', { timeoutMs: 20_000 })
  })

  test('twice under one name does no harm: the one whose address is recorded is the member', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    // Another process, elsewhere, that claims to be c: it gets in by the name, and nobody ever calls it.
    const twin = await running.begin('d', { name: 'c', join: ['a', 'b'], advertise: 'c' })
    await a.put('key', 'x')
    await running.pass(5_000)
    expect(twin.status()).toMatchObject({ promises: 'lost' })
    expect(twin.status().role).not.toBe('leader')
    expect((await running.store('c').get('key'))?.text()).toBe('x')
  })

  test('over a transport that cannot ask is told so', async () => {
    const running = growing()
    const transport = { start() {}, setPeers() {}, send() {}, close: async () => undefined } as unknown as Transport
    await expect(running.begin('b', { join: ['a'], advertise: 'b', transport })).rejects.toThrow(/method ask/)
  })
})

describe('a member', () => {
  test('whose machine is gone is replaced; and if it comes back it learns that it was removed', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    await a.put('key', 'x')
    running.kill('c')
    const steps: string[] = []
    const replacing = a.cluster.replace(
      'c',
      { name: 'd', address: 'd' },
      { onProgress: ({ step }) => steps.at(-1) === step || steps.push(step) },
    )
    const d = await running.join('d')
    expect((await replacing).role).toBe('voter')
    expect(steps).toEqual(['adding', 'catching-up', 'promoting', 'removing', 'done'])
    expect(await namesOf(d)).toBe('a b d')
    // Once more is the same.
    expect((await a.cluster.replace('c', { name: 'd', address: 'd' })).name).toBe('d')
    const removed: string[] = []
    const c = await running.join('c')
    c.on('removed', () => removed.push('c'))
    await running.until(() => c.status().role === 'removed')
    await refusal('MEMBER_REMOVED', c.put('key', 'y'))
    await running.pass(1)
    expect(removed).toEqual(['c'])
    running.empty('c')
    const error = await refusal('JOIN_FAILED', running.join('c'))
    expect(error.message).toMatch(/no member is called 'c'/)
  })

  test('hands leadership to the one that is named, or to any other', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    await a.cluster.moveLeader('c')
    await running.until(() => a.status().leader === 'c')
    await a.cluster.moveLeader({ id: running.store('b').status().memberId })
    await running.until(() => a.status().leader === 'b')
    await a.cluster.moveLeader()
    await running.until(() => a.status().leader !== 'b' && a.status().leader !== undefined)
    await running.store('b').put('key', 'x')
  })

  test('removes the leader, and itself', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    await a.cluster.moveLeader('a')
    expect(await a.cluster.remove('a')).toBe(true)
    await running.until(() => a.status().role === 'removed')
    const b = running.store('b')
    expect(await namesOf(b)).toBe('b c')
    await b.put('key', 'x')
    expect(await running.store('c').cluster.remove('b')).toBe(true)
    expect(await namesOf(running.store('c'))).toBe('c')
    const alone = await refusal('QUORUM_AT_RISK', running.store('c').cluster.remove('c'))
    expect(alone.message).toMatch(/only voter/)
  })

  test('that is new does not say that it lost anything, and one that was emptied is new again', async () => {
    const running = growing()
    await running.grown(['a', 'b', 'c'])
    running.empty('c')
    const c = await running.join('c')
    await c.ready()
    const said = (about: RegExp) => (running.logs.get('c') ?? []).filter(({ message }) => about.test(message))
    expect(said(/this member has nothing yet/)).toHaveLength(2)
    expect(said(/this member lost promises/)).toEqual([])
  })

  test('that is asked to move itself says at the deadline how far it came, as it hears nothing any more', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    await a.cluster.moveLeader('a')
    const moving = running.store('c').cluster.update('c', { address: 'd' }, { timeoutMs: 2_000 })
    const error = await refusal('TIMEOUT', moving)
    expect(error).toMatchObject({ outcome: 'unknown' })
    expect(error.message).toMatch(
      /so far it is not known whether 'c' was given the address; where it was .* ask members/,
    )
    expect((await a.cluster.list()).map(({ address }) => address)).toEqual(['a', 'b', 'd'])
  })

  test('that moved is told to the others, and opened at the new address', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    const moved = await running.store('b').cluster.update('c', { address: 'd' })
    expect(moved).toMatchObject({ name: 'c', address: 'd' })
    const { disk } = running.kill('c')
    const c = await running.begin('d', { name: 'c', join: ['a'], advertise: 'd', disk: disk.mount() })
    await c.put('key', 'x')
    expect((await a.get('key'))?.text()).toBe('x')
    const warnings = () => (running.logs.get('d') ?? []).filter(({ message }) => /another address/.test(message))
    await running.until(() => c.status().members.some(({ address }) => address === 'd'))
    running.kill('d')
    disk.crash('process')
    const before = warnings().length
    await running.begin('d', { name: 'c', join: ['a'], advertise: 'c', disk: disk.mount() })
    expect(
      warnings()
        .slice(before)
        .map(({ fields }) => fields),
    ).toEqual([{ recorded: 'd', address: 'c' }])
  })

  test('is not taken away from those without whom nothing could be decided', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b', 'c'])
    await a.cluster.moveLeader('a')
    running.kill('c')
    await running.pass(1_000)
    const error = await refusal('QUORUM_AT_RISK', a.cluster.remove('b'))
    expect(error.message).toMatch(/After the change 2 of 2 voters are needed, and 1 would be there: 'c'/)
    expect(await a.cluster.remove('c')).toBe(true)
  })

  test('says at its deadline how far it came; the same call, made elsewhere, goes on', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b'])
    const error = await refusal('TIMEOUT', a.cluster.add({ name: 'c', address: 'c' }, { timeoutMs: 5_000 }))
    expect(error.message).toMatch(/so far 'c' is a learner, and was not heard from.*goes on from there/)
    expect(error.outcome).toBe('unknown')
    expect(await namesOf(a)).toBe('a b (c)')
    const [, added] = await Promise.all([
      running.join('c'),
      running.store('b').cluster.add({ name: 'c', address: 'c' }),
      a.cluster.add({ name: 'c', address: 'c' }),
    ])
    expect(added.role).toBe('voter')
    expect(await namesOf(a)).toBe('a b c')
  })

  test('of the first start goes on with `join` once the members have changed, and says why not before', async () => {
    const running = growing()
    const a = await running.begin('a', { cluster: { a: 'a' } })
    await a.put('key', 'x')
    running.kill('a')
    const error = await refusal('JOIN_FAILED', running.join('a'))
    expect(error.message).toMatch(/one of the first.*`cluster`/)
    running.kill('a')
    const again = await running.begin('a', { cluster: { a: 'a' } })
    await running.grow(again, 'b')
    running.kill('a')
    const joined = await running.join('a')
    await joined.put('key', 'y')
    // And with what it was opened with at first.
    running.kill('a')
    await (await running.begin('a', { cluster: { a: 'a' } })).put('key', 'z')
    running.kill('b')
    const wrong = await refusal('WRONG_CLUSTER', running.begin('b', { cluster: { a: 'a', b: 'b' } }))
    expect(wrong.message).toMatch(/`join`/)
  })
})

describe('one that others could not reach or rest on', () => {
  const newcomer = { name: 'b', address: 'b', role: 'learner' } as const

  test('is added nobody to, and says what to do', async () => {
    const silent = await open({ durability: 'none' })
    const error = await refusal('ADDRESS_INVALID', silent.cluster.add(newcomer))
    expect(error.message).toMatch(/listens nowhere.*`listen`/)
    await silent.close()
    const anywhere = await open({ durability: 'none', listen: '127.0.0.1:0' })
    const port = await refusal('ADDRESS_INVALID', anywhere.cluster.add({ ...newcomer, address: '127.0.0.1:7001' }))
    expect(port.message).toMatch(/of member 'default' has port 0/)
    expect((await refusal('ADDRESS_INVALID', anywhere.cluster.add(newcomer))).message).toMatch(/host:port/)
    await anywhere.close()
    const forgetful = await open({ listen: '127.0.0.1:0', advertise: '127.0.0.1:7002' })
    await expect(forgetful.cluster.add({ ...newcomer, address: '127.0.0.1:7001' })).rejects.toThrow(/needs dataDir/)
    await forgetful.close()
  })
})

describe('with authorization', () => {
  test('changes need the role root, and the list a user', async () => {
    const running = growing()
    const a = await running.grown(['a', 'b'])
    for (const [name, role] of [
      ['root', 'root'],
      ['ann', undefined],
    ] as const) {
      await a.auth.users.add(name, { noPassword: true })
      if (role !== undefined) {
        await a.auth.roles.add(role).catch(() => undefined)
        await a.auth.users.grantRole(name, role)
      }
    }
    await a.auth.enable()
    const follower = running.store('b')
    const [root, ann, nobody] = [follower.as({ user: 'root' }), follower.as({ user: 'ann' }), follower.as('anonymous')]
    expect((await ann.cluster.list()).length).toBe(2)
    await refusal('USER_EMPTY', nobody.cluster.list())
    for (const change of [
      () => ann.cluster.add({ name: 'c', address: 'c', role: 'learner' }),
      () => ann.cluster.remove('b'),
      () => ann.cluster.update('b', { address: 'x' }),
      () => ann.cluster.promote('b'),
      () => ann.cluster.moveLeader('b'),
    ]) {
      await refusal('PERMISSION_DENIED', change())
    }
    expect((await root.cluster.add({ name: 'c', address: 'c', role: 'learner' })).role).toBe('learner')
  })
})
