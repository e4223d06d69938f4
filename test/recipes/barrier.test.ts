import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Barrier, Session, StoreError, type Store } from 'quorate'
import { decorated, Stage, unknownOutcome } from './stage.js'

const NAME = 'migration'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const barrierOf = (store: Store = stage.store): Barrier => new Barrier(store, NAME)
const held = (): Promise<boolean> => stage.settle(barrierOf().held())

/** Somebody who waits; he has looked when this returns. */
async function waiter(store?: Store): Promise<{ passed: () => boolean; end: Promise<void> }> {
  let passed = false
  const end = barrierOf(store)
    .wait()
    .then(() => {
      passed = true
    })
  end.catch(() => undefined)
  await stage.pass(20)
  return { passed: () => passed, end }
}

/** A store of which one transaction is lost: its outcome is unknown, and it takes effect when it is let go. */
function losing(): { store: Store; lose: () => void; late: () => Promise<unknown> } {
  let isNext = false
  let late: (() => Promise<unknown>) | undefined
  const txn: Store['txn'] = async (...given) => {
    if (!isNext) return stage.store.txn(...given)
    isNext = false
    late = () => stage.store.txn(given[0])
    throw unknownOutcome()
  }
  return {
    store: decorated(stage.store, { txn }),
    lose: () => {
      isNext = true
    },
    late: () => stage.settle(late!()),
  }
}

describe('a barrier', () => {
  it('lets everybody pass who comes while nobody holds it', async () => {
    expect(await held()).toBe(false)
    await stage.settle(barrierOf().wait())
  })

  it('keeps everybody waiting until it is released', async () => {
    await stage.settle(barrierOf().hold())
    expect(await held()).toBe(true)
    const waiters = [await waiter(), await waiter()]
    await stage.pass(60_000)
    expect(waiters.map(({ passed }) => passed())).toEqual([false, false])
    await stage.settle(barrierOf().release())
    await stage.pass(20)
    expect(waiters.map(({ passed }) => passed())).toEqual([true, true])
    expect(await held()).toBe(false)
  })

  it('may be held and released by several, and again', async () => {
    await stage.settle(Promise.all([barrierOf().hold(), barrierOf().hold()]))
    await stage.settle(barrierOf().hold())
    await stage.settle(Promise.all([barrierOf().release(), barrierOf().release()]))
    expect(await held()).toBe(false)
    await stage.settle(barrierOf().hold())
    expect(await held()).toBe(true)
    expect(await stage.keys()).toEqual([`${NAME}/gate`, `${NAME}/held/0`])
  })

  it('lets those pass who waited, when it is held again at once', async () => {
    await stage.settle(barrierOf().hold())
    const { passed } = await waiter()
    const barrier = barrierOf()
    await stage.settle(barrier.release().then(() => barrier.hold()))
    await stage.pass(20)
    expect(passed()).toBe(true)
    expect((await waiter()).passed()).toBe(false)
  })

  it.each([
    ['gone', false],
    ['held by somebody else', true],
  ])('lets those pass whose history was compacted, when it is %s by then', async (_, again) => {
    await stage.settle(barrierOf().hold())
    const barrier = barrierOf()
    // What happens between the look of the waiter and its watch.
    const range: Store['range'] = async (...given) => {
      const looked = await stage.store.range(...given)
      if (stage.store.status().compactRevision > 0) return looked
      await barrier.release()
      if (again) await barrier.hold()
      await stage.store.compact(stage.store.status().revision)
      return looked
    }
    const { passed } = await waiter(decorated(stage.store, { range }))
    await stage.pass(20)
    expect(passed()).toBe(true)
    expect(await held()).toBe(again)
  })

  it('falls with the session of its holder', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 5_000 }))
    await stage.settle(barrierOf().hold({ session }))
    const { passed } = await waiter()
    await stage.pass(30_000)
    expect(passed()).toBe(false)
    await stage.settle(session.close())
    await stage.pass(20)
    expect(passed()).toBe(true)
    expect(await stage.failure(barrierOf().hold({ session }))).toMatchObject({ code: 'LOCK_LOST' })
    expect(await held()).toBe(false)
  })

  it('stays held while any session holds it, and without one until it is released', async () => {
    const [one, other] = await stage.settle(
      Promise.all([1, 2].map(() => Session.open(stage.store, { ttlMs: 5_000 }))) as Promise<[Session, Session]>,
    )
    await stage.settle(barrierOf().hold({ session: one }))
    const { passed } = await waiter()
    await stage.settle(barrierOf().hold({ session: other }))
    await stage.settle(one.close())
    await stage.pass(20)
    expect(passed()).toBe(false)
    await stage.settle(barrierOf().hold())
    await stage.settle(other.close())
    await stage.pass(60_000)
    expect(passed()).toBe(false)
    await stage.settle(barrierOf().release())
    await stage.pass(20)
    expect(passed()).toBe(true)
    expect(await stage.keys()).toEqual([])
  })

  it('is held on by whoever joined, for somebody who lost the history of that', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 5_000 }))
    await stage.settle(barrierOf().hold({ session }))
    const range: Store['range'] = async (...given) => {
      const looked = await stage.store.range(...given)
      if (stage.store.status().compactRevision > 0) return looked
      await barrierOf().hold()
      await session.close()
      await stage.store.compact(stage.store.status().revision)
      return looked
    }
    const { passed } = await waiter(decorated(stage.store, { range }))
    await stage.pass(20)
    expect(passed()).toBe(false)
    await stage.settle(barrierOf().release())
    await stage.pass(20)
    expect(passed()).toBe(true)
  })

  it('can be released while the store is full', async () => {
    await stage.settle(barrierOf().hold())
    await stage.settle(stage.store.maintenance.raise({ alarm: 'no-space', memberId: stage.store.status().memberId }))
    await stage.settle(barrierOf().release())
    expect(await held()).toBe(false)
  })

  it('is not held by a session whose lease is gone and that does not know it yet', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 5_000 }))
    await stage.settle(stage.store.leases.revoke(session.lease))
    expect(await stage.failure(barrierOf().hold({ session }))).toMatchObject({ code: 'LOCK_LOST' })
    expect(await held()).toBe(false)
  })

  it('refuses a name or a session that is none', async () => {
    expect(() => new Barrier(stage.store, '')).toThrow(TypeError)
    await expect(barrierOf().hold({ session: 7n as unknown as Session })).rejects.toThrow(
      'session must be what Session.open',
    )
    await expect(barrierOf().wait({ timeoutMs: -1 })).rejects.toThrow(RangeError)
  })
})

