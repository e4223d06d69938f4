import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { LIMITS, Registry, StoreError, type InstanceChange, type Registration, type Store } from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const NAME = 'services/web'
const TTL_MS = 10_000

interface Metadata {
  readonly version: string
}

let stage: Stage
let store: Store

beforeEach(async () => {
  stage = await Stage.open()
  store = stage.store
})
afterEach(() => stage.settle(store.close()))

const registryOf = (over: Store = store): Registry<Metadata> => new Registry<Metadata>(over, NAME)

const described = (id: string, version = '1') => ({ id, address: `http://${id}`, metadata: { version } })

const registered = (id: string, over?: Store): Promise<Registration<Metadata>> =>
  stage.settle(registryOf(over).register(described(id), { ttlMs: TTL_MS }))

async function found(): Promise<string> {
  const instances = await stage.settle(registryOf().instances())
  return instances.map(({ id, address, metadata }) => `${id} ${address} ${metadata.version}`).join(', ')
}

/** The store, which keeps the transaction back that is made after `holdNext()`: its answer is lost, and `late()` makes it. */
function withLateWrite(): { over: Store; holdNext: () => void; late: () => Promise<unknown> } {
  let hold = false
  let late: (() => Promise<unknown>) | undefined
  const over = decorated(store, {
    txn: (async (...given: Parameters<Store['txn']>) => {
      if (!hold) return store.txn(...given)
      hold = false
      late = () => store.txn(given[0])
      throw unknownOutcome()
    }) as Store['txn'],
  })
  return { over, holdNext: () => void (hold = true), late: () => late!() }
}

describe('a registered instance', () => {
  it('is found until it is closed, with what it says of itself', async () => {
    const a = await registered('a')
    const b = await registered('b')
    expect(await found()).toBe('a http://a 1, b http://b 1')
    expect(await stage.text(`${NAME}/a`)).toBe('{"address":"http://a","metadata":{"version":"1"}}')
    await stage.pass(10 * TTL_MS)
    expect([a.registered, a.signal.aborted, a.trouble, a.key]).toEqual([true, false, undefined, `${NAME}/a`])

    await stage.settle(a.close())
    expect(await found()).toBe('b http://b 1')
    expect([a.registered, a.signal.reason]).toMatchObject([false, { code: 'CLOSED' }])
    await stage.settle(a.close())
    await stage.settle(b[Symbol.asyncDispose]())
    expect(await stage.keys()).toEqual([])
  })

  it('is gone within its TTL when its process dies', async () => {
    const process = new Process(stage)
    await registered('a', process.store)
    process.stop()
    await stage.pass(0.9 * TTL_MS)
    expect(await found()).toBe('a http://a 1')
    await stage.pass(0.6 * TTL_MS)
    expect(await found()).toBe('')
  })

  it('comes back by itself when its process was stopped for longer than its TTL', async () => {
    const process = new Process(stage)
    const a = await registered('a', process.store)
    process.stop()
    await stage.pass(3 * TTL_MS)
    expect(await found()).toBe('')
    process.continue()
    expect(a.registered).toBe(false)
    await stage.pass(1_000)
    expect(a.registered).toBe(true)
    expect(await found()).toBe('a http://a 1')
    await stage.settle(a.close())
  })

  it('comes back by itself when somebody revokes its lease or deletes its key', async () => {
    const a = await registered('a')
    await stage.settle(store.delete(a.key))
    await stage.pass(100)
    expect(await found()).toBe('a http://a 1')
    const lease = (await stage.settle(store.get(a.key)))?.lease as bigint
    await stage.settle(store.leases.revoke(lease))
    await stage.pass(TTL_MS)
    expect(await found()).toBe('a http://a 1')
    await stage.settle(a.close())
    expect(await stage.settle(store.leases.list())).toEqual([])
  })

  it('changes what it says of itself, and keeps that when it comes back', async () => {
    const a = await registered('a')
    await stage.settle(a.update({ metadata: { version: '2' } }))
    expect(await found()).toBe('a http://a 2')
    const updates = [a.update({ address: 'http://b' }), a.update({ metadata: { version: '3' } })]
    await stage.settle(Promise.all(updates))
    expect(await found()).toBe('a http://b 3')
    await stage.settle(store.delete(a.key))
    await stage.settle(a.update({ metadata: { version: '4' } }))
    expect(await found()).toBe('a http://b 4')
    await stage.settle(a.close())
    expect(await stage.failure(a.update({ address: 'x' }))).toMatchObject({ code: 'CLOSED' })
  })

  it('is over when the store is closed', async () => {
    const a = await registered('a')
    await stage.settle(store.close())
    await stage.pass(TTL_MS)
    expect([a.registered, a.signal.reason]).toMatchObject([false, { code: 'CLOSED' }])
    expect(await stage.failure(a.close())).toMatchObject({ code: 'CLOSED' })
  })
})

