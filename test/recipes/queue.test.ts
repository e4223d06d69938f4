import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  compare,
  Counter,
  put,
  Queue,
  Session,
  stm,
  type Operation,
  type QueueItem,
  StoreError,
  type Store,
  type Transaction,
} from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const TTL_MS = 10_000

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const queueOf = (store: Store = stage.store): Queue => new Queue(store, 'mails')

async function filled(...values: string[]): Promise<Queue> {
  const queue = queueOf()
  for (const value of values) await stage.settle(queue.add(value))
  return queue
}

/** An item that is waited for; whether it has come. */
function waiting(queue = queueOf()): { readonly item: Promise<QueueItem>; readonly got: () => QueueItem | undefined } {
  let got: QueueItem | undefined
  const item = queue.take()
  item.then(
    (taken) => (got = taken),
    () => undefined,
  )
  return { item, got: () => got }
}

describe('a queue', () => {
  it('hands out items in the order in which they were added', async () => {
    const queue = await filled('a', 'b', 'c')
    expect(await stage.settle(queue.length())).toBe(3)
    const taken: string[] = []
    for (let each = 0; each < 3; each++) {
      const item = await stage.settle(queue.take())
      taken.push(item.text())
      await stage.settle(item.done())
    }
    expect(taken).toEqual(['a', 'b', 'c'])
    expect(await stage.settle(queue.length())).toBe(0)
    await stage.pass(100)
    expect(await stage.keys()).toEqual(['mails/by', 'mails/tail'])
    expect(await stage.settle(stage.store.leases.list())).toEqual([])
  })

  it('adds what one object adds at once in the order of the calls', async () => {
    const queue = queueOf()
    await stage.settle(Promise.all(Array.from({ length: 10 }, (_, at) => queue.add(`${at}`))))
    const items = await stage.settle(Promise.all(Array.from({ length: 10 }, () => queue.take())))
    const inOrder = [...items].sort((a, b) => (a.key < b.key ? -1 : 1))
    expect(inOrder.map((item) => item.text())).toEqual(Array.from({ length: 10 }, (_, at) => `${at}`))
  })

  it('adds in the order of the calls, also where one of them gave up', async () => {
    let slow = true
    let commits = 0
    const txn = (async (transaction, options) => {
      const result = await stage.store.txn(transaction, options)
      if (++commits > 1 && slow) await new Promise<void>((resolve) => stage.environment.timers.after(1_000, resolve))
      return result
    }) as Store['txn']
    const queue = queueOf(decorated(stage.store, { txn }))
    const first = queue.add('a')
    const givenUp = stage.failure(queue.add('b', { timeoutMs: 1 }))
    const third = queue.add('c')
    expect(await givenUp).toMatchObject({ code: 'TIMEOUT' })
    let added = false
    void third.then(() => (added = true))
    await stage.pass(500)
    expect(added).toBe(false)
    slow = false
    await stage.settle(Promise.all([first, third]))
  })

  it('costs about two claims for each item, however many take some at once', async () => {
    const items = 60
    await filled(...Array.from({ length: items }, (_, number) => String(number)))
    let claims = 0
    const txn = (async (transaction, options) => {
      if (transaction.success?.some((each) => each.type === 'put' && each.key.startsWith('mails/claims/'))) claims++
      // As over a network: those who look meanwhile see what was there before.
      await new Promise<void>((resolve) => stage.environment.timers.after(5, resolve))
      return stage.store.txn(transaction, options)
    }) as Store['txn']
    const controller = new AbortController()
    const done = new Set<string>()
    const consume = async (): Promise<void> => {
      for await (const item of queueOf(decorated(stage.store, { txn })).items({ signal: controller.signal })) {
        await item.done()
        done.add(item.id)
        if (done.size === items) controller.abort()
      }
    }
    await stage.settle(Promise.all(Array.from({ length: 10 }, consume)))
    expect(claims).toBeLessThan(3 * items)
  })

  it('keeps no lease for long where there is nothing to claim', async () => {
    await filled('a')
    const controller = new AbortController()
    const waits = Array.from({ length: 5 }, () => queueOf().take({ ttlMs: TTL_MS, signal: controller.signal }))
    await stage.pass(TTL_MS / 2)
    expect(await stage.settle(stage.store.leases.list())).toHaveLength(5)
    await stage.pass(TTL_MS)
    expect(await stage.settle(stage.store.leases.list())).toHaveLength(1)
    await filled('b')
    await stage.pass(1_000)
    controller.abort()
    const taken = await stage.settle(Promise.allSettled(waits))
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  })

  it('hands an item to one at a time', async () => {
    const queue = await filled('a')
    const first = (await stage.settle(queue.tryTake()))!
    expect(first).toMatchObject({ deliveries: 1 })
    expect(await stage.settle(queue.tryTake())).toBeUndefined()
    const [listed] = await stage.settle(queue.list())
    expect(listed).toMatchObject({ id: first.id, deliveries: 1 })
    expect(typeof listed?.claimedBy).toBe('bigint')
    await stage.settle(first.release())
    expect(first.signal.aborted).toBe(true)
    const again = (await stage.settle(queue.tryTake()))!
    expect(again).toMatchObject({ id: first.id, deliveries: 2 })
    expect(again.token).toBeGreaterThan(first.token)
    expect(await stage.failure(first.done())).toMatchObject({ code: 'LOCK_LOST' })
    await stage.settle(again.done())
  })

  it('gives an item that is released to the next one, before those behind it', async () => {
    const queue = await filled('a', 'b')
    const item = await stage.settle(queue.take())
    await stage.settle(item.release())
    expect((await stage.settle(queue.take())).text()).toBe('a')
    expect((await stage.settle(queue.take())).text()).toBe('b')
  })

  it('hands out an item again when who has it is stopped, and refuses what that one does afterwards', async () => {
    const queue = await filled('a')
    const stopped = new Process(stage)
    const before = await stage.settle(queueOf(stopped.store).take({ ttlMs: TTL_MS }))
    stopped.stop()
    const after = await stage.settle(queue.take({ timeoutMs: 2 * TTL_MS }))
    expect(after).toMatchObject({ id: before.id, deliveries: 2 })
    stopped.continue()
    expect(before.signal.aborted).toBe(true)
    expect(await stage.failure(before.complete({ success: [put('sent', 'twice')] }))).toMatchObject({
      code: 'LOCK_LOST',
    })
    await stage.settle(after.complete({ success: [put('sent', 'once')] }))
    expect(await stage.text('sent')).toBe('once')
  })

  it('waits for an item, which the first of many who wait gets', async () => {
    const all = Array.from({ length: 5 }, () => waiting())
    await stage.pass(1_000)
    const queue = await filled('a', 'b')
    await stage.pass(1_000)
    expect(all.flatMap(({ got }) => got()?.text() ?? []).sort()).toEqual(['a', 'b'])
    for (const { got } of all) await stage.settle(got()?.done() ?? Promise.resolve())
    await filled('c', 'd', 'e')
    const rest = await stage.settle(Promise.all(all.map(({ item }) => item)))
    expect(rest).toHaveLength(5)
    expect(await stage.settle(queue.length())).toBe(3)
  })

  it('reads neither the whole queue for a take, nor anything for a new item where many wait', async () => {
    await stage.settle(
      stage.store.txn({
        success: [put('mails/tail', '200'), ...Array.from({ length: 120 }, (_, at) => put(itemKey(at), 'x'))],
      }),
    )
    let read = 0
    const range: Store['range'] = async (...given) => {
      const result = await stage.store.range(...given)
      read += result.items.length
      return result
    }
    const queue = queueOf(decorated(stage.store, { range }))
    // More than a page is claimed.
    const taken = await stage.settle(Promise.all(Array.from({ length: 40 }, () => queue.take())))
    expect(new Set(taken.map(({ id }) => id)).size).toBe(40)
    read = 0
    await stage.settle(queue.take())
    expect(read).toBeLessThan(120)

    const empty = new Queue(decorated(stage.store, { range }), 'others')
    const others = Array.from({ length: 4 }, () => waiting(empty))
    await stage.pass(100)
    read = 0
    await stage.settle(new Queue(stage.store, 'others').add('a'))
    await stage.pass(100)
    expect(others.filter(({ got }) => got() !== undefined)).toHaveLength(1)
    expect(read).toBe(0)
  })

  it('holds more items than one transaction may touch', async () => {
    for (let from = 0; from < 10_100; from += 100) {
      const items = Array.from({ length: 100 }, (_, at) => put(itemKey(from + at), ''))
      await stage.settle(stage.store.txn({ success: items }))
    }
    await stage.settle(stage.store.put('mails/tail', '20000'))
    const queue = queueOf()
    await stage.settle(queue.add('last'))
    const item = await stage.settle(queue.take())
    expect(item.key).toBe(itemKey(0))
    await stage.settle(item.complete({ success: [put('done', '')] }))
    expect(await stage.settle(queue.length())).toBe(10_100)
    expect(await stage.settle(queue.list({ limit: 2 }))).toHaveLength(2)
  })

  it('goes on when the history that it watches is compacted', async () => {
    const one = waiting()
    await stage.pass(100)
    // All of it in one go: the watch has nothing of it yet.
    const { revision } = await stage.settle(stage.store.put('elsewhere', ''))
    await stage.settle(stage.store.compact(revision))
    await filled('a')
    expect((await stage.settle(one.item)).text()).toBe('a')
  })

  it('works in a namespace, with a counter and transactions beside it', async () => {
    const tenant = stage.store.namespace('tenant/')
    const one = waiting(new Queue(tenant, 'mails'))
    await stage.pass(100)
    await stage.settle(new Queue(tenant, 'mails').add('a', { id: 'x' }))
    const item = await stage.settle(one.item)
    expect(item).toMatchObject({ id: 'x', key: `${itemKey(1)}/x` })
    await stage.settle(item.complete({ success: [put('sent', 'x')] }))
    expect(await stage.settle(new Counter(tenant, 'sent').add())).toBe(1)
    await stage.settle(
      stm(tenant, async (tx) => {
        expect((await tx.range({ all: true })).map(({ key }) => key)).toContain('sent')
        tx.delete({ prefix: 'mails/' })
      }),
    )
    expect(await stage.keys()).toEqual(['tenant/sent', 'tenant/sent/by', 'tenant/sent/value'])
  })

  it('refuses what makes no sense', async () => {
    expect(() => new Queue(stage.store, '')).toThrow(TypeError)
    const queue = await filled('a')
    await expect(queue.add('a', { id: '' })).rejects.toThrow(TypeError)
    await expect(queue.take({ ttlMs: 0 })).rejects.toThrow(RangeError)
    await expect(queue.take({ session: {} as never })).rejects.toThrow(TypeError)
    expect(() => queue.items({ timeoutMs: 1 } as never)).toThrow('timeoutMs')
    const item = await stage.settle(queue.take())
    await expect(item.complete({ compare: [compare('a').exists()], success: [] } as never)).rejects.toThrow('compare')
    await expect(item.complete({} as never)).rejects.toThrow(TypeError)
  })
})

