import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Mutex, RWLock, Session, type Lock, type Store } from 'quorate'
import { decorated, Stage } from './stage.js'

const NAME = 'catalogue'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const lockOf = (store: Store = stage.store): RWLock => new RWLock(store, NAME)

/** Those who hold now, in the order in which they got it; each stands in the line when `enter` returns. */
class Crowd {
  readonly inside: string[] = []
  readonly #locks = new Map<string, Lock>()

  async enter(who: string, acquired: Promise<Lock>): Promise<void> {
    acquired.then(
      (lock) => {
        this.inside.push(who)
        this.#locks.set(who, lock)
      },
      () => undefined,
    )
    await stage.pass(50)
  }

  async leave(who: string): Promise<void> {
    await stage.settle(this.#locks.get(who)!.unlock())
    this.inside.splice(this.inside.indexOf(who), 1)
    await stage.pass(50)
  }
}

describe('a lock of readers and writers', () => {
  it('lets readers in together, a writer alone, and everybody in the order they came', async () => {
    const crowd = new Crowd()
    await crowd.enter('r1', lockOf().readLock())
    await crowd.enter('r2', lockOf().readLock())
    expect(crowd.inside).toEqual(['r1', 'r2'])
    await crowd.enter('w1', lockOf().writeLock())
    // They came after a writer that waits: were they let in, readers could keep it waiting for ever.
    await crowd.enter('r3', lockOf().readLock())
    await crowd.enter('r4', lockOf().readLock())
    await crowd.enter('w2', lockOf().writeLock())
    await crowd.leave('r2')
    expect(crowd.inside).toEqual(['r1'])
    await crowd.leave('r1')
    expect(crowd.inside).toEqual(['w1'])
    await crowd.leave('w1')
    expect(crowd.inside.sort()).toEqual(['r3', 'r4'])
    await crowd.leave('r3')
    await crowd.leave('r4')
    expect(crowd.inside).toEqual(['w2'])
    await crowd.leave('w2')
    expect(await stage.keys()).toEqual([])
  })

  it('lets readers in when the writer before them gives up, and not when another one is before that', async () => {
    const crowd = new Crowd()
    await crowd.enter('r1', lockOf().readLock())
    const one = new AbortController()
    const two = new AbortController()
    await crowd.enter('w1', lockOf().writeLock({ signal: one.signal }))
    await crowd.enter('w2', lockOf().writeLock({ signal: two.signal }))
    await crowd.enter('r2', lockOf().readLock())
    two.abort()
    await stage.pass(50)
    expect(crowd.inside).toEqual(['r1'])
    one.abort()
    await stage.pass(50)
    expect(crowd.inside).toEqual(['r1', 'r2'])
  })

  it('wakes nobody for a reader that leaves but the one who waits for it', async () => {
    const reads: string[] = []
    const told = (who: string): Store =>
      decorated(stage.store, {
        range: (...given) => {
          reads.push(who)
          return stage.store.range(...given)
        },
      })
    const crowd = new Crowd()
    await crowd.enter('r1', lockOf().readLock())
    await crowd.enter('r2', lockOf().readLock())
    for (const who of ['w1', 'w2']) await crowd.enter(who, lockOf(told(who)).writeLock())
    await crowd.enter('r3', lockOf(told('r3')).readLock())
    await crowd.leave('r1')
    expect(reads).toEqual([])
    await crowd.leave('r2')
    expect(reads).toEqual(['w1'])
  })

  it('tries without waiting, and counts a writer that waits', async () => {
    const reader = (await stage.settle(lockOf().tryReadLock()))!
    expect(await stage.settle(lockOf().tryWriteLock())).toBeUndefined()
    const second = (await stage.settle(lockOf().tryReadLock()))!
    const crowd = new Crowd()
    await crowd.enter('w', lockOf().writeLock())
    expect(await stage.settle(lockOf().tryReadLock())).toBeUndefined()
    await stage.settle(reader.unlock())
    await stage.settle(second.unlock())
    await stage.pass(50)
    await crowd.leave('w')
    expect(await stage.settle(lockOf().tryWriteLock())).toBeDefined()
  })

  it('refuses one who reads and wants to write through the same object, which would wait for itself', async () => {
    const lock = lockOf()
    await stage.settle(lock.readLock())
    const error = await stage.failure(lock.writeLock())
    expect(error).toMatchObject({ code: 'LOCK_BUSY' })
    expect(error.message).toBe(
      "'catalogue' is held already through this object, and writeLock() would wait for itself: " +
        'pass on what is held, or make another object for another task',
    )
  })

  it('takes a mutex of the same name for a writer', async () => {
    const crowd = new Crowd()
    await crowd.enter('r1', lockOf().readLock())
    await crowd.enter('mutex', new Mutex(stage.store, NAME).lock())
    await crowd.enter('r2', lockOf().readLock())
    expect(crowd.inside).toEqual(['r1'])
    await crowd.leave('r1')
    expect(crowd.inside).toEqual(['mutex'])
    await crowd.leave('mutex')
    expect(crowd.inside).toEqual(['r2'])
  })

  it('lists who reads, who writes and who waits, and by which keys', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 10_000 }))
    const crowd = new Crowd()
    await crowd.enter('r1', new RWLock(stage.store, NAME, { session }).readLock({ owner: 'web-1' }))
    await crowd.enter('r2', lockOf().readLock({ owner: 'web-2' }))
    await crowd.enter('w1', lockOf().writeLock())
    const line = await stage.settle(lockOf().line())
    expect(line.map(({ owner, mode, holds }) => [owner, mode, holds])).toEqual([
      ['web-1', 'read', true],
      ['web-2', 'read', true],
      [stage.store.status().name, 'write', false],
    ])
    expect(line.map(({ key }) => key)).toEqual([
      `${NAME}/${session.lease.toString(16)}-1-read`,
      `${NAME}/${line[1]!.lease.toString(16)}-read`,
      `${NAME}/${line[2]!.lease.toString(16)}`,
    ])
    expect(line.map(({ token }) => token)).toEqual(line.map(({ token }) => token).sort((a, b) => a - b))
    await stage.settle(stage.store.leases.revoke(line[1]!.lease))
    expect(await stage.settle(lockOf().line())).toHaveLength(2)
  })

  it('runs work with the lock of either kind', async () => {
    expect(await stage.settle(lockOf().withReadLock(async (lock) => lock.token))).toBeGreaterThan(0)
    expect(await stage.settle(lockOf().withWriteLock((lock) => lock.signal.aborted))).toBe(false)
    expect(await stage.keys()).toEqual([])
  })
})