describe('an id that somebody else has', () => {
  it('is waited for: a process that died and came back is registered within the TTL', async () => {
    const process = new Process(stage)
    await registered('a', process.store)
    process.stop()
    const startMs = stage.nowMs
    const again = await registered('a')
    expect(stage.nowMs - startMs).toBeLessThan(1.5 * TTL_MS)
    process.continue()
    await stage.pass(3 * TTL_MS)
    expect(again.registered).toBe(true)
    await stage.settle(again.close())
    // The old one waited for it in turn.
    await stage.pass(1_000)
    expect(await found()).toBe('a http://a 1')
  })

  it('is told when waiting is given up, and nothing is left behind', async () => {
    const a = await registered('a')
    const refused = await stage.failure(registryOf().register(described('a', '2'), { timeoutMs: 500 }))
    expect(refused).toMatchObject({ code: 'TIMEOUT' })
    expect(refused.message).toMatch(/'services\/web\/a' is registered by somebody else/)
    const signal = AbortSignal.abort()
    expect(await stage.failure(registryOf().register(described('a'), { signal }))).toMatchObject({ code: 'ABORTED' })
    await stage.pass(100)
    expect(await stage.settle(store.leases.list())).toHaveLength(1)
    await stage.settle(a.close())
    await stage.pass(1_000)
    expect(await found()).toBe('')
  })
})

describe('registering when answers are lost', () => {
  it('takes an own put of unknown outcome for what it is', async () => {
    let losses = 2
    const over = decorated(store, {
      txn: (async (...given: Parameters<Store['txn']>) => {
        const result = await store.txn(...given)
        if (losses-- > 0) throw unknownOutcome()
        return result
      }) as Store['txn'],
    })
    const a = await registered('a', over)
    losses = 1
    await stage.settle(a.update({ metadata: { version: '2' } }))
    expect(await found()).toBe('a http://a 2')
    await stage.settle(a.close())
  })

  it('does not let a put that comes late bring it back after it was closed', async () => {
    const { over, holdNext, late } = withLateWrite()
    holdNext()
    const a = await registered('a', over)
    await stage.settle(a.close())
    expect(await stage.failure(late())).toMatchObject({ code: 'LEASE_NOT_FOUND' })
    expect(await found()).toBe('')
  })

  it('does not let a change that comes late undo a later one', async () => {
    const { over, holdNext, late } = withLateWrite()
    const a = await registered('a', over)
    holdNext()
    const first = a.update({ metadata: { version: 'old' } })
    const second = a.update({ metadata: { version: 'new' } })
    await stage.settle(Promise.all([first, second]))
    await stage.settle(late())
    expect(await found()).toBe('a http://a new')
    await stage.settle(a.close())
  })

  it.each([
    ['a refusal', new StoreError('PERMISSION_DENIED', 'not yours')],
    ['a bug', new Error('a bug')],
  ])('rejects with what cannot pass: %s', async (_, error) => {
    const over = decorated(store, { txn: () => Promise.reject(error) })
    const refused = registryOf(over).register(described('a'))
    expect(await stage.settle(refused.catch((reason: unknown) => reason))).toBe(error)
    await stage.pass(100)
    expect(await stage.settle(store.leases.list())).toEqual([])
  })
})

