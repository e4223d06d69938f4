/** etcd's Lock and Election, as functions, in one line with the mutexes and elections of this process. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Election, Mutex, type Store } from 'quorate'
import { electionService } from '../../../src/etcd/server/services/election.js'
import { lockService } from '../../../src/etcd/server/services/lock.js'
import { decorated, Stage, unknownOutcome } from '../../recipes/stage.js'
import { callOf, faceOver, refused } from './called.js'

const NAME = Buffer.from('jobs/nightly')
const MINUTE_MS = 60_000

let stage: Stage
let store: Store
let locks: ReturnType<typeof lockService>
let elections: ReturnType<typeof electionService>

beforeEach(async () => {
  stage = await Stage.open()
  store = stage.store
  locks = lockService(faceOver(store))
  elections = electionService(faceOver(store))
})

afterEach(() => stage.settle(stage.store.close()))

async function lease(ttlMs = 60 * MINUTE_MS): Promise<bigint> {
  return (await stage.settle(store.leases.grant({ ttlMs }))).id
}

function keyOf(id: bigint): string {
  return `jobs/nightly/${id.toString(16)}`
}

/** Of something that is waited for: what came of it so far. */
function followed<T>(call: Promise<T>): { readonly call: Promise<T>; readonly came: () => T | 'nothing' } {
  let came: T | 'nothing' = 'nothing'
  call.then(
    (result) => (came = result),
    () => undefined,
  )
  return { call, came: () => came }
}

function refusal(call: Promise<unknown>): Promise<string> {
  return stage.settle(refused(call))
}

