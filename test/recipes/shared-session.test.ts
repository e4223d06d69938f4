import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LIMITS, Mutex, put, Session, StoreError, type Lock, type Store } from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const NAME = 'jobs/nightly'
const TTL_MS = 10_000

let stage: Stage
let session: Session

beforeEach(async () => {
  stage = await Stage.open()
  session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
})
afterEach(() => stage.settle(stage.store.close()))

const mutexOf = (store: Store = stage.store): Mutex => new Mutex(store, NAME, { session })

/** A transaction that enters the line, which is where answers are lost. */
function enters([{ success }]: Parameters<Store['txn']>): boolean {
  return success?.[0]?.type === 'put' && success[0].key.startsWith(`${NAME}/`)
}

/** Loses the first attempt to enter: it takes effect when `late` is called, and the store hears nothing of it until then. */
function losesFirstEntry(meanwhile: () => Promise<unknown> = () => Promise.reject(unknownOutcome())): {
  readonly store: Store
  readonly late: () => Promise<unknown>
} {
  let late: (() => Promise<unknown>) | undefined
  const txn: Store['txn'] = (...given) => {
    if (late !== undefined || !enters(given)) return stage.store.txn(...given)
    late = () => stage.store.txn(given[0])
    return meanwhile() as never
  }
  return { store: decorated(stage.store, { txn }), late: () => late!() }
}

describe('a session that many locks share', () => {
  it('lets one in at a time, whether the others share it or not', async () => {
    const order: string[] = []
    let inside = 0
    const work = async (who: string, mutex: Mutex): Promise<void> => {
      await mutex.withLock(async () => {
        expect(++inside).toBe(1)
        order.push(who)
        await new Promise<void>((resolve) => stage.environment.timers.after(25_000, resolve))
        inside--
      })
    }
    const all: Promise<void>[] = []
    for (const who of ['shared 1', 'own 1', 'shared 2', 'shared 3', 'own 2']) {
      all.push(work(who, who.startsWith('own') ? new Mutex(stage.store, NAME) : mutexOf()))
      await stage.pass(50)
    }
    await stage.settle(Promise.all(all))
    expect(order).toEqual(['shared 1', 'own 1', 'shared 2', 'shared 3', 'own 2'])
    expect(await stage.keys()).toEqual([])
    expect(session.signal.aborted).toBe(false)
  })

  it('has a key for each acquisition, named after the lease it hangs on', async () => {
    const first = await stage.settle(mutexOf().lock())
    const second = await stage.settle(new Mutex(stage.store, 'other', { session }).lock())
    const lease = session.lease.toString(16)
    expect([first.key, second.key]).toEqual([`${NAME}/${lease}-1`, `other/${lease}-2`])
    await stage.settle(first.unlock())
    expect(await stage.keys()).toEqual([second.key])
    expect(second.signal.aborted).toBe(false)
    expect((await stage.settle(mutexOf().lock())).key).toBe(`${NAME}/${lease}-3`)
  })

  it('takes one transaction for a lock that is free, and one call to give it back', async () => {
    const calls: string[] = []
    const told =
      <Given extends unknown[], Result>(what: string, call: (...given: Given) => Promise<Result>) =>
      (...given: Given): Promise<Result> => {
        calls.push(what)
        return call(...given)
      }
    const { leases } = stage.store
    const store = decorated(stage.store, {
      txn: told('txn', (...given: Parameters<Store['txn']>) => stage.store.txn(...given)) as Store['txn'],
      range: told('range', (...given: Parameters<Store['range']>) => stage.store.range(...given)),
      delete: told('delete', (...given: Parameters<Store['delete']>) => stage.store.delete(...given)),
      leases: {
        grant: told('grant', (...given: Parameters<typeof leases.grant>) => leases.grant(...given)),
        revoke: told('revoke', (...given: Parameters<typeof leases.revoke>) => leases.revoke(...given)),
      },
    })
    await stage.settle(mutexOf(store).withLock(() => undefined))
    expect(calls.splice(0)).toEqual(['txn', 'delete'])
    await stage.settle(new Mutex(store, NAME).withLock(() => undefined))
    expect(calls).toEqual(['grant', 'txn', 'revoke'])
  })

  it('loses all of its locks when it is lost, before anybody else gets one', async () => {
    let healthy = true
    const store = decorated(stage.store, {
      leases: {
        keepAlive: (...given) =>
          healthy ? stage.store.leases.keepAlive(...given) : Promise.reject(new StoreError('NO_LEADER', 'cut off')),
      },
    })
    session = await stage.settle(Session.open(store, { ttlMs: TTL_MS }))
    const locks = await stage.settle(
      Promise.all(['a', 'b', 'c'].map((name) => new Mutex(store, name, { session }).lock())),
    )
    const next = new Mutex(stage.store, 'b').lock()
    await stage.pass(3 * TTL_MS)
    healthy = false
    const abortedMs: number[] = []
    for (const { signal } of locks) signal.addEventListener('abort', () => abortedMs.push(stage.nowMs))
    await stage.settle(next)
    expect(abortedMs).toHaveLength(3)
    expect(Math.max(...abortedMs)).toBeLessThan(stage.nowMs)
    expect(locks.map(({ signal }) => (signal.reason as StoreError).code)).toEqual(Array(3).fill('LOCK_LOST'))
    // Giving one back ends what is left of the session, so that nobody waits for the lease.
    await stage.settle(locks[0]!.unlock())
    expect(await stage.keys('a/')).toEqual([])
  })

  it('gives all of its locks back when it is closed', async () => {
    const lock = await stage.settle(mutexOf().lock())
    const waiting = mutexOf().lock()
    waiting.catch(() => undefined)
    await stage.pass(50)
    await stage.settle(session.close())
    expect(lock.signal.aborted).toBe(true)
    expect(await stage.failure(waiting)).toMatchObject({ code: 'LOCK_LOST' })
    expect(await stage.failure(mutexOf().lock())).toMatchObject({ code: 'LOCK_LOST' })
    await stage.settle(lock.unlock())
    expect(await stage.keys()).toEqual([])
  })

  it('outlives a lock whose key is removed by somebody', async () => {
    const lock = await stage.settle(mutexOf().lock())
    const other = await stage.settle(new Mutex(stage.store, 'other', { session }).lock())
    await stage.settle(stage.store.delete(lock.key))
    await stage.pass(10)
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    expect(await stage.failure(lock.txn({ success: [put('report', 'done')] }))).toMatchObject({ code: 'LOCK_LOST' })
    expect(other.signal.aborted).toBe(false)
    await stage.settle(lock.unlock())
    await stage.settle(mutexOf().lock())
  })

  it('is looked at by the clock when the signal of one of its locks is', async () => {
    const process = new Process(stage)
    session = await stage.settle(Session.open(process.store, { ttlMs: TTL_MS }))
    const lock = await stage.settle(mutexOf(process.store).lock())
    process.stop()
    await stage.pass(TTL_MS)
    process.continue()
    expect(lock.signal.aborted).toBe(true)
  })

  it('refuses a TTL, which it has itself, and what is no session', async () => {
    await expect(mutexOf().lock({ ttlMs: 1000 })).rejects.toThrow('the session that was given has one, of 10000 ms')
    const promise = Session.open(stage.store, { ttlMs: TTL_MS })
    expect(() => new Mutex(stage.store, NAME, { session: promise as never })).toThrow(TypeError)
    await stage.settle(promise)
  })
})