describe('a change that the store refuses', () => {
  const noSpace = new StoreError('NO_SPACE', 'no space')
  /** Answers every transaction with what comes next, and does it where that is undefined. */
  const answering = (answers: (StoreError | undefined)[]): Store =>
    decorated(store, {
      txn: ((...given: Parameters<Store['txn']>) => {
        const answer = answers.shift()
        return answer === undefined ? store.txn(...given) : Promise.reject(answer)
      }) as Store['txn'],
    })

  it.each(['NO_SPACE', 'PREFIX_QUOTA_EXCEEDED', 'PERMISSION_DENIED'] as const)(
    'is told at once, and the instance stays as it was: %s',
    async (code) => {
      const answers: StoreError[] = []
      const a = await registered('a', answering(answers))
      const createRevision = (await stage.settle(store.get(a.key)))?.createRevision
      answers.push(new StoreError(code, 'refused'))
      const startMs = stage.nowMs
      const changes = [a.update({ metadata: { version: '2' } }), a.update({ address: 'http://b' })]
      const refused = { status: 'rejected', reason: { code, outcome: 'refused' } }
      expect(await stage.settle(Promise.allSettled(changes))).toMatchObject([refused, refused])
      expect(stage.nowMs - startMs).toBeLessThan(100)

      await stage.pass(3 * TTL_MS)
      expect([a.registered, await found()]).toEqual([true, 'a http://a 1'])
      expect((await stage.settle(store.get(a.key)))?.createRevision).toBe(createRevision)
      // What was refused is in no later change either.
      await stage.settle(a.update({ address: 'http://c' }))
      expect(await found()).toBe('a http://c 1')
      await stage.settle(a.close())
    },
  )

  it('undoes none that was stored before, and is in doubt where a try of it may come late', async () => {
    const answers: (StoreError | undefined)[] = []
    const a = await registered('a', answering(answers))
    answers.push(undefined, noSpace)
    const stored = a.update({ metadata: { version: '2' } })
    await stage.pass(0)
    const refused = a.update({ metadata: { version: '3' } })
    expect(await stage.settle(Promise.allSettled([stored, refused]))).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'NO_SPACE', outcome: 'refused' } },
    ])
    expect(await found()).toBe('a http://a 2')
    answers.push(unknownOutcome(), noSpace)
    const doubtful = await stage.failure(a.update({ metadata: { version: '4' } }))
    expect(doubtful).toMatchObject({ code: 'NO_SPACE', outcome: 'unknown' })
    await stage.settle(a.close())
  })

  it('keeps nobody from registering again, and is told where it was to be part of that', async () => {
    let tooLong = false
    const over = decorated(store, {
      txn: (async (...given: Parameters<Store['txn']>) => {
        const [operation] = given[0].success ?? []
        const isLong = operation?.type === 'put' && String(operation.value).includes('long')
        if (tooLong && isLong) throw new StoreError('PREFIX_QUOTA_EXCEEDED', 'over its quota')
        return store.txn(...given)
      }) as Store['txn'],
    })
    const a = await registered('a', over)
    const { lease } = (await stage.settle(store.get(a.key)))!
    tooLong = true
    await stage.settle(store.leases.revoke(lease!))
    const refused = await stage.failure(a.update({ metadata: { version: 'long' } }))
    expect(refused).toMatchObject({ code: 'PREFIX_QUOTA_EXCEEDED', outcome: 'refused' })
    await stage.pass(5_000)
    expect([a.registered, await found()]).toEqual([true, 'a http://a 1'])
    await stage.settle(a.close())
  })

  it('is in doubt when waiting for it is given up: it is stored as soon as that is possible', async () => {
    let hold = false
    const over = decorated(store, {
      txn: ((...given: Parameters<Store['txn']>) =>
        hold ? Promise.reject(new StoreError('NO_LEADER', 'no leader')) : store.txn(...given)) as Store['txn'],
    })
    const a = await registered('a', over)
    hold = true
    const given = await stage.failure(a.update({ metadata: { version: '2' } }, { timeoutMs: 500 }))
    expect(given).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    const early = await stage.failure(a.update({ metadata: { version: '3' } }, { signal: AbortSignal.abort() }))
    expect(early).toMatchObject({ code: 'ABORTED', outcome: 'refused' })
    hold = false
    await stage.pass(1_000)
    expect(await found()).toBe('a http://a 2')
    await stage.settle(a.close())
  })

  it('leaves an instance registered that its process may not watch any more', async () => {
    const over = decorated(store, {
      watch: () => {
        throw new StoreError('PERMISSION_DENIED', 'not yours')
      },
    })
    const a = await registered('a', over)
    await stage.pass(3 * TTL_MS)
    expect([a.registered, await found()]).toEqual([true, 'a http://a 1'])
    await stage.settle(a.close())
  })
})

