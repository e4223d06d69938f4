import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isStoreError, Session, StoreError, type Store } from 'quorate'
import { codeOf } from '../code-of.js'
import { SimWorld } from '../../src/testing/sim/world.js'
import { decorated, Process, Stage } from './stage.js'

const TTL_MS = 10_000

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

/** Opens a session and puts one key under its lease. */
async function opened(store: Store): Promise<Session> {
  const session = await stage.settle(Session.open(store, { ttlMs: TTL_MS }))
  await stage.settle(stage.store.put('alive', 'yes', { lease: session.lease }))
  return session
}

/** When the signal aborts and when the key goes, in simulated time. */
async function endOf(session: Session): Promise<{ abortedMs: number; goneMs: number; reason: StoreError }> {
  let abortedMs = NaN
  let goneMs = NaN
  session.signal.addEventListener('abort', () => (abortedMs = stage.nowMs))
  const gone = async (): Promise<void> => {
    for await (const event of stage.store.watch('alive')) {
      if (event.type === 'delete') break
    }
    goneMs = stage.nowMs
  }
  await stage.settle(gone())
  return { abortedMs, goneMs, reason: session.signal.reason as StoreError }
}

describe('a session', () => {
  it('keeps its lease alive until it is closed, and takes its keys along', async () => {
    const session = await opened(stage.store)
    await stage.pass(100 * TTL_MS)
    expect(session.signal.aborted).toBe(false)
    expect(await stage.text('alive')).toBe('yes')

    await stage.settle(session.close())
    expect(await stage.text('alive')).toBeUndefined()
    expect(session.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    await stage.settle(session.close())
    await stage.settle(session[Symbol.asyncDispose]())
  })

  it('aborts its signal before it asks for the end of the lease', async () => {
    let abortedFirst: boolean | undefined
    const store = decorated(stage.store, {
      leases: {
        revoke: (id) => {
          abortedFirst = session.signal.aborted
          return stage.store.leases.revoke(id)
        },
      },
    })
    const session = await opened(store)
    await stage.settle(session.close())
    expect(abortedFirst).toBe(true)
  })

  it('can be closed again when closing failed', async () => {
    let failures = 1
    const store = decorated(stage.store, {
      leases: {
        revoke: async (id) => {
          if (failures-- > 0) throw new StoreError('NO_LEADER', 'no leader')
          return stage.store.leases.revoke(id)
        },
      },
    })
    const session = await opened(store)
    expect(await stage.failure(session.close())).toMatchObject({ code: 'NO_LEADER' })
    expect(await stage.text('alive')).toBe('yes')
    await stage.settle(session.close())
    expect(await stage.text('alive')).toBeUndefined()
  })

  it('survives renewals that fail, as long as one succeeds in time', async () => {
    let renewals = 0
    const store = decorated(stage.store, {
      leases: {
        keepAlive: async (id, call) => {
          if (renewals++ % 4 !== 3) throw new StoreError('NO_LEADER', 'no leader')
          return stage.store.leases.keepAlive(id, call)
        },
      },
    })
    const session = await opened(store)
    await stage.pass(20 * TTL_MS)
    expect(session.signal.aborted).toBe(false)
    expect(renewals).toBeGreaterThan(20)
  })

  it('ends before its lease when renewals fail, counted from when the last confirmed one was sent', async () => {
    let lastSentMs = 0
    let healthy = true
    const trouble = new StoreError('NO_LEADER', 'no leader')
    const store = decorated(stage.store, {
      leases: {
        keepAlive: async (id, call) => {
          if (!healthy) throw trouble
          healthy = false
          lastSentMs = stage.nowMs
          const lease = await stage.store.leases.keepAlive(id, call)
          // The way back takes a second: it counts against the session, not for it.
          await new Promise<void>((resolve) => stage.environment.timers.after(1000, resolve))
          return lease
        },
      },
    })
    const session = await opened(store)
    const { abortedMs, goneMs, reason } = await endOf(session)
    expect(abortedMs).toBeCloseTo(lastSentMs + 0.8 * TTL_MS)
    expect(goneMs).toBeGreaterThanOrEqual(lastSentMs + TTL_MS)
    expect(reason).toMatchObject({ name: 'StoreError', code: 'LOCK_LOST', cause: trouble })
  })

  it('ends before its lease when renewals are not answered at all', async () => {
    const sentMs: number[] = []
    const store = decorated(stage.store, {
      leases: {
        keepAlive: (_, { timeoutMs = 0 } = {}) => {
          sentMs.push(stage.nowMs)
          return new Promise((_, reject) => {
            stage.environment.timers.after(timeoutMs, () => reject(new StoreError('TIMEOUT', 'too late')))
          })
        },
      },
    })
    const startMs = stage.nowMs
    const session = await opened(store)
    const { abortedMs, goneMs } = await endOf(session)
    expect(abortedMs).toBeCloseTo(startMs + 0.8 * TTL_MS)
    expect(abortedMs).toBeLessThan(goneMs)
    expect(sentMs.length).toBeGreaterThanOrEqual(3)
  })

  it('ends at the next renewal when its lease was revoked by somebody else', async () => {
    const session = await opened(stage.store)
    const { lease } = session
    await stage.settle(stage.store.leases.revoke(lease))
    await stage.pass(TTL_MS / 3 + 100)
    expect(session.signal.aborted).toBe(true)
    expect(session.signal.reason).toMatchObject({ code: 'LOCK_LOST', cause: { code: 'LEASE_NOT_FOUND' } })
    await stage.settle(session.close())
  })

  it('ends at once when the store was closed, and leaves no timer', async () => {
    const session = await opened(stage.store)
    await stage.settle(stage.store.close())
    await stage.pass(1)
    expect(session.signal.reason).toMatchObject({ code: 'LOCK_LOST', cause: { code: 'CLOSED' } })
    expect(await stage.failure(session.close())).toMatchObject({ code: 'CLOSED' })
  })

  it('ends at once when the store fails', async () => {
    let fail: (error: Error) => void = () => undefined
    const on = ((event: string, listener: (error: Error) => void) => {
      if (event === 'failed') fail = listener
      return () => undefined
    }) as Store['on']
    const session = await opened(decorated(stage.store, { on }))
    const error = new Error('the disk is full')
    fail(error)
    expect(session.signal.reason).toMatchObject({ code: 'LOCK_LOST', cause: error })
  })

  it('is refused when the grant took longer than the lease can be relied upon', async () => {
    const store = decorated(stage.store, {
      leases: {
        grant: async (options) => {
          const lease = await stage.store.leases.grant(options)
          await new Promise<void>((resolve) => stage.environment.timers.after(0.9 * TTL_MS, resolve))
          return lease
        },
      },
    })
    const opening = Session.open(store, { ttlMs: TTL_MS })
    expect(await stage.failure(opening)).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('takes a positive TTL only', async () => {
    await expect(Session.open(stage.store, { ttlMs: 0 })).rejects.toThrow(RangeError)
    await expect(Session.open(stage.store, { ttlMs: NaN })).rejects.toThrow(RangeError)
  })
})

describe('a session in a process that was stopped', () => {
  it.each<[string, (signal: AbortSignal) => boolean]>([
    ['whether it is aborted', (signal) => signal.aborted],
    ['why it is', (signal) => isStoreError(signal.reason, 'LOCK_LOST')],
    ['to throw if it is', (signal) => codeOf(() => signal.throwIfAborted()) === 'LOCK_LOST'],
  ])(
    'has ended as soon as somebody asks its signal, passed on long ago, %s, before any timer had a chance',
    async (_, ask) => {
      const process = new Process(stage)
      const { signal } = await opened(process.store)
      let told = false
      signal.addEventListener('abort', () => (told = true))
      process.stop()
      await stage.pass(3 * TTL_MS)
      expect(await stage.text('alive')).toBeUndefined()
      expect(told).toBe(false)
      process.continue()
      expect(ask(signal)).toBe(true)
      expect(told).toBe(true)
    },
  )

  it.each([
    ['when its lease has ended', 3 * TTL_MS],
    ['even when its lease lives on', 0.9 * TTL_MS],
  ])('does not trust a renewal that was answered before the stop, %s', async (_, untilMs) => {
    const process = new Process(stage)
    let renewals = 0
    const { keepAlive } = process.store.leases
    const store = decorated(process.store, {
      leases: {
        keepAlive: (...given) => {
          renewals++
          const answer = keepAlive(...given)
          // The stop comes when the question has left and the answer has not arrived.
          process.stop()
          return answer
        },
      },
    })
    const endMs = stage.nowMs + untilMs
    const { signal } = await opened(store)
    let told = false
    signal.addEventListener('abort', () => (told = true))
    await stage.pass(endMs - stage.nowMs)
    expect(renewals).toBe(1)
    expect(told).toBe(false)

    process.continue()
    await stage.pass(0)
    expect(signal.reason).toMatchObject({ code: 'LOCK_LOST' })
    expect(renewals).toBe(1)
  })
})

describe('a session on a member of three', () => {
  it.each(['leader', 'follower'])('ends before its lease when it is cut off with a %s', async (role) => {
    const world = new SimWorld({ seed: 7 })
    const settle = async <T>(promise: Promise<T>): Promise<T> => {
      let settled = false
      void promise.finally(() => (settled = true)).catch(() => undefined)
      expect(await world.run(() => settled, 60_000)).toBe(true)
      return promise
    }
    for (const place of world.places) world.start(place)
    expect(await world.run(() => world.places.every(({ store }) => store !== undefined), 10_000)).toBe(true)
    const stores = world.places.map(({ store }) => store as Store)
    await settle(Promise.all(stores.map((store) => store.ready())))
    const cutOff = stores.find((store) => (store.status().role === 'leader') === (role === 'leader')) as Store
    const other = stores.find((store) => store !== cutOff) as Store

    const session = await settle(Session.open(cutOff, { ttlMs: 5_000 }))
    await settle(other.put('alive', 'yes', { lease: session.lease }))
    await world.run(() => false, 20_000)
    expect(session.signal.aborted).toBe(false)

    const cutMs = world.nowMs
    const { name } = cutOff.status()
    world.network.partition([[name], world.places.map((place) => place.name).filter((each) => each !== name)])
    let abortedMs = NaN
    session.signal.addEventListener('abort', () => (abortedMs = world.nowMs))
    const gone = async (): Promise<number> => {
      for await (const event of other.watch('alive')) if (event.type === 'delete') break
      return world.nowMs
    }
    const goneMs = await settle(gone())
    expect(abortedMs).toBeGreaterThan(cutMs)
    expect(abortedMs).toBeLessThan(cutMs + 5_000)
    expect(abortedMs).toBeLessThan(goneMs)
  })
})
