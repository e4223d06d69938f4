/** Sessions and locks: one at a time, in the order in which they came, and nobody holds on without being told. */
import { get, put } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { isStoreError } from '../../base/errors.js'
import { Mutex, type Lock } from '../../recipes/lock/mutex.js'
import { RWLock } from '../../recipes/lock/rw-lock.js'
import { Semaphore } from '../../recipes/lock/semaphore.js'
import { Session } from '../../recipes/session/session.js'
import { check, equal, failureOf, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'
import { abortOf, settledOf, until } from './waiting.js'

const NAME = 'locks/one'

async function lineOf(store: Store): Promise<string[]> {
  const line = await new Mutex(store, NAME).line()
  return line.map(({ owner, holds }) => `${owner} ${holds ? 'holds' : 'waits'}`)
}

async function standInLine(store: Store, owner: string): Promise<Promise<Lock>[]> {
  const before = (await lineOf(store)).length
  const waiting = new Mutex(store, NAME).lock({ owner })
  await until(store, async () => (await lineOf(store)).length === before + 1)
  // In an array, or whoever awaits this would wait for the lock.
  return [waiting]
}

/** Whoever takes a lock away: an operator, or the end of its lease. */
const TAKEN_AWAY: Readonly<Record<string, (store: Store, lock: Lock) => Promise<unknown>>> = {
  'its key is deleted': (store, lock) => store.delete(lock.key),
  'its lease is revoked': async (store, lock) => {
    const lease = (await store.get(lock.key))?.lease
    if (lease !== undefined) await store.leases.revoke(lease)
  },
}

export const locks: StoreTests = {
  'a mutex goes to who came first, each with a larger token than all before': async (store) => {
    const first = await new Mutex(store, NAME).lock({ owner: 'first' })
    const [second] = await standInLine(store, 'second')
    const [third] = await standInLine(store, 'third')
    check(second !== undefined && third !== undefined, 'nobody waits')
    const early = [settledOf(second), settledOf(third)]
    equal(await lineOf(store), ['first holds', 'second waits', 'third waits'], 'the line')
    equal([early[0]?.(), early[1]?.()], [false, false], 'who has the lock, too')
    await first.unlock()
    const next = await second
    check(next.token > first.token, `token ${next.token} after ${first.token}`)
    equal(await lineOf(store), ['second holds', 'third waits'], 'the line')
    equal(early[1]?.(), false, 'the third has the lock, too')
    await next.unlock()
    const last = await third
    check(last.token > next.token, `token ${last.token} after ${next.token}`)
    await last.unlock()
    equal(await lineOf(store), [], 'the line afterwards')
  },

  'a mutex that is held is not given to who only tries': async (store) => {
    const lock = await new Mutex(store, NAME).lock({ owner: 'first' })
    equal(await new Mutex(store, NAME).tryLock(), undefined, 'a try')
    equal(await lineOf(store), ['first holds'], 'the line')
    await lock.unlock()
    const tried = await new Mutex(store, NAME).tryLock({ owner: 'second' })
    check(tried !== undefined && tried.token > lock.token, 'a free mutex was not given')
    await tried.unlock()
  },

  'a mutex is no other one, whose name begins with its own': async (store) => {
    const outer = await new Mutex(store, NAME).lock()
    const inner = await new Mutex(store, `${NAME}/inner`).lock()
    await outer.unlock()
    const again = await new Mutex(store, NAME).lock()
    await Promise.all([again.unlock(), inner.unlock()])
  },

  ...Object.fromEntries(
    Object.entries(TAKEN_AWAY).map(([how, takeAway]) => [
      `a lock is lost when ${how}: its signal says so, its guard lets nothing through, and the next one has it`,
      async (store: Store) => {
        const lock = await new Mutex(store, NAME).lock()
        equal(lock.signal.aborted, false, 'the signal of a lock that is held')
        const guarded = lock.guard({ success: [put('done', 'held')], failure: [put('done', 'not')] })
        equal((await store.txn(guarded)).succeeded, true, 'a guarded write while it is held')
        const [waiting] = await standInLine(store, 'next')
        await takeAway(store, lock)
        const late = await store.txn({ compare: [], ...lock.guard({ success: [put('done', 'late')] }) })
        equal(late.succeeded, false, 'a guarded write afterwards')
        const reason = await abortOf(lock.signal)
        check(isStoreError(reason, 'LOCK_LOST'), `the signal aborted with ${String(reason)}`)
        await rejectsWith('LOCK_LOST', () => lock.txn({ success: [put('done', 'later')] }), 'a write of the lock')
        equal((await store.get('done'))?.text(), 'held', 'what was written')
        const next = await waiting
        check(next !== undefined && next.token > lock.token, 'the next one has no larger token')
        const { results } = await next.txn({ success: [get('done')] })
        equal(results.length, 1, 'results of a transaction of the lock')
        await next.unlock()
      },
    ]),
  ),

  'who gives up waiting leaves no place in the line': async (store) => {
    const first = await new Mutex(store, NAME).lock({ owner: 'first' })
    const controller = new AbortController()
    const waiting = new Mutex(store, NAME).lock({ owner: 'gives up', signal: controller.signal })
    const failing = failureOf(() => waiting)
    await until(store, async () => (await lineOf(store)).length === 2)
    const [third] = await standInLine(store, 'third')
    controller.abort(new Error('tired of it'))
    const failure = await failing
    check(isStoreError(failure, 'ABORTED'), `it ended with ${String(failure)}`)
    await until(store, async () => (await lineOf(store)).length === 2)
    equal(await lineOf(store), ['first holds', 'third waits'], 'the line')
    await first.unlock()
    await (await third)?.unlock()
  },

  'a wait for a lock ends with its time, and says so': async (store) => {
    const lock = await new Mutex(store, NAME).lock()
    await rejectsWith('TIMEOUT', () => new Mutex(store, NAME).lock({ timeoutMs: 50 }), 'a lock that stays taken')
    await lock.unlock()
  },

  'the lock is given back when the work is done, and when it fails': async (store) => {
    const mutex = new Mutex(store, NAME)
    const token = await mutex.withLock((lock) => lock.token)
    const error = await failureOf(() =>
      mutex.withLock((lock) => {
        check(lock.token > token, 'the token did not grow')
        throw new Error('the work failed')
      }),
    )
    check(error instanceof Error && error.message === 'the work failed', `it failed with ${String(error)}`)
    await until(store, async () => (await lineOf(store)).length === 0)
  },

  'a mutex object that waits or holds refuses to wait for itself': async (store) => {
    const mutex = new Mutex(store, NAME)
    const lock = await mutex.lock()
    await rejectsWith('LOCK_BUSY', () => mutex.lock(), 'a second lock through the same object')
    await lock.unlock()
    await (await mutex.lock()).unlock()
  },

  'readers share a lock, a writer has it alone, and neither overtakes who came before': async (store) => {
    const lock = (): RWLock => new RWLock(store, NAME)
    const waiters = async (): Promise<number> => (await lock().line()).filter(({ holds }) => !holds).length
    const readers = [await lock().readLock(), await lock().readLock()]
    equal(await lock().tryWriteLock(), undefined, 'a writer beside readers')
    const writing = lock().writeLock()
    await until(store, async () => (await waiters()) === 1)
    const reading = lock().readLock()
    await until(store, async () => (await waiters()) === 2)
    const settled = [settledOf(writing), settledOf(reading)]
    await readers[0]?.unlock()
    equal(await waiters(), 2, 'who waits while a reader reads')
    await readers[1]?.unlock()
    const writer = await writing
    equal(settled[1]?.(), false, 'a reader beside the writer')
    check(writer.token > Math.max(...readers.map(({ token }) => token)), 'the token did not grow')
    await writer.unlock()
    await (await reading).unlock()
  },

  'a semaphore gives so many permits and no more, in the order in which they were asked for': async (store) => {
    const semaphore = (): Semaphore => new Semaphore(store, NAME, { permits: 2 })
    const waiters = async (): Promise<number> => (await semaphore().line()).filter(({ holds }) => !holds).length
    const held = [await semaphore().acquire(), await semaphore().acquire()]
    equal(await semaphore().tryAcquire(), undefined, 'a third permit of two')
    const third = semaphore().acquire()
    await until(store, async () => (await waiters()) === 1)
    const fourth = semaphore().acquire()
    await until(store, async () => (await waiters()) === 2)
    const early = settledOf(fourth)
    await held[1]?.release()
    const next = await third
    equal([early(), await waiters()], [false, 1], 'the fourth of two')
    await held[0]?.release()
    await Promise.all([next.release(), (await fourth).release()])
  },

  'locks that share a session are held one by one, and end with it together': async (store) => {
    const session = await Session.open(store, { ttlMs: 30_000 })
    const one = await new Mutex(store, NAME, { session }).lock()
    const other = await new Mutex(store, 'locks/other', { session }).lock()
    const again = new Mutex(store, 'locks/other', { session }).lock()
    await other.unlock()
    equal(one.signal.aborted, false, 'the other lock')
    const third = await again
    check(third.token > other.token, `token ${third.token} after ${other.token}`)
    await session.close()
    await Promise.all([abortOf(one.signal), abortOf(third.signal)])
    const next = await new Mutex(store, NAME).lock()
    check(next.token > one.token, `token ${next.token} after ${one.token}`)
    await next.unlock()
  },

  'a session keeps its keys until it is closed, and is lost with its lease': async (store) => {
    const session = await Session.open(store, { ttlMs: 30_000 })
    await store.put('here', 'x', { lease: session.lease })
    await session.close()
    equal(await store.get('here'), undefined, 'a key of a session that was closed')
    equal(session.signal.aborted, true, 'the signal of a session that was closed')
    const other = await Session.open(store, { ttlMs: 1 })
    await store.leases.revoke(other.lease)
    const reason = await abortOf(other.signal)
    check(isStoreError(reason, 'LOCK_LOST'), `the signal aborted with ${String(reason)}`)
  },
}
