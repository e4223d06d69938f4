import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Semaphore, Session, type Permit, type Store } from 'quorate'
import { decorated, Stage } from './stage.js'

const NAME = 'exports'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const semaphoreOf = (permits = 2, store: Store = stage.store): Semaphore => new Semaphore(store, NAME, { permits })

interface Waiting {
  readonly permit: Promise<Permit>
  readonly got: () => boolean
}

async function waiting(semaphore = semaphoreOf(), options: { readonly signal?: AbortSignal } = {}): Promise<Waiting> {
  let got = false
  const permit = semaphore.acquire(options)
  permit.then(
    () => (got = true),
    () => undefined,
  )
  await stage.pass(50)
  return { permit, got: () => got }
}

async function crowd(count: number): Promise<Waiting[]> {
  const all: Waiting[] = []
  for (let number = 0; number < count; number++) all.push(await waiting())
  return all
}

const inside = (all: readonly Waiting[]): number[] => all.flatMap(({ got }, number) => (got() ? [number] : []))

async function leave({ permit }: Waiting): Promise<void> {
  await stage.settle((await permit).release())
  await stage.pass(50)
}

describe('a semaphore', () => {
  it('lets so many in at a time, in the order they came', async () => {
    const all = await crowd(5)
    expect(inside(all)).toEqual([0, 1])
    // Whoever goes: the next one in the line gets in, and not who waits for that place.
    await leave(all[1]!)
    expect(inside(all)).toEqual([0, 1, 2])
    await leave(all[2]!)
    expect(inside(all)).toEqual([0, 1, 2, 3])
    await leave(all[0]!)
    expect(inside(all)).toEqual([0, 1, 2, 3, 4])
    await leave(all[3]!)
    await leave(all[4]!)
    expect(await stage.keys()).toEqual([])
  })

  it('counts those who give up waiting, wherever they stood', async () => {
    const controller = new AbortController()
    const holders = await crowd(2)
    const first = await waiting(semaphoreOf(), { signal: controller.signal })
    const last = await waiting()
    controller.abort()
    expect(await stage.failure(first.permit)).toMatchObject({ code: 'ABORTED' })
    await stage.pass(50)
    expect(last.got()).toBe(false)
    await leave(holders[0]!)
    expect(last.got()).toBe(true)
  })

  it('makes one read for each permit that comes free, however many wait', async () => {
    let reads = 0
    const range: Store['range'] = (...given) => {
      reads++
      return stage.store.range(...given)
    }
    const holders = await crowd(2)
    const waiters: Waiting[] = []
    for (let number = 0; number < 6; number++) {
      waiters.push(await waiting(semaphoreOf(2, decorated(stage.store, { range }))))
    }
    expect(reads).toBe(0)
    await leave(holders[0]!)
    expect([reads, inside(waiters)]).toEqual([1, [0]])
    await leave(holders[1]!)
    expect([reads, inside(waiters)]).toEqual([2, [0, 1]])
  })

  it('goes on when the history in which a holder went was forgotten', async () => {
    const [holder] = await crowd(2)
    let compacted = false
    const txn: Store['txn'] = async (...given) => {
      const entered = await stage.store.txn(...given)
      await (await holder!.permit).release()
      const { revision } = await stage.store.put('other', 'thing')
      await stage.store.compact(revision)
      compacted = true
      return entered
    }
    const next = await waiting(semaphoreOf(2, decorated(stage.store, { txn })))
    expect([compacted, next.got()]).toEqual([true, true])
  })

  it('takes a key that is taken off its lease for one who went', async () => {
    const [first] = await crowd(2)
    const last = await waiting()
    const { key } = await first!.permit
    await stage.settle(stage.store.put(key, 'now for good'))
    await stage.pass(50)
    expect(last.got()).toBe(true)
    expect((await first!.permit).signal.aborted).toBe(true)
  })

  it('serves many tasks through one object, and on one session', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 10_000 }))
    const semaphore = new Semaphore(stage.store, NAME, { permits: 2, session })
    let now = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++now)
      await new Promise<void>((resolve) => stage.environment.timers.after(100, resolve))
      now--
    }
    await stage.settle(Promise.all(Array.from({ length: 6 }, () => semaphore.withPermit(work))))
    expect(most).toBe(2)
    expect(await stage.keys()).toEqual([])
    expect(await stage.settle(stage.store.leases.list())).toEqual([session.lease])
  })

  it('tries without waiting', async () => {
    const permit = (await stage.settle(semaphoreOf(1).tryAcquire()))!
    expect(await stage.settle(semaphoreOf(1).tryAcquire())).toBeUndefined()
    await stage.settle(permit.release())
    expect(await stage.settle(semaphoreOf(1).tryAcquire())).toBeDefined()
  })

  it('lists who holds a permit and who waits for one', async () => {
    const all = await crowd(3)
    const line = await stage.settle(semaphoreOf().line())
    expect(line.map(({ holds }) => holds)).toEqual([true, true, false])
    expect(line[0]).toEqual({
      owner: stage.store.status().name,
      holds: true,
      token: (await all[0]!.permit).token,
      key: (await all[0]!.permit).key,
      lease: line[0]!.lease,
    })
  })

  it('refuses permits that make no sense', () => {
    expect(() => new Semaphore(stage.store, NAME, undefined as never)).toThrow(TypeError)
    expect(() => new Semaphore(stage.store, NAME, { permits: '3' as never })).toThrow(TypeError)
    expect(() => semaphoreOf(0)).toThrow(RangeError)
    expect(() => new Semaphore(stage.store, '', { permits: 1 })).toThrow(TypeError)
  })
})
