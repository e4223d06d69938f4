/** Three members in one process, in virtual time: what their users see while the cluster works, changes and fails. */
import { afterEach, describe, expect, test } from 'vitest'
import { compare, put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import { below } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import type { WorldOptions } from '../../src/testing/sim/world.js'
import { refusal } from '../code-of.js'
import { RunningWorld } from './clusters.js'

let world: RunningWorld | undefined

async function cluster(options: Partial<WorldOptions> = {}): Promise<RunningWorld> {
  world = await RunningWorld.start(options)
  return world
}

afterEach(async () => {
  await world?.halt()
})

describe('every member', () => {
  test('takes writes, and reads what any other one was told', async () => {
    const { leader, followers } = await cluster()
    const [one, other] = followers as [Store, Store]
    const stores = [leader, one, other]
    for (let nth = 0; nth < 30; nth++) {
      const writer = stores[nth % 3] as Store
      const reader = stores[(nth + 1) % 3] as Store
      const { revision } = await writer.put('key', `v${nth}`)
      expect(await reader.get('key')).toMatchObject({ modRevision: revision })
      expect((await reader.get('key'))?.text()).toBe(`v${nth}`)
    }
  })

  test('knows the same leader and comes to the same state', async () => {
    const running = await cluster()
    await Promise.all(running.places.map(({ store, name }) => store?.put(name, 'x') ?? Promise.reject(new Error(name))))
    const { leader } = running
    const { lastIndex } = leader.status().log
    await running.until(() => running.statuses().every(({ appliedIndex }) => appliedIndex >= lastIndex))
    const statuses = running.statuses()
    expect(new Set(statuses.map((status) => status.leader))).toEqual(new Set([leader.status().name]))
    expect(new Set(statuses.map(({ digest }) => digest)).size).toBe(1)
    expect(new Set(statuses.map(({ clusterId }) => clusterId)).size).toBe(1)
  })

  test('renews leases, wherever they were granted', async () => {
    const running = await cluster()
    const [one, other] = running.followers as [Store, Store]
    const { id, ttlMs } = await one.leases.grant({ ttlMs: 5_000 })
    await other.put('key', 'x', { lease: id })
    for (let nth = 0; nth < 4; nth++) {
      await running.pass(ttlMs * 0.8)
      expect((await (nth % 2 ? one : other).leases.keepAlive(id)).ttlMs).toBe(ttlMs)
    }
    expect((await running.leader.get('key'))?.lease).toBe(id)
    const watch = one.watch('key')[Symbol.asyncIterator]()
    const endedAfter = running.nowMs
    const ended = await watch.next()
    expect(ended.value).toMatchObject({ type: 'delete', key: 'key' })
    expect(running.nowMs - endedAfter).toBeGreaterThan(ttlMs * 0.9)
    expect(running.nowMs - endedAfter).toBeLessThan(ttlMs * 1.5)
  })

  test('agrees on leases and comes to one state, also where election timeouts differ', async () => {
    const running = await RunningWorld.start({
      open: (name) => ({ electionTimeoutMs: name === 'c' ? 8_000 : 1_000, heartbeatIntervalMs: 100 }),
    })
    const [a, c] = [running.store('a'), running.store('c')]
    expect((await a.leases.grant({ ttlMs: 1_000 })).ttlMs).toBe(2_000)
    const { id, ttlMs } = await c.leases.grant({ ttlMs: 1_000 })
    expect(ttlMs).toBe(12_000)
    expect((await a.leases.timeToLive(id))?.ttlMs).toBe(12_000)
    await a.put('key', 'x')
    await running.until(() => new Set(running.statuses().map(({ appliedIndex }) => appliedIndex)).size === 1)
    expect(new Set(running.statuses().map(({ digest }) => digest)).size).toBe(1)
  })

  test('names a member that was away for longer than the log goes back, until it has the snapshot that it is sent', async () => {
    const running = await RunningWorld.start({
      open: { stateBufferBytesMax: 2_000, logRetainBytes: 4_000, electionTimeoutMs: 300 },
    })
    const { leader } = running
    const away = running.followers[0] as Store
    const { name } = away.status()
    running.isolate(name)
    for (let at = 0; at < 100; at++) await leader.put(`key ${at % 7}`, 'x'.repeat(200))
    running.network.healAll()
    await running.until(() => leader.status().outrun.length > 0)
    expect(leader.status().outrun).toEqual([name])
    expect((await away.get('key 1'))?.text()).toBe('x'.repeat(200))
    await running.until(() => leader.status().outrun.length === 0)
    await leader.put('key', 'the others carry on')
  })

  test('sees watches go on across a change of leader, without a gap or a repetition', async () => {
    const running = await cluster()
    const [one] = running.followers as [Store]
    const revisions: number[] = []
    const watching = (async () => {
      for await (const { revision } of one.watch({ all: true })) {
        revisions.push(revision)
        if (revisions.length === 40) return
      }
    })()
    for (let nth = 0; nth < 20; nth++) await one.put(`k${nth}`, 'x')
    running.crash(running.place(running.leader.status().name))
    for (let nth = 20; nth < 40; nth++) await one.put(`k${nth}`, 'x')
    await watching
    expect(revisions).toEqual(Array.from({ length: 40 }, (_, at) => at + 2))
  })
})

describe('when the leader goes', () => {
  test('by closing, the others carry on, and calls under way end well', async () => {
    const running = await cluster()
    const { leader, followers } = running
    const [one, other] = followers as [Store, Store]
    const under = Promise.all([
      one.put('a', '1'),
      other.put('b', '2'),
      one.get('a'),
      other.leases.grant({ ttlMs: 60_000 }),
    ])
    const closing = leader.close()
    await under
    await closing
    expect((await one.put('c', '3')).revision).toBe(4)
    expect((await other.range({ all: true })).items.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
  })

  test('tells those who listen, and a listener that throws harms nobody', async () => {
    const errors: string[] = []
    const running = await cluster()
    const [one] = running.followers as [Store]
    const heard: (string | undefined)[] = []
    one.on('leader', () => {
      throw new Error('a listener of bad manners')
    })
    one.on('leader', () => Promise.reject(new Error('an asynchronous one')) as unknown as undefined)
    one.on('leader', ({ leader }) => heard.push(leader))
    const onRejection = (error: unknown): void => {
      errors.push(String(error))
    }
    process.on('unhandledRejection', onRejection)
    const before = running.leader.status().name
    running.crash(running.place(before))
    await one.put('key', 'x')
    await running.pass(10)
    process.off('unhandledRejection', onRejection)
    expect(heard.at(-1)).toBe(one.status().leader)
    expect(heard.at(-1)).not.toBe(before)
    expect(errors).toEqual([])
  })
})

describe('without a quorum', () => {
  const alone = async () => {
    const running = await cluster()
    const { leader, followers } = running
    const [one, other] = followers as [Store, Store]
    await one.put('key', 'before')
    running.crash(running.place(leader.status().name))
    running.crash(running.place(other.status().name))
    return { running, one }
  }

  test('a call ends with TIMEOUT after the time it was given, or the default', async () => {
    const { running, one } = await alone()
    const started = running.nowMs
    await refusal('TIMEOUT', one.get('key', { timeoutMs: 700 }))
    expect(running.nowMs - started).toBeCloseTo(700, 0)
    const again = running.nowMs
    await refusal('TIMEOUT', one.put('key', 'x'))
    expect(running.nowMs - again).toBeGreaterThan(6999)
    expect(running.nowMs - again).toBeLessThan(7020)
  })

  test('says of a write whether it may still take effect', async () => {
    const { running, one } = await alone()
    await running.until(() => one.status().leader === undefined)
    const kept = await refusal('TIMEOUT', one.put('key', 'kept', { timeoutMs: 2000 }))
    expect(kept.outcome).toBe('refused')
    expect(kept.message).toContain('no effect')
    expect(kept.retryable).toBe(true)
    const asked = await refusal('TIMEOUT', one.leases.keepAlive(7n, { timeoutMs: 100 }))
    expect([asked.outcome, asked.message.includes('majority')]).toEqual(['refused', true])
    const read = await refusal('TIMEOUT', one.get('key', { timeoutMs: 100 }))
    expect(read.message).toContain('majority')
    for (const place of running.places) if (place.process === undefined) running.start(place)
    await running.pass(5_000)
    expect((await one.get('key'))?.text()).toBe('before')
  })

  test('a write of the leader that was cut off is of unknown outcome, and settles with the cluster', async () => {
    const running = await cluster()
    const { leader, followers } = running
    const [one] = followers as [Store]
    const name = leader.status().name
    running.isolate(name)
    const error = await refusal('TIMEOUT', leader.put('key', 'cut off', { timeoutMs: 300 }))
    expect(error.outcome).toBe('unknown')
    expect(error.message).toContain('may or may not')
    await one.put('key', 'of the others')
    running.network.healAll()
    await running.until(() => leader.status().revision >= one.status().revision)
    expect((await leader.get('key'))?.text()).toBe('of the others')
  })

  test('reads locally what it has', async () => {
    const { one } = await alone()
    expect((await one.get('key', { consistency: 'local' }))?.text()).toBe('before')
    expect((await one.range({ all: true }, { consistency: 'local' })).count).toBe(1)
  })

  test('ends a call that waits with its signal, and closes in time', async () => {
    const { running, one } = await alone()
    const controller = new AbortController()
    const { signal } = controller
    const calls = [one.put('key', 'x', { signal }), one.get('key', { signal }), one.leases.keepAlive(7n, { signal })]
    const ended = Promise.all(calls.map((call) => refusal('ABORTED', call)))
    await running.pass(50)
    controller.abort(new Error('enough'))
    for (const error of await ended) expect(error.cause).toMatchObject({ message: 'enough' })
    const waiting = [one.put('key', 'x'), one.get('key'), one.leases.keepAlive(7n), one.ready()]
    const closed = Promise.all(waiting.map((call) => refusal('CLOSED', call)))
    const closing = running.nowMs
    await one.close()
    await closed
    // What cannot end holds the close for `drainMs`.
    expect(running.nowMs - closing).toBeLessThan(2_000 + 100)
  })
})

describe('a write is applied at most once', () => {
  test.each([1, 2, 3, 4])('through repeated, lost and late frames and changes of leader (seed %d)', async (seed) => {
    const running = await cluster({ seed, open: { electionTimeoutMs: 300 } })
    running.network.setFaults({
      lossPerMillion: 30_000,
      delayMsMin: 1,
      delayMsHalf: 3,
      reorderPerMillion: 50_000,
      reorderMsMax: 50,
      duplicatePerMillion: 300_000,
      duplicateMsMax: 2_000,
    })
    const random = seededRandom(seed)
    const stores = running.places.map(({ store }) => store as Store)
    let done = 0
    let unknown = 0
    const client = async (store: Store, name: string): Promise<void> => {
      for (let nth = 0; nth < 25; nth++) {
        try {
          await store.put(`${name}/${nth}`, 'x', { timeoutMs: 20_000 })
          done++
        } catch (error) {
          if (!isStoreError(error)) throw error
          unknown++
        }
      }
    }
    const clients = Promise.all(stores.flatMap((store, at) => [client(store, `${at}a`), client(store, `${at}b`)]))
    const disturbing = (async () => {
      for (let nth = 0; nth < 6; nth++) {
        await running.pass(200 + below(random, 300))
        const name = running.places[below(random, 3)]?.name ?? 'a'
        running.isolate(name)
        await running.pass(200 + below(random, 500))
        running.network.healAll()
      }
    })()
    await Promise.all([clients, disturbing])
    const reader = stores[0] as Store
    const { items, revision } = await reader.range({ all: true }, { timeoutMs: 60_000 })
    expect(done).toBeGreaterThan(100)
    // Every key is written by one call: a second application would show in its version, and in the revision.
    expect(items.filter(({ version }) => version !== 1)).toEqual([])
    expect(items.length).toBeGreaterThanOrEqual(done)
    expect(items.length).toBeLessThanOrEqual(done + unknown)
    expect(revision).toBe(items.length + 1)
  })
})

describe('concurrent users', () => {
  test.each([11, 12])('of all members lose no update and see watches without gaps (seed %d)', async (seed) => {
    const running = await cluster({ seed })
    running.network.setFaults({ delayMsMin: 1, delayMsHalf: 2 })
    const stores = running.places.map(({ store }) => store as Store)
    const total = 3 * 10
    const watches = stores.map(async (store) => {
      const seen: [number, string][] = []
      for await (const { type, revision, keyValue } of store.watch('counter')) {
        if (type === 'put') seen.push([revision, keyValue.text()])
        if (seen.length === total) break
      }
      return seen
    })
    const increment = async (store: Store): Promise<void> => {
      for (;;) {
        const found = await store.get('counter')
        const { succeeded } = await store.txn({
          compare: [compare('counter').modRevision('=', found?.modRevision ?? 0)],
          success: [put('counter', `${Number(found?.text() ?? 0) + 1}`)],
        })
        if (succeeded) return
      }
    }
    await Promise.all(
      stores.map(async (store) => {
        for (let nth = 0; nth < 10; nth++) await increment(store)
      }),
    )
    const [first, ...others] = await Promise.all(watches)
    expect(first?.map(([, value]) => value)).toEqual(Array.from({ length: total }, (_, at) => `${at + 1}`))
    for (const other of others) expect(other).toEqual(first)
  })
})
