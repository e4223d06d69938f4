import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compare, Mutex, put, StoreError, type Lock, type Store } from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const NAME = 'jobs/nightly'
const TTL_MS = 10_000

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const mutexOf = (store: Store = stage.store): Mutex => new Mutex(store, NAME)

/** A lock that somebody waits for; he stands in the line when this returns. */
async function waiting(store: Store = stage.store): Promise<{ lock: Promise<Lock>; got: () => boolean }> {
  let got = false
  const lock = mutexOf(store).lock()
  lock.then(
    () => (got = true),
    () => undefined,
  )
  await stage.pass(50)
  return { lock, got: () => got }
}

describe('a mutex', () => {
  it('lets one in at a time, in the order they came, with growing tokens', async () => {
    const order: number[] = []
    const tokens: number[] = []
    let inside = 0
    const work = async (number: number): Promise<void> => {
      const lock = await mutexOf().lock()
      expect(++inside).toBe(1)
      order.push(number)
      tokens.push(lock.token)
      await new Promise<void>((resolve) => stage.environment.timers.after(25_000, resolve))
      expect(lock.signal.aborted).toBe(false)
      inside--
      await lock.unlock()
    }
    const all: Promise<void>[] = []
    for (let number = 0; number < 5; number++) {
      all.push(work(number))
      await stage.pass(10)
    }
    await stage.settle(Promise.all(all))
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
    expect(new Set(tokens).size).toBe(5)
    expect(await stage.keys()).toEqual([])
  })

  it('wakes only the next one when a lock is given back', async () => {
    const reads: number[] = []
    const lock = await stage.settle(mutexOf().lock())
    for (let number = 0; number < 4; number++) {
      const range: Store['range'] = (...given) => {
        reads.push(number)
        return stage.store.range(...given)
      }
      await waiting(decorated(stage.store, { range }))
    }
    // What they saw when they entered is enough to know for whom to wait.
    expect(reads).toEqual([])
    await stage.settle(lock.unlock())
    await stage.pass(100)
    expect(reads).toEqual([0])
  })

  it('has its key where etcd has it', async () => {
    const lock = await stage.settle(mutexOf().lock())
    const [key] = await stage.keys()
    const { lease, createRevision } = (await stage.settle(stage.store.get(lock.key)))!
    expect(lock.key).toBe(key)
    expect(key).toBe(`${NAME}/${lease?.toString(16)}`)
    expect(createRevision).toBe(lock.token)
  })

  it('is not in the way of other names below it, and other keys are not in its', async () => {
    await stage.settle(stage.store.put(`${NAME}/42`, 'a value of somebody'))
    const below = await stage.settle(new Mutex(stage.store, `${NAME}/eu`).lock())
    const lock = await stage.settle(mutexOf().lock())
    expect(lock.signal.aborted).toBe(false)
    expect(below.signal.aborted).toBe(false)
  })

  it('refuses to be locked twice through one object, which would wait for itself', async () => {
    const mutex = mutexOf()
    const first = mutex.lock()
    expect(await stage.failure(mutex.lock())).toMatchObject({ code: 'LOCK_BUSY', outcome: 'refused' })
    const lock = await stage.settle(first)
    expect(await stage.failure(mutex.lock())).toMatchObject({ code: 'LOCK_BUSY' })
    expect(await stage.settle(mutex.tryLock())).toBeUndefined()
    await stage.settle(lock.unlock())
    const again = await stage.settle(mutex.lock())
    expect(again.token).toBeGreaterThan(lock.token)
  })

  it('tries without waiting, and without standing in the line', async () => {
    const lock = (await stage.settle(mutexOf().tryLock()))!
    const before = await stage.keys()
    expect(await stage.settle(mutexOf().tryLock())).toBeUndefined()
    expect(await stage.keys()).toEqual(before)
    await stage.settle(lock.unlock())
    expect(await stage.settle(mutexOf().tryLock())).toBeDefined()
  })

  it('gives up a try when somebody else was faster after all', async () => {
    let other: Lock | undefined
    const range: Store['range'] = async (...given) => {
      const line = await stage.store.range(...given)
      other ??= await mutexOf().lock()
      return line
    }
    expect(await stage.settle(mutexOf(decorated(stage.store, { range })).tryLock())).toBeUndefined()
    await stage.pass(10)
    expect(await stage.keys()).toEqual([other?.key])
  })

  it('refuses a name, a TTL or a time-out that makes no sense', async () => {
    expect(() => new Mutex(stage.store, '')).toThrow(TypeError)
    const mutex = mutexOf()
    await expect(mutex.lock({ ttlMs: -1 })).rejects.toThrow(RangeError)
    await expect(mutex.lock({ timeoutMs: NaN })).rejects.toThrow(RangeError)
    await stage.settle(mutex.lock())
  })
})