describe('Lock', () => {
  async function locking(id: bigint, signal?: AbortSignal, by = store) {
    const lock = followed(locks.lock({ name: NAME, lease: id }, callOf(by, signal)))
    await stage.pass(50)
    return lock
  }

  test("gives the key of the client's lease, and waits for whoever came before, mutexes of this process too", async () => {
    const [first, second] = [await lease(), await lease()]
    const mutex = await stage.settle(new Mutex(store, 'jobs/nightly').lock())
    const one = await locking(first)
    const behind = followed(new Mutex(store, 'jobs/nightly').lock())
    await stage.pass(50)
    const two = await locking(second)
    await stage.pass(MINUTE_MS)
    expect([one.came(), behind.came(), two.came()]).toEqual(['nothing', 'nothing', 'nothing'])

    await stage.settle(mutex.unlock())
    const locked = await stage.settle(one.call)
    expect(locked.key.toString()).toBe(keyOf(first))
    expect(Number(locked.header?.revision)).toBeGreaterThan(mutex.token)
    await stage.pass(MINUTE_MS)
    expect([behind.came(), two.came()]).toEqual(['nothing', 'nothing'])

    await stage.settle(locks.unlock({ key: locked.key }, callOf(store)))
    const held = await stage.settle(behind.call)
    expect(held.token).toBeGreaterThan(mutex.token)
    expect(two.came()).toBe('nothing')
    await stage.settle(held.unlock())
    await stage.settle(two.call)
    expect(await stage.keys()).toEqual([keyOf(second)])
  })

  test('is had at once by whoever has it by the same lease', async () => {
    const id = await lease()
    const [one, two] = [await locking(id), await locking(id)]
    expect((await stage.settle(two.call)).key).toEqual((await stage.settle(one.call)).key)
    expect(await stage.keys()).toEqual([keyOf(id)])
  })

  test('leaves no key of a client that gives up waiting, and lets in whoever stood behind it', async () => {
    const mutex = await stage.settle(new Mutex(store, 'jobs/nightly').lock())
    const giveUp = new AbortController()
    const waiting = refused((await locking(await lease(), giveUp.signal)).call)
    const behind = await locking(await lease())
    giveUp.abort()
    expect(await stage.settle(waiting)).toBe('ABORTED')
    await stage.pass(50)
    expect(await stage.keys()).toHaveLength(2)
    await stage.settle(mutex.unlock())
    await stage.settle(behind.call)
  })

  test('is not taken from a client that asks again while its call before is given up', async () => {
    const mutex = await stage.settle(new Mutex(store, 'jobs/nightly').lock())
    const id = await lease()
    const giveUp = new AbortController()
    const before = refused((await locking(id, giveUp.signal)).call)
    const again = await locking(id)
    giveUp.abort()
    expect(await stage.settle(before)).toBe('ABORTED')
    await stage.settle(mutex.unlock())
    expect((await stage.settle(again.call)).key.toString()).toBe(keyOf(id))
    await stage.pass(MINUTE_MS)
    expect(await stage.keys()).toEqual([keyOf(id)])
  })

  test('leaves no key behind where the answer to its put is lost, also when the put comes late', async () => {
    const id = await lease()
    let late = (): Promise<unknown> => Promise.resolve()
    const lossy = decorated(store, {
      txn: async (...given: Parameters<Store['txn']>) => {
        // The first is the put: it is on its way for longer than anybody waits.
        lossy.txn = store.txn.bind(store)
        late = () => store.txn(...given)
        throw unknownOutcome()
      },
    })
    expect(await refusal(locks.lock({ name: NAME, lease: id }, callOf(lossy)))).toBe('TIMEOUT')
    await stage.pass(50)
    await stage.settle(late())
    expect(await stage.keys()).not.toContain(keyOf(id))
    const behind = followed(new Mutex(store, 'jobs/nightly').lock())
    await stage.pass(50)
    expect(behind.came()).not.toBe('nothing')
    await stage.settle((await stage.settle(behind.call)).unlock())
    await stage.pass(MINUTE_MS)
    expect(await stage.keys()).toEqual([])
    expect((await stage.settle((await locking(id)).call)).key.toString()).toBe(keyOf(id))
  })

  test('leaves no timer behind where the store is closed while the tombstone of a lost put stands', async () => {
    const id = await lease()
    let armed = 0
    const { timers } = store.environment
    const after: typeof timers.after = (delayMs, action) => {
      const cancel = timers.after(delayMs, action)
      if (delayMs < MINUTE_MS) return cancel
      armed += 1
      return () => {
        armed -= 1
        cancel()
      }
    }
    const lossy = decorated(store, {
      environment: { ...store.environment, timers: { ...timers, after } },
      txn: () => {
        lossy.txn = store.txn.bind(store)
        return Promise.reject(unknownOutcome())
      },
    })
    expect(await refusal(locks.lock({ name: NAME, lease: id }, callOf(lossy)))).toBe('TIMEOUT')
    await stage.pass(50)
    expect([armed, await stage.keys()]).toEqual([1, [expect.stringContaining('~')]])
    await stage.settle(store.close())
    await stage.pass(10)
    expect(armed).toBe(0)
  })

  test('is refused where the lease has ended, before or while it waited', async () => {
    expect(await refusal(locks.lock({ name: NAME, lease: 77n }, callOf(store)))).toBe('LEASE_NOT_FOUND')
    const mutex = await stage.settle(new Mutex(store, 'jobs/nightly').lock())
    const short = refused((await locking(await lease(10_000))).call)
    await stage.pass(MINUTE_MS)
    await stage.settle(mutex.unlock())
    expect(await stage.settle(short)).toBe('UNKNOWN mutex: session is expired')
    expect(await stage.keys()).toEqual([])
  })

  test('without a lease has one of a minute, kept alive while it waits and not longer', async () => {
    const mutex = await stage.settle(new Mutex(store, 'jobs/nightly').lock())
    const waiting = await locking(0n)
    await stage.pass(5 * MINUTE_MS)
    await stage.settle(mutex.unlock())
    const { key } = await stage.settle(waiting.call)
    await stage.pass(30_000)
    expect(await stage.keys()).toEqual([key.toString()])
    await stage.pass(MINUTE_MS)
    expect(await stage.keys()).toEqual([])
  })

  test('without a lease, and given up, leaves neither a key nor a lease', async () => {
    const mutex = await stage.settle(new Mutex(store, 'jobs/nightly').lock())
    const giveUp = new AbortController()
    const waiting = refused((await locking(0n, giveUp.signal)).call)
    giveUp.abort()
    expect(await stage.settle(waiting)).toBe('ABORTED')
    await stage.pass(1000)
    expect(await stage.keys()).toEqual([mutex.key])
    expect(await stage.settle(store.leases.list())).toHaveLength(1)
  })

  test('takes every name that is text, and gives back nothing without a key', async () => {
    const id = await lease()
    for (const name of ['', 'ä/ö', 'a\0b']) {
      const call = locks.lock({ name: Buffer.from(name), lease: id }, callOf(store))
      expect((await stage.settle(call)).key.toString()).toBe(`${name}/${id.toString(16)}`)
    }
    expect(await refusal(locks.lock({ name: Buffer.from([0xff]), lease: id }, callOf(store)))).toContain('UTF-8')
    expect(await refusal(locks.unlock({ key: Buffer.alloc(0) }, callOf(store)))).toBe('EMPTY_KEY')
  })
})