function itemKey(place: number): string {
  return `mails/items/${String(place).padStart(16, '0')}`
}

describe('adding', () => {
  it('with an id adds once while the item is there', async () => {
    const queue = queueOf()
    expect(await stage.settle(queue.add('a', { id: 'mail/7' }))).toBe('mail/7')
    expect(await stage.settle(queue.add('b', { id: 'mail/7' }))).toBe('mail/7')
    const item = await stage.settle(queue.take())
    expect(item).toMatchObject({ id: 'mail/7' })
    expect(item.text()).toBe('a')
    await stage.settle(item.done())
    expect(await stage.keys()).toEqual(['mails/by', 'mails/tail'])
    await stage.settle(queue.add('c', { id: 'mail/7' }))
    expect(await stage.settle(queue.length())).toBe(1)
  })

  it.each(['done', 'lost', 'late'] as const)('once where the answer was lost and it was %s', async (fate) => {
    await filled('first')
    const late: (() => Promise<unknown>)[] = []
    const faulty = decorated(stage.store, {
      txn: async (transaction, options) => {
        if (late.length > 1) return stage.store.txn(transaction, options)
        if (fate === 'done') await stage.store.txn(transaction, options)
        late.push(() => (fate === 'late' ? stage.store.txn(transaction) : Promise.resolve()))
        throw unknownOutcome()
      },
    })
    await stage.settle(queueOf(faulty).add('a'))
    const items = [await stage.settle(queueOf().take()), await stage.settle(queueOf().take())]
    for (const item of items) await stage.settle(item.done())
    await stage.settle(Promise.all(late.map((each) => each())))
    expect(items.map((item) => item.text())).toEqual(['first', 'a'])
    expect(await stage.settle(queueOf().length())).toBe(0)
  })
})