describe('waiting for a lock', () => {
  it.each(['signal', 'timeoutMs'])('ends by %s, at once and without a trace', async (way) => {
    const lock = await stage.settle(mutexOf().lock())
    const controller = new AbortController()
    const endMs = stage.nowMs + 30_000
    const middle = mutexOf().lock(way === 'signal' ? { signal: controller.signal } : { timeoutMs: 30_000 })
    await stage.pass(50)
    const last = await waiting()
    expect(await stage.keys()).toHaveLength(3)

    const why = new Error('no patience')
    if (way === 'signal') stage.environment.timers.after(endMs - stage.nowMs, () => controller.abort(why))
    const error = await stage.failure(middle)
    expect(error).toMatchObject(way === 'signal' ? { code: 'ABORTED', cause: why } : { code: 'TIMEOUT' })
    expect(stage.nowMs).toBe(endMs)
    await stage.pass(50)
    expect(await stage.keys()).toHaveLength(2)

    // Who stood behind has woken, and must not take it for his turn: the first one is still there.
    expect(last.got()).toBe(false)
    await stage.settle(lock.unlock())
    await stage.settle(last.lock)
    expect(await stage.keys()).toHaveLength(1)
  })

  it('ends at once when the signal is aborted already, and asks nothing of the store', async () => {
    const startMs = stage.nowMs
    expect(await stage.failure(mutexOf().lock({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })
    expect(stage.nowMs).toBe(startMs)
    expect(await stage.keys()).toEqual([])
  })

  it('does not end with the signal once the lock is held', async () => {
    const controller = new AbortController()
    const lock = await stage.settle(mutexOf().lock({ signal: controller.signal, timeoutMs: 1000 }))
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    controller.abort()
    await stage.pass(5 * TTL_MS)
    expect(lock.signal.aborted).toBe(false)
  })

  it('goes on when history is compacted', async () => {
    const lock = await stage.settle(mutexOf().lock())
    const next = await waiting()
    const { revision } = await stage.settle(stage.store.put('other', 'thing'))
    await stage.settle(stage.store.compact(revision))
    await stage.pass(TTL_MS)
    expect(next.got()).toBe(false)
    await stage.settle(lock.unlock())
    await stage.settle(next.lock)
  })

  it.each(['stays', 'goes'])('goes on when the history in which the one before %s was forgotten', async (happens) => {
    const lock = await stage.settle(mutexOf().lock())
    let forgotten = 0
    let reads = 0
    // Between the look at the line, which comes with entering it, and the watch.
    const txn: Store['txn'] = async (...given) => {
      const entered = await stage.store.txn(...given)
      if (happens === 'goes') await lock.unlock()
      await stage.store.put('other', 'thing')
      forgotten = (await stage.store.put('other', 'thing')).revision
      await stage.store.compact(forgotten)
      return entered
    }
    const range: Store['range'] = (...given) => {
      reads++
      return stage.store.range(...given)
    }
    const next = await waiting(decorated(stage.store, { range, txn }))
    expect(forgotten).toBeGreaterThan(0)
    // The key whose history was forgotten, and, where it had gone, the line.
    expect(reads).toBe(happens === 'goes' ? 2 : 1)
    expect(next.got()).toBe(happens === 'goes')
    await stage.settle(lock.unlock())
    await stage.settle(next.lock)
  })

  it('waits through failures that pass', async () => {
    const failing = <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) => {
      let failures = 3
      return async (...given: Given): Promise<Result> => {
        if (failures-- > 0) throw new StoreError('NO_LEADER', 'no leader')
        return call(...given)
      }
    }
    const lock = await stage.settle(mutexOf().lock())
    const { leases } = stage.store
    const store = decorated(stage.store, {
      range: failing((...given: Parameters<Store['range']>) => stage.store.range(...given)),
      txn: failing((...given: Parameters<Store['txn']>) => stage.store.txn(...given)) as Store['txn'],
      leases: { grant: failing((...given: Parameters<typeof leases.grant>) => leases.grant(...given)) },
    })
    const startMs = stage.nowMs
    const next = mutexOf(store).lock()
    await stage.pass(1000)
    await stage.settle(lock.unlock())
    expect((await stage.settle(next)).signal.aborted).toBe(false)
    // To grant, to enter, and to look again when the one before had gone.
    expect(stage.nowMs - startMs).toBeGreaterThanOrEqual(1000 + 3 * 100)
  })

  it('fails with the place in the line when its lease ends while it waits', async () => {
    await stage.settle(mutexOf().lock())
    const keepAlive = (): Promise<never> => Promise.reject(new StoreError('NO_LEADER', 'no leader'))
    const next = await waiting(decorated(stage.store, { leases: { keepAlive } }))
    expect(await stage.failure(next.lock)).toMatchObject({ code: 'LOCK_LOST', cause: { code: 'NO_LEADER' } })
    await stage.pass(TTL_MS)
    expect(await stage.keys()).toHaveLength(1)
  })

  it('does not take the lock when its own key went while the one before did', async () => {
    const lock = await stage.settle(mutexOf().lock())
    const next = await waiting()
    const [own] = (await stage.keys()).filter((key) => key !== lock.key)
    await stage.settle(stage.store.delete(own!))
    await stage.settle(lock.unlock())
    expect(await stage.failure(next.lock)).toMatchObject({ code: 'LOCK_LOST' })
  })

  it.each(['before', 'while'])('does not take the lock when its process was stopped %s it looked', async (when) => {
    const lock = await stage.settle(mutexOf().lock())
    const process = new Process(stage)
    let looks = 0
    const range: Store['range'] = (...given) => {
      const line = process.store.range(...given)
      // The look finds it first in the line: it was, when the question was answered.
      if (++looks === 1 && when === 'while') process.stop()
      return line
    }
    const next = await waiting(decorated(process.store, { range }))
    if (when === 'before') process.stop()
    await stage.settle(lock.unlock())
    await stage.pass(3 * TTL_MS)
    process.continue()
    expect(await stage.failure(next.lock)).toMatchObject({ code: 'LOCK_LOST' })
    expect(looks).toBe(1)
  })

  it('does not take the lock when its process was stopped while it entered a line in which nobody stood', async () => {
    const process = new Process(stage)
    const txn: Store['txn'] = (...given) => {
      const entered = process.store.txn(...given)
      process.stop()
      return entered
    }
    const locking = mutexOf(decorated(process.store, { txn })).lock()
    await stage.pass(3 * TTL_MS)
    process.continue()
    expect(await stage.failure(locking)).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('fails with the place in the line when the lease ends before the key is put', async () => {
    const txn: Store['txn'] = async (transaction, options) => {
      const [own] = transaction.success ?? []
      if (own?.type === 'put') await stage.store.leases.revoke(own.lease)
      return stage.store.txn(transaction, options)
    }
    const error = await stage.failure(mutexOf(decorated(stage.store, { txn })).lock())
    expect(error).toMatchObject({ code: 'LOCK_LOST', cause: { code: 'LEASE_NOT_FOUND' } })
  })

  it('ends with an error of the store that does not pass', async () => {
    await stage.settle(mutexOf().lock())
    const next = await waiting()
    await stage.settle(stage.store.close())
    expect(await stage.failure(next.lock)).toMatchObject({ code: 'CLOSED' })
  })
})

describe('a put of unknown outcome', () => {
  it.each([
    ['it took effect', true],
    ['it did not', false],
  ])('is tried again: %s', async (_, applied) => {
    let lost = 2
    const txn: Store['txn'] = async (...given) => {
      if (lost-- <= 0) return stage.store.txn(...given)
      if (applied) await stage.store.txn(...given)
      await stage.store.put('other', 'thing')
      throw unknownOutcome()
    }
    const lock = await stage.settle(mutexOf(decorated(stage.store, { txn })).lock())
    expect(await stage.keys(NAME)).toEqual([lock.key])
    expect((await stage.settle(stage.store.get(lock.key)))?.createRevision).toBe(lock.token)
    await stage.settle(lock.unlock())
    expect(await stage.keys(NAME)).toEqual([])
  })

  it('cannot come back after the lock was given back', async () => {
    let late: (() => Promise<unknown>) | undefined
    const txn: Store['txn'] = (...given) => {
      if (late !== undefined) return stage.store.txn(...given)
      late = () => stage.store.txn(given[0])
      return Promise.reject(unknownOutcome())
    }
    const lock = await stage.settle(mutexOf(decorated(stage.store, { txn })).lock())
    await stage.settle(lock.unlock())
    expect(await stage.failure(late!())).toMatchObject({ code: 'LEASE_NOT_FOUND' })
    expect(await stage.keys()).toEqual([])
    await stage.settle(mutexOf().lock())
  })

  it('leaves nobody in the line when waiting is given up meanwhile', async () => {
    let late: (() => Promise<unknown>) | undefined
    const txn: Store['txn'] = (transaction, { signal } = {}) => {
      late = () => stage.store.txn(transaction)
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(unknownOutcome()))
      })
    }
    const locking = mutexOf(decorated(stage.store, { txn })).lock({ timeoutMs: 1000 })
    expect(await stage.failure(locking)).toMatchObject({ code: 'TIMEOUT' })
    await stage.pass(10)
    expect(await stage.failure(late!())).toMatchObject({ code: 'LEASE_NOT_FOUND' })
    expect(await stage.keys()).toEqual([])
  })
})