describe('Election', () => {
  const campaigning = (id: bigint, value: string, signal?: AbortSignal) =>
    elections.campaign({ name: NAME, lease: id, value: Buffer.from(value) }, callOf(store, signal))
  const leader = async (): Promise<string | undefined> => {
    const { kv } = await stage.settle(elections.leader({ name: NAME }, callOf(store)))
    return kv?.value.toString()
  }

  test('is won in turn with those who campaign in this process, shown, proclaimed by and resigned', async () => {
    const id = await lease()
    const ours = await stage.settle(new Election(store, 'jobs/nightly').campaign('ours'))
    const theirs = followed(campaigning(id, 'theirs'))
    await stage.pass(MINUTE_MS)
    expect([await leader(), theirs.came()]).toEqual(['ours', 'nothing'])
    await stage.settle(ours.resign())
    const { leader: won } = await stage.settle(theirs.call)
    expect(won).toMatchObject({ name: NAME, key: Buffer.from(keyOf(id)), lease: id })
    expect((await stage.settle(new Election(store, 'jobs/nightly').leader()))?.text()).toBe('theirs')

    await stage.settle(elections.proclaim({ leader: won, value: Buffer.from('changed') }, callOf(store)))
    expect(await leader()).toBe('changed')
    const again = await stage.settle(campaigning(id, 'again'))
    expect([again.leader, await leader()]).toEqual([won, 'again'])

    const next = followed(new Election(store, 'jobs/nightly').campaign('next'))
    await stage.settle(elections.resign({ leader: won }, callOf(store)))
    await stage.settle(next.call)
    expect(await leader()).toBe('next')
    expect(await refusal(elections.proclaim({ leader: won, value: NAME }, callOf(store)))).toBe(
      'UNKNOWN election: not leader',
    )
    await stage.settle(elections.resign({ leader: won }, callOf(store)))
  })

  test('is observed: each leader, each proclamation, and nothing while there is none', async () => {
    const ends = new AbortController()
    const seen: string[] = []
    const observing = (async () => {
      for await (const { kv, header } of elections.observe({ name: NAME }, callOf(store, ends.signal))) {
        seen.push(kv?.value.toString() ?? 'nobody')
        expect(Number(header?.revision)).toBeGreaterThanOrEqual(Number(kv?.mod_revision))
      }
    })()
    await stage.pass(1000)
    const { leader: one } = await stage.settle(campaigning(await lease(), 'one'))
    await stage.pass(50)
    await stage.settle(elections.proclaim({ leader: one, value: Buffer.from('one more') }, callOf(store)))
    await stage.pass(50)
    await stage.settle(elections.resign({ leader: one }, callOf(store)))
    await stage.pass(50)
    await stage.settle(campaigning(await lease(), 'two'))
    await stage.pass(50)
    expect(seen).toEqual(['one', 'one more', 'two'])
    ends.abort()
    await stage.settle(observing)
  })

  test('leaves no candidate that gave up', async () => {
    await stage.settle(campaigning(await lease(), 'leads'))
    const giveUp = new AbortController()
    const waiting = refused(campaigning(await lease(), 'waits', giveUp.signal))
    await stage.pass(50)
    giveUp.abort()
    expect(await stage.settle(waiting)).toBe('ABORTED')
    await stage.pass(50)
    expect(await stage.keys()).toHaveLength(1)
  })

  test("refuses in etcd's words", async () => {
    const nothing = { leader: undefined, value: NAME }
    const missing = 'UNKNOWN "leader" field must be provided'
    expect(await refusal(elections.proclaim(nothing, callOf(store)))).toBe(missing)
    expect(await refusal(elections.resign(nothing, callOf(store)))).toBe(missing)
    expect(await refusal(elections.leader({ name: NAME }, callOf(store)))).toBe('UNKNOWN election: no leader')
    const id = await lease()
    for (const rev of [-1n, 0n, 5n, 2n ** 62n]) {
      for (const by of [0n, id, 99n]) {
        const leader = { name: NAME, key: Buffer.from(keyOf(id)), rev, lease: by }
        expect(await refusal(elections.proclaim({ leader, value: NAME }, callOf(store)))).toBe(
          'UNKNOWN election: not leader',
        )
        await stage.settle(elections.resign({ leader }, callOf(store)))
      }
    }
  })
})