describe('waiting at a barrier', () => {
  it('ends by its signal and by its time-out', async () => {
    await stage.settle(barrierOf().hold())
    expect(await stage.failure(barrierOf().wait({ timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    const controller = new AbortController()
    const waiting = barrierOf().wait({ signal: controller.signal })
    await stage.pass(20)
    controller.abort()
    expect(await stage.failure(waiting)).toMatchObject({ code: 'ABORTED' })
  })

  it('goes on after failures that pass, and ends when the store is closed', async () => {
    await stage.settle(barrierOf().hold())
    let failing = true
    const range: Store['range'] = (...given) =>
      failing ? Promise.reject(new StoreError('NO_LEADER', 'no leader')) : stage.store.range(...given)
    const { end, passed } = await waiter(decorated(stage.store, { range }))
    failing = false
    await stage.pass(200)
    expect(passed()).toBe(false)
    await stage.settle(stage.store.close())
    expect(await stage.failure(end)).toMatchObject({ code: 'CLOSED' })
  })
})

describe('an unknown outcome at a barrier', () => {
  it('is found out: what took effect or did not is done once', async () => {
    const { store, lose } = losing()
    lose()
    await stage.settle(barrierOf(store).hold())
    expect(await held()).toBe(true)
    lose()
    await stage.settle(barrierOf(store).release())
    expect(await held()).toBe(false)
  })

  it('of a hold that comes late does not hold what was released meanwhile', async () => {
    const { store, lose, late } = losing()
    const barrier = barrierOf(store)
    lose()
    await stage.settle(barrier.hold())
    await stage.settle(barrier.release())
    await late()
    expect(await held()).toBe(false)
  })

  it('of a hold that was given up is told, and a release makes an end of it', async () => {
    const { store, lose, late } = losing()
    const barrier = barrierOf(store)
    await stage.settle(barrier.hold().then(() => barrier.release()))
    for (const release of [false, true]) {
      lose()
      expect(await stage.failure(barrier.hold({ timeoutMs: 50 }))).toMatchObject({
        code: 'TIMEOUT',
        outcome: 'unknown',
      })
      if (release) await stage.settle(barrier.release())
      await late()
    }
    expect(await held()).toBe(false)
  })

  it('is none of a call that was given up before anything was sent', async () => {
    expect(await stage.failure(barrierOf().hold({ signal: AbortSignal.abort() }))).toMatchObject({ outcome: 'refused' })
    expect(await stage.failure(barrierOf().release({ timeoutMs: 0 }))).toMatchObject({ outcome: 'refused' })
  })

  it('of a release that comes late does not release what is held again', async () => {
    const { store, lose, late } = losing()
    const barrier = barrierOf(store)
    await stage.settle(barrier.hold())
    lose()
    await stage.settle(barrier.release())
    await stage.settle(barrier.hold())
    await late()
    expect(await held()).toBe(true)
  })
})