describe('a lock whose holder falls silent', () => {
  it('goes to the next one, and the signal of the holder was aborted before', async () => {
    let healthy = true
    const store = decorated(stage.store, {
      leases: {
        keepAlive: (...given) =>
          healthy ? stage.store.leases.keepAlive(...given) : Promise.reject(new StoreError('NO_LEADER', 'cut off')),
      },
    })
    const old = await stage.settle(mutexOf(store).lock({ ttlMs: TTL_MS }))
    const next = await waiting()
    await stage.pass(5 * TTL_MS)
    expect(old.signal.aborted).toBe(false)
    expect(next.got()).toBe(false)

    healthy = false
    let abortedMs = NaN
    old.signal.addEventListener('abort', () => (abortedMs = stage.nowMs))
    const lock = await stage.settle(next.lock)
    expect(abortedMs).toBeLessThan(stage.nowMs)
    expect(lock.token).toBeGreaterThan(old.token)
  })

  it('is safe from a holder that was stopped and goes on, by the token', async () => {
    const process = new Process(stage)
    const old = await stage.settle(mutexOf(process.store).lock({ ttlMs: TTL_MS }))
    const { signal } = old
    const next = await waiting()
    await stage.settle(stage.store.txn(old.guard({ success: [put('report', 'begun')] })))

    process.stop()
    const lock = await stage.settle(next.lock)
    await stage.settle(lock.txn({ success: [put('report', 'of the next one')] }))
    process.continue()

    // It was in the middle of its work, and does not ask its signal.
    const guarded = old.guard({
      success: [put('report', 'of the old one')],
      failure: [put('report', 'of the old one')],
    })
    const { succeeded } = await stage.settle(stage.store.txn(guarded))
    expect(succeeded).toBe(false)
    expect(await stage.text('report')).toBe('of the next one')
    expect(old.token).toBeLessThan(lock.token)
    expect(signal.aborted).toBe(true)
    const late = old.txn({ success: [put('report', 'of the old one')] })
    expect(await stage.failure(late)).toMatchObject({ code: 'LOCK_LOST' })
  })
})