describe('a place in a shared session that is given up', () => {
  it.each(['signal', 'timeoutMs'])('by %s leaves no trace, and the session stands', async (way) => {
    const lock = await stage.settle(new Mutex(stage.store, NAME).lock())
    const controller = new AbortController()
    const waiting = mutexOf().lock(way === 'signal' ? { signal: controller.signal } : { timeoutMs: 1000 })
    await stage.pass(500)
    expect(await stage.keys(`${NAME}/`)).toHaveLength(2)
    controller.abort()
    expect(await stage.failure(waiting)).toMatchObject({ code: way === 'signal' ? 'ABORTED' : 'TIMEOUT' })
    await stage.pass(50)
    expect(await stage.keys()).toEqual([lock.key])
    expect(session.signal.aborted).toBe(false)
  })

  it('does not come back with a put that was tried again meanwhile', async () => {
    const { store, late } = losesFirstEntry()
    const lock = await stage.settle(mutexOf(store).lock())
    await stage.settle(lock.unlock())
    await stage.settle(late())
    expect(await stage.keys(`${NAME}/`)).toEqual([])
    await stage.settle(new Mutex(stage.store, NAME).lock())
  })

  it('does not come back with a put that nobody waited for', async () => {
    const { store, late } = losesFirstEntry(
      () => new Promise((_, reject) => stage.environment.timers.after(2000, () => reject(unknownOutcome()))),
    )
    expect(await stage.failure(mutexOf(store).lock({ timeoutMs: 1000 }))).toMatchObject({ code: 'TIMEOUT' })
    await stage.pass(50)
    await stage.settle(late())
    expect(await stage.keys(`${NAME}/`)).toEqual([])
    await stage.settle(new Mutex(stage.store, NAME).lock())
    // What keeps it out goes with the session.
    await stage.settle(session.close())
    expect(await stage.keys(`${NAME}~`)).toEqual([])
  })

  it('leaves nothing behind when the answer comes that nobody waited for', async () => {
    const lock = await stage.settle(new Mutex(stage.store, NAME).lock())
    for (let each = 0; each < 20; each++) {
      const controller = new AbortController()
      const waiting = stage.failure(mutexOf().lock({ signal: controller.signal }))
      controller.abort()
      expect(await waiting).toMatchObject({ code: 'ABORTED' })
    }
    await stage.pass(1_000)
    expect(await stage.keys()).toEqual([lock.key])
  })

  it('leaves so many keys behind at most, whose answers never came, and ends with the session all the same', async () => {
    await stage.settle(new Mutex(stage.store, NAME).lock())
    let lost = true
    const txn = (async (...given) => {
      const result = await stage.store.txn(...given)
      if (lost && enters(given)) throw new StoreError('TOO_MANY_REQUESTS', 'lost', { outcome: 'unknown' })
      return result
    }) as Store['txn']
    const store = decorated(stage.store, { txn })
    const tries = LIMITS.sessionTombstonesMax + 5
    for (let each = 0; each < tries; each++) await stage.failure(mutexOf(store).lock({ timeoutMs: 10 }))
    await stage.pass(1_000)
    // One was under way when it was too many.
    expect(await stage.keys(`${NAME}~`)).toHaveLength(LIMITS.sessionTombstonesMax + 1)
    expect(await stage.keys(`${NAME}/`)).toHaveLength(1)
    lost = false
    await stage.settle(stage.store.delete({ prefix: `${NAME}/` }))
    const lock = await stage.settle(mutexOf(store).lock())
    await stage.settle(session.close())
    expect(lock.signal.aborted).toBe(true)
    await stage.pass(100)
    expect(await stage.keys()).toEqual([])
    expect(await stage.settle(stage.store.leases.list())).toHaveLength(1)
  })

  it.each(['NO_SPACE', 'PERMISSION_DENIED'] as const)(
    'blocks nobody where its tombstone is refused: %s',
    async (code) => {
      const { store, late } = losesFirstEntry()
      let refused = true
      const txn = ((...given) =>
        refused && given[0].success?.some((each) => each.type === 'put' && each.key.startsWith(`${NAME}~`)) === true
          ? Promise.reject(new StoreError(code, 'refused'))
          : store.txn(...given)) as Store['txn']
      const lock = await stage.settle(mutexOf(decorated(store, { txn })).lock())
      await stage.settle(lock.unlock())
      await stage.settle(new Mutex(stage.store, NAME).withLock(() => undefined))
      refused = false
      await stage.pass(2_000)
      await stage.settle(late())
      expect(await stage.keys(`${NAME}/`)).toEqual([])
    },
  )

  it('does not come back when its key was removed by somebody', async () => {
    const { store, late } = losesFirstEntry()
    const lock = await stage.settle(mutexOf(store).lock())
    await stage.settle(stage.store.delete(lock.key))
    await stage.pass(50)
    expect(lock.signal.aborted).toBe(true)
    await stage.settle(late())
    expect(await stage.keys(`${NAME}/`)).toEqual([])
  })

  it.each(['refused', 'unknown'] as const)(
    'is given up again and again while the store cannot be reached: %s',
    async (outcome) => {
      let reachable = true
      const { leases } = stage.store
      const unreachable = (): Promise<never> => Promise.reject(new StoreError('TIMEOUT', 'cut off', { outcome }))
      const store = decorated(stage.store, {
        txn: (...given) => (reachable ? stage.store.txn(...given) : unreachable()),
        delete: (...given) => (reachable ? stage.store.delete(...given) : unreachable()),
      })
      const lock: Lock = await stage.settle(mutexOf(store).lock())
      reachable = false
      void lock.unlock()
      expect(lock.signal.aborted).toBe(true)
      await stage.pass(3 * TTL_MS)
      expect(await stage.keys()).toEqual([lock.key])
      reachable = true
      await stage.pass(200)
      expect(await stage.keys()).toEqual([])
      expect(await stage.settle(leases.list())).toEqual([session.lease])
    },
  )
})