describe('an item', () => {
  it('is completed together with writes, once, where the answer was lost', async () => {
    const queue = await filled('a')
    let losses = 2
    const faulty = decorated(stage.store, {
      txn: async (...given) => {
        const result = await stage.store.txn(...given)
        if (given[0].success?.some((each) => each.type === 'delete') === true && losses-- > 0) throw unknownOutcome()
        return result
      },
    })
    const item = await stage.settle(queueOf(faulty).take())
    await stage.settle(item.complete({ success: [put(`sent/${item.id}`, '')] }))
    expect(losses).toBeLessThan(1)
    expect(await stage.keys('sent/')).toEqual([`sent/${item.id}`])
    expect(await stage.settle(queue.length())).toBe(0)
    // Done is done.
    await stage.settle(item.done())
    await expect(item.complete({ success: [put('sent/again', '')] })).rejects.toThrow(TypeError)
    await stage.settle(item.release())
  })

  /** The store that says of such transactions that they are unknown; they are done when `arrive()` is called. */
  function tardy(isMeant: (operation: Operation) => boolean): { store: Store; arrive: () => Promise<unknown> } {
    const late: Transaction[] = []
    const store = decorated(stage.store, {
      txn: (transaction, options) => {
        if (transaction.success?.some(isMeant) !== true) return stage.store.txn(transaction, options)
        late.push(transaction)
        return Promise.reject(unknownOutcome())
      },
    })
    return { store, arrive: () => Promise.all(late.map((each) => stage.store.txn(each))) }
  }

  it('whose completion is unknown says so again, and is not done later when it was released', async () => {
    const queue = await filled('a')
    const { store, arrive } = tardy(({ type }) => type === 'delete')
    const item = await stage.settle(queueOf(store).take())
    expect(await stage.failure(item.done({ timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    expect(await stage.failure(item.done())).toMatchObject({ outcome: 'unknown' })
    await stage.settle(item.release())
    await stage.settle(arrive())
    expect(await stage.settle(queue.tryTake())).toMatchObject({ id: item.id, deliveries: 2 })
  })

  it('is not claimed later by one who gave up waiting for it', async () => {
    const queue = await filled('a')
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    const { store, arrive } = tardy((each) => each.type === 'put' && each.lease === session.lease)
    const error = await stage.failure(queueOf(store).take({ session, timeoutMs: 500 }))
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    await stage.pass(100)
    await stage.settle(arrive())
    expect((await stage.settle(queue.tryTake()))?.text()).toBe('a')
    await stage.settle(session.close())
  })

  it.each(['refused', 'unknown'] as const)(
    'is lost with its claim, also during a completion that ends %s',
    async (outcome) => {
      await filled('a')
      let answer = (): void => undefined
      const txn: Store['txn'] = (transaction, options) =>
        transaction.success?.some(({ type }) => type === 'delete')
          ? new Promise((_, reject) => (answer = () => reject(new StoreError('NO_SPACE', 'full', { outcome }))))
          : stage.store.txn(transaction, options)
      const item = await stage.settle(queueOf(decorated(stage.store, { txn })).take())
      const done = item.done()
      await stage.settle(stage.store.delete({ prefix: 'mails/claims/' }))
      await stage.pass(100)
      expect(item.signal.aborted).toBe(false)
      answer()
      expect(await stage.failure(done)).toMatchObject({ code: 'NO_SPACE' })
      await stage.pass(100)
      expect(item.signal.aborted).toBe(true)
      expect(await stage.settle(stage.store.leases.list())).toEqual([])
    },
  )

  it.each(['shared', 'own'] as const)(
    'stays with who has it when another one gives up a claim that it could not have: %s',
    async (whose) => {
      const queue = await filled('a')
      const session = whose === 'own' ? undefined : await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
      let item: QueueItem | undefined
      let lost = false
      // It reads the claims before the item is taken, and the items afterwards; the first answer to its claim is lost.
      const other = decorated(stage.store, {
        range: async (selection, options) => {
          const isItems = typeof selection === 'object' && 'prefix' in selection && selection.prefix === 'mails/items/'
          if (isItems) item ??= await queue.take(session === undefined ? {} : { session })
          return stage.store.range(selection, options)
        },
        txn: (...given) => {
          if (lost) return stage.store.txn(...given)
          lost = true
          return Promise.reject(unknownOutcome())
        },
      })
      const shared = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
      await stage.settle(
        queueOf(other)
          .take({ session: shared, timeoutMs: 2_000 })
          .catch(() => undefined),
      )
      await stage.pass(1_000)
      expect((await stage.settle(stage.store.get('mails/items/0000000000000001')))?.version).toBe(3)
      await stage.settle(item!.done())
      expect(await stage.settle(queue.length())).toBe(0)
      expect(await stage.keys('mails/claims/')).toEqual([])
    },
  )

  it('that is dropped tells who works on it, and leaves no claim in a session that goes on', async () => {
    await filled('a')
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    const item = await stage.settle(queueOf().take({ session }))
    await stage.settle(stage.store.delete(item.key))
    await stage.pass(100)
    expect(item.signal.aborted).toBe(true)
    expect(await stage.keys('mails/claims/')).toEqual([])
  })

  it('is given up for good, and handed out again, where giving it up was refused for a time', async () => {
    await filled('a')
    let full = false
    let lost = true
    const txn = (async (...given) => {
      if (full && given[0].success?.some(({ type }) => type === 'put')) throw new StoreError('NO_SPACE', 'full')
      const result = await stage.store.txn(...given)
      if (!lost) return result
      full = true
      throw new StoreError('TIMEOUT', 'lost', { outcome: 'unknown' })
    }) as Store['txn']
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    const taking = stage.failure(queueOf(decorated(stage.store, { txn })).take({ session, timeoutMs: 500 }))
    await stage.pass(50)
    lost = false
    await taking
    await stage.pass(2_000)
    expect((await stage.settle(queueOf().take())).text()).toBe('a')
    full = false
    await stage.pass(2_000)
  })

  it('says that it is lost as soon as its claim or the item itself is removed', async () => {
    const queue = await filled('a')
    const item = await stage.settle(queue.take())
    await stage.settle(stage.store.delete({ prefix: 'mails/claims/' }))
    await stage.pass(100)
    expect(item.signal.aborted).toBe(true)
    const again = await stage.settle(queue.take())
    await stage.settle(stage.store.delete(again.key))
    expect(await stage.failure(again.done())).toMatchObject({ code: 'LOCK_LOST', outcome: 'refused' })
  })
})

describe('the loop over items', () => {
  it('takes one after the other under one lease, and ends without an error', async () => {
    const queue = await filled('a', 'b', 'c')
    const controller = new AbortController()
    const seen: string[] = []
    const loop = (async () => {
      for await (const item of queue.items({ ttlMs: TTL_MS, signal: controller.signal })) {
        seen.push(item.text())
        await item.done()
      }
    })()
    await stage.pass(5_000)
    expect(await stage.settle(stage.store.leases.list())).toHaveLength(1)
    await filled('d')
    await stage.pass(5_000)
    controller.abort()
    await stage.settle(loop)
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
    await stage.pass(100)
    expect(await stage.settle(stage.store.leases.list())).toEqual([])
  })

  it.each(['own', 'shared'] as const)(
    'gives back what was not done when it is left, with its %s session',
    async (whose) => {
      const queue = await filled('a', 'b')
      const session = whose === 'own' ? undefined : await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
      const loop = (async () => {
        for await (const item of queue.items(session === undefined ? {} : { session })) if (item.text() === 'b') return
      })()
      await stage.settle(loop)
      expect((await stage.settle(queue.list())).map(({ claimedBy }) => claimedBy)).toEqual([undefined, undefined])
    },
  )

  it('goes on with another lease where the one it had is lost', async () => {
    const queue = await filled('a', 'b')
    const items = queue.items({ ttlMs: TTL_MS })[Symbol.asyncIterator]()
    const first = (await stage.settle(items.next())).value as QueueItem
    const [lease] = await stage.settle(stage.store.leases.list())
    await stage.settle(stage.store.leases.revoke(lease!))
    await stage.pass(TTL_MS)
    expect(first.signal.aborted).toBe(true)
    const second = (await stage.settle(items.next())).value as QueueItem
    expect(second).toMatchObject({ id: first.id, deliveries: 2 })
    await stage.settle(items.return!())
  })

  it.each(['take', 'items'] as const)('%s() ends with the session that it was given', async (way) => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    const waits =
      way === 'take' ? queueOf().take({ session }) : queueOf().items({ session })[Symbol.asyncIterator]().next()
    await stage.pass(100)
    const failure = stage.failure(waits)
    await stage.settle(session.close())
    expect(await failure).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('waits while the store is full, and goes on', async () => {
    await filled('a')
    let full = true
    const grant: Store['leases']['grant'] = (...given) =>
      full ? Promise.reject(new StoreError('NO_SPACE', 'full')) : stage.store.leases.grant(...given)
    const items = queueOf(decorated(stage.store, { leases: { grant } }))
      .items()
      [Symbol.asyncIterator]()
    const next = items.next()
    await stage.pass(5_000)
    full = false
    expect(((await stage.settle(next)).value as QueueItem).text()).toBe('a')
    await stage.settle(items.return!())
  })

  it('rejects with what is wrong when the store is closed', async () => {
    const items = queueOf().items()[Symbol.asyncIterator]()
    const next = items.next()
    await stage.pass(100)
    const failure = stage.failure(next)
    await stage.settle(stage.store.close())
    expect(await failure).toMatchObject({ code: 'CLOSED' })
  })
})