describe('a lock', () => {
  it('does a transaction of either branch while it is held', async () => {
    const lock = await stage.settle(mutexOf().lock())
    const first = await stage.settle(lock.txn({ success: [put('report', 'one', { previous: true })] }))
    expect(first).toMatchObject({ succeeded: true, results: [{ type: 'put', previous: undefined }] })
    const transaction = { compare: [compare('report').missing()], failure: [put('report', 'two')] }
    expect(await stage.settle(lock.txn(transaction))).toMatchObject({ succeeded: false, results: [{ type: 'put' }] })
    expect(await stage.text('report')).toBe('two')
  })

  it.each([
    ['deleted', (key: string) => stage.store.delete(key)],
    ['taken off its lease', (key: string) => stage.store.put(key, 'mine')],
  ])('is lost at once when its key is %s, and the next one takes over', async (_, remove) => {
    const lock = await stage.settle(mutexOf().lock())
    const { signal } = lock
    const next = await waiting()
    await stage.settle<unknown>(remove(lock.key))
    await stage.pass(1)
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    await stage.settle(next.lock)
    expect(await stage.failure(lock.txn({ success: [put('report', 'late')] }))).toMatchObject({ code: 'LOCK_LOST' })
    expect(await stage.text('report')).toBeUndefined()
    await stage.settle(lock.unlock())
  })

  it('is lost at once when the store is closed', async () => {
    const { signal } = await stage.settle(mutexOf().lock())
    await stage.settle(stage.store.close())
    await stage.pass(1)
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST', cause: { code: 'CLOSED' } })
  })

  it('learns from a transaction that it is lost', async () => {
    const store = decorated(stage.store, {
      // A watch that never says anything.
      watch: () => stage.store.watch('nothing'),
    })
    const lock = await stage.settle(mutexOf(store).lock())
    const { signal } = lock
    await stage.settle(stage.store.delete(lock.key))
    await stage.pass(1)
    expect(signal.aborted).toBe(false)
    expect(await stage.failure(lock.txn({ success: [put('a', 'b')] }))).toMatchObject({ code: 'LOCK_LOST' })
    expect(signal.aborted).toBe(true)
  })

  it('can be given back more than once', async () => {
    const mutex = mutexOf()
    const lock = await stage.settle(mutex.lock())
    await stage.settle(Promise.all([lock.unlock(), lock.unlock()]))
    await stage.settle(lock[Symbol.asyncDispose]())
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })
})

describe('withLock', () => {
  it('gives the lock to the work and takes it back, whatever becomes of the work', async () => {
    const mutex = mutexOf()
    const value = await stage.settle(mutex.withLock((lock) => [lock.signal.aborted, lock.key] as const))
    expect(value[0]).toBe(false)
    const error = new Error('the work failed')
    await expect(stage.settle(mutex.withLock(() => Promise.reject(error)))).rejects.toBe(error)
    expect(await stage.keys()).toEqual([])
  })

  it('rejects when the lock was lost before the work was done', async () => {
    const work = mutexOf().withLock(async (lock) => {
      await stage.store.delete(lock.key)
      await new Promise<void>((resolve) => stage.environment.timers.after(1000, resolve))
    })
    expect(await stage.failure(work)).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('resolves with what was done under the lock even when giving it back fails', async () => {
    const revoke = (): Promise<never> => Promise.reject(new StoreError('NO_LEADER', 'no leader'))
    const mutex = mutexOf(decorated(stage.store, { leases: { revoke } }))
    expect(await stage.settle(mutex.withLock(() => 'done'))).toBe('done')
    await stage.settle(mutexOf().lock())
  })
})