describe('a live set', () => {
  it('shows those that live, in the order of their ids, and tells who comes and goes', async () => {
    const b = await registered('b')
    const live = await stage.settle(registryOf().open())
    const changes: string[] = []
    const loop = (async () => {
      for await (const change of live.changes()) {
        expectTypeOf(change).toEqualTypeOf<InstanceChange<Metadata>>()
        if (change.type === 'left') changes.push(`left ${change.previous.id}`)
        else changes.push(`${change.type} ${change.instance.id} ${change.instance.metadata.version}`)
      }
    })()
    const a = await registered('a')
    await stage.settle(a.update({ metadata: { version: '2' } }))
    await stage.pass(10)
    expect(live.instances.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(live.instances).toBe(live.instances)
    expect(live.get('a')).toMatchObject({ address: 'http://a', metadata: { version: '2' } })
    await stage.settle(b.close())
    await stage.pass(10)
    expect(live.instances.map(({ id }) => id)).toEqual(['a'])
    expect(live.staleMs).toBeLessThan(2_000)
    expect(live.trouble).toBeUndefined()
    await stage.settle(live.includes(live.revision))
    await stage.settle(live[Symbol.asyncDispose]())
    await stage.settle(loop)
    expect(changes).toEqual(['joined a 1', 'updated a 2', 'left b'])
    await stage.settle(a.close())
  })

  it('shows no instance of a registry below it, and nothing that is none', async () => {
    const admin = await stage.settle(new Registry(store, `${NAME}/admin`).register({ id: 'x', address: 'y' }))
    await stage.settle(store.put(`${NAME}/note`, 'not an instance'))
    const a = await registered('a')
    const live = await stage.settle(registryOf().open())
    expect(live.instances.map(({ id }) => id)).toEqual(['a'])
    expect(live.failures.map(({ key }) => key)).toEqual([`${NAME}/note`])
    expect(await found()).toBe('a http://a 1')
    const without = await stage.settle(new Registry(store, `${NAME}/admin`).instances())
    expect(without).toMatchObject([{ id: 'x', address: 'y', metadata: undefined }])
    await stage.settle(Promise.all([live.close(), a.close(), admin.close()]))
  })
})

describe('registering', () => {
  it('refuses what cannot be right, and says what would be', async () => {
    const register = (instance: object, options?: object): Promise<unknown> =>
      registryOf().register(instance as never, options)
    await expect(register({ id: 'a/b', address: 'x' })).rejects.toThrow(/id must have no slash/)
    await expect(register({ id: '', address: 'x' })).rejects.toThrow(
      "id must be a string of at least one character, not ''",
    )
    for (const metadata of [NaN, new Map(), Promise.resolve(), () => 1, { deep: [1n] }]) {
      await expect(register({ id: 'a', address: 'x', metadata })).rejects.toThrow(
        /metadata must be what JSON can hold, not/,
      )
    }
    await expect(register({ id: 'x'.repeat(LIMITS.instanceIdBytesMax + 1), address: 'x' })).rejects.toThrow(RangeError)
    await expect(register({ id: 'a' })).rejects.toThrow(/address must be a string/)
    await expect(register({ id: 'a', adress: 'x' })).rejects.toThrow(/did you mean address/)
    await expect(register({ id: 'a', address: 'x' }, { ttl: 1 })).rejects.toThrow(/did you mean ttlMs/)
    await expect(register({ id: 'a', address: 'x' }, { ttlMs: 0 })).rejects.toThrow(RangeError)
    const metadata = 'x'.repeat(LIMITS.registrationBytesMax)
    await expect(register({ id: 'a', address: 'x', metadata })).rejects.toThrow(/store the rest under a key of its own/)
    await expect(register(undefined as never)).rejects.toThrow(/at least an `id` and an `address`/)
    expect(() => new Registry(store, '')).toThrow(TypeError)
  })
})
