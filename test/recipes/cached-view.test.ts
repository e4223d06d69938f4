import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CachedView, del, LIMITS, put, StoreError, type Store, type ViewChange, type WatchOptions } from 'quorate'
import { decorated, Stage } from './stage.js'

const PREFIX = { prefix: 'flags/' }

let stage: Stage
let store: Store

beforeEach(async () => {
  stage = await Stage.open()
  store = stage.store
})
afterEach(() => stage.settle(store.close()))

const text = { decode: (found: { text(): string }) => found.text() }

function opened(over: Store = store, options = {}): Promise<CachedView<string>> {
  return stage.settle(CachedView.open(over, PREFIX, { ...text, ...options }))
}

function shown(view: CachedView<string>): string {
  return [...view].map(([key, value]) => `${key.slice('flags/'.length)}=${value}`).join(' ')
}

const written = async (key: string, value: string): Promise<number> =>
  (await stage.settle(store.put(`flags/${key}`, value))).revision

async function writtenAndSeen(view: CachedView<string>, key: string, value: string): Promise<void> {
  await stage.settle(view.includes(await written(key, value)))
}

/** Takes what comes until the loop ends. */
function taken(changes: AsyncIterable<ViewChange<string>>): { readonly list: string[]; readonly ended: Promise<void> } {
  const list: string[] = []
  const ended = (async () => {
    for await (const { type, key, value, previous } of changes) {
      list.push(`${type} ${key.slice('flags/'.length)} ${previous ?? '-'}>${value ?? '-'}`)
    }
  })()
  ended.catch(() => undefined)
  return { list, ended }
}

/** A store whose watches can be broken, and kept from coming back. */
function fragile(over: Store = store): {
  store: Store
  opened: WatchOptions[]
  fail(error: Error): void
  heal(): void
} {
  const opened: WatchOptions[] = []
  let failure: Error | undefined
  let broken = new AbortController()
  return {
    opened,
    store: decorated(over, {
      watch: (selection, options = {}) => {
        if (failure !== undefined) throw failure
        opened.push(options)
        const { signal } = options
        const end = new AbortController()
        signal?.addEventListener('abort', () => end.abort())
        const mine = broken.signal
        mine.addEventListener('abort', () => end.abort())
        const watch = over.watch(selection, { ...options, signal: end.signal })
        const batches = watch.batches.bind(watch)
        watch.batches = () =>
          (async function* () {
            yield* batches()
            if (mine.aborted) throw mine.reason
          })()
        return watch
      },
    }),
    fail: (error) => {
      failure = error
      broken.abort(error)
    },
    heal: () => {
      failure = undefined
      broken = new AbortController()
    },
  }
}

describe('a cached view', () => {
  it('shows what is there when it is opened, in key order, and what comes', async () => {
    await written('b', '1')
    await written('a', '1')
    await stage.settle(store.put('other', 'x'))
    const view = await opened()
    expect(shown(view)).toBe('a=1 b=1')
    expect([view.get('flags/a'), view.get('flags/c'), view.has('flags/a'), view.has('other'), view.size]).toEqual([
      '1',
      undefined,
      true,
      false,
      2,
    ])
    expect([[...view.keys()], [...view.values()]]).toEqual([
      ['flags/a', 'flags/b'],
      ['1', '1'],
    ])

    const { revision } = await stage.settle(
      store.txn({ success: [put('flags/a', '2'), put('flags/c', '2'), del('flags/b')] }),
    )
    await stage.settle(view.includes(revision))
    expect(shown(view)).toBe('a=2 c=2')
    expect(view.revision).toBe(revision)
    await stage.settle(view.close())
  })

  it('shows whole key-values without a decoder, also under keys that are no text', async () => {
    const bytes = Uint8Array.of(0x66, 0xff)
    const view = await stage.settle(CachedView.open(store, { all: true }))
    const { revision } = await stage.settle(store.put(bytes, 'x'))
    await stage.settle(view.includes(revision))
    expect(view.get(bytes)).toMatchObject({ modRevision: revision, version: 1 })
    await stage.settle(view[Symbol.asyncDispose]())
  })

  it('reads a selection in parts of one revision, however large it is', async () => {
    const limits: (number | undefined)[] = []
    const broken = fragile()
    broken.fail(new StoreError('TIMEOUT', 'later'))
    const over = decorated(broken.store, {
      range: async (selection, options) => {
        limits.push(options?.limit)
        if ((options?.limit ?? 0) > 2) throw new StoreError('RESPONSE_TOO_LARGE', 'too large')
        const result = await store.range(selection, options)
        // In the middle of the list a transaction changes what was read and what was not.
        if (limits.length === 12) await store.txn({ success: [put('flags/0', 'late'), put('flags/6', 'late')] })
        return result
      },
    })
    for (let key = 0; key < 7; key++) await written(`${key}`, 'x')
    const view = await opened(over)
    expect(shown(view)).toBe('0=x 1=x 2=x 3=x 4=x 5=x 6=x')
    expect(limits[0]).toBe(LIMITS.viewPageKeys)
    broken.heal()
    await stage.pass(1_000)
    expect(shown(view)).toBe('0=late 1=x 2=x 3=x 4=x 5=x 6=late')
    await stage.settle(view.close())
  })

  it('begins its list anew when history is compacted while it reads', async () => {
    let calls = 0
    const over = decorated(store, {
      range: async (selection, options) => {
        const limit = options?.limit === undefined ? undefined : 2
        if (++calls === 2) await store.compact((await store.put('flags/0', 'new')).revision)
        return store.range(selection, { ...options, limit })
      },
    })
    for (let key = 0; key < 4; key++) await written(`${key}`, 'x')
    const view = await opened(over)
    expect(shown(view)).toBe('0=new 1=x 2=x 3=x')
    await stage.settle(view.close())
  })

  it('iterates over one revision, also when the loop waits', async () => {
    await written('a', '1')
    await written('b', '1')
    const view = await opened()
    const seen: string[] = []
    for (const [key, value] of view) {
      await writtenAndSeen(view, 'b', '2')
      seen.push(`${key}=${value}`)
    }
    expect(seen).toEqual(['flags/a=1', 'flags/b=1'])
    expect(view.get('flags/b')).toBe('2')
    await stage.settle(view.close())
  })

  it('says why it cannot tell whether it is up to date, until it can', async () => {
    let refused = false
    const over = decorated(store, {
      range: (...given) =>
        refused ? Promise.reject(new StoreError('PERMISSION_DENIED', 'not any more')) : store.range(...given),
    })
    const view = await stage.settle(CachedView.open(over, PREFIX))
    refused = true
    await stage.pass(5_000)
    expect(view.trouble).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(view.staleMs).toBeGreaterThan(3_000)
    refused = false
    await stage.pass(2_000)
    expect(view.trouble).toBeUndefined()
    await stage.settle(view.close())
  })

  it('leaves out what is decoded asynchronously, which nobody waits for', async () => {
    await stage.settle(store.put(`${PREFIX.prefix}a`, '1'))
    const decode = (): Promise<never> => Promise.reject(new Error('nobody catches this'))
    const view = await stage.settle(CachedView.open(store, PREFIX, { decode }))
    expect(view.size).toBe(0)
    expect(view.failures).toMatchObject([{ error: new TypeError('decode must not be async') }])
    await stage.settle(view.close())
  })

  it('leaves out what cannot be decoded, says why, and shows it when it is put right', async () => {
    await written('a', '"on"')
    const view = await stage.settle(CachedView.open(store, PREFIX, { decode: (found) => found.json<string>() }))
    const { list } = taken(view.changes())
    await stage.settle(view.includes(await written('a', 'on')))
    expect([view.size, view.has('flags/a'), view.get('flags/a')]).toEqual([0, false, undefined])
    expect(view.failures).toMatchObject([{ key: 'flags/a', revision: view.revision, error: { name: 'SyntaxError' } }])
    await stage.settle(view.includes(await written('a', '"off"')))
    expect([view.size, view.get('flags/a'), view.failures]).toEqual([1, 'off', []])
    expect(list).toEqual(['unreadable a on>-', 'put a ->off'])
    await stage.settle(view.close())
  })

  it('goes on where it was when its watch fails, for however long that lasts', async () => {
    const broken = fragile()
    const view = await opened(broken.store)
    await writtenAndSeen(view, 'a', '1')
    const { revision } = view
    broken.fail(new StoreError('PERMISSION_DENIED', 'not for now'))
    await written('a', '2')
    await stage.pass(120_000)
    expect(shown(view)).toBe('a=1')
    expect(view.trouble).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(broken.opened).toHaveLength(1)

    broken.heal()
    await stage.pass(LIMITS.viewRetryMsMax)
    expect(shown(view)).toBe('a=2')
    expect(view.trouble).toBeUndefined()
    expect(broken.opened[1]?.startRevision).toBe(revision + 1)
    await stage.settle(view.close())
  })

  it('lists anew when its history was compacted, and tells the difference', async () => {
    const broken = fragile()
    for (const key of ['gone', 'kept', 'changed']) await written(key, '1')
    const view = await opened(broken.store)
    const { list } = taken(view.changes())
    const kept = view.get('flags/kept')
    broken.fail(new StoreError('TIMEOUT', 'cut off'))
    await written('new', '2')
    await written('changed', '2')
    await written('back', '2')
    await stage.settle(store.delete('flags/back'))
    await stage.settle(store.delete('flags/gone'))
    const { revision } = await stage.settle(store.put('other', 'x'))
    await stage.settle(store.compact(revision))
    broken.heal()
    await stage.settle(view.includes(revision))
    expect(shown(view)).toBe('changed=2 kept=1 new=2')
    expect(list).toEqual(['put new ->2', 'put changed 1>2', 'delete gone 1>-'])
    expect(view.get('flags/kept')).toBe(kept)
    await stage.settle(view.close())
  })

  it('opens a watch anew that says nothing while the cluster is ahead', async () => {
    let silent = true
    let watches = 0
    const over = decorated(store, {
      watch: (selection, options = {}) => {
        watches++
        const watch = store.watch(selection, options)
        if (!silent) return watch
        watch.batches = () =>
          (async function* () {
            await new Promise<void>((resolve) => options.signal?.addEventListener('abort', () => resolve()))
          })()
        return watch
      },
    })
    const view = await opened(over)
    await written('a', '1')
    await stage.pass(5_000)
    silent = false
    expect(watches).toBe(1)
    await stage.pass(10_000)
    expect(watches).toBe(2)
    expect(shown(view)).toBe('a=1')
    await stage.settle(view.close())
  })

  it('does not go back with a store that was set back', async () => {
    const broken = fragile()
    let back = 0
    const over = decorated(broken.store, {
      range: async (selection, options) => {
        const result = await store.range(selection, options)
        return { ...result, items: back > 0 ? [] : result.items, revision: result.revision - back }
      },
    })
    await written('a', '1')
    const view = await opened(over)
    back = 1
    broken.fail(new StoreError('COMPACTED', 'compacted'))
    await stage.pass(10_000)
    expect(shown(view)).toBe('a=1')
    expect(view.trouble).toMatchObject({ code: 'FUTURE_REVISION' })
    back = 0
    broken.heal()
    await writtenAndSeen(view, 'a', '2')
    expect(shown(view)).toBe('a=2')
    await stage.settle(view.close())
  })
})

describe('the bounds of a cached view', () => {
  it('refuse a selection that is too large', async () => {
    await written('a', 'x'.repeat(100))
    await written('b', '1')
    const tooMany = CachedView.open(store, PREFIX, { keysMax: 1 })
    expect(await stage.failure(tooMany)).toMatchObject({
      code: 'VIEW_TOO_LARGE',
      message: expect.stringMatching(/keysMax, 1 keys/) as unknown,
    })
    const tooLarge = CachedView.open(store, PREFIX, { bytesMax: 100 })
    expect(await stage.failure(tooLarge)).toMatchObject({
      code: 'VIEW_TOO_LARGE',
      message: expect.stringMatching(/bytesMax, 100 bytes/) as unknown,
    })
    await stage.settle((await opened(store, { keysMax: 2, bytesMax: 115 })).close())
  })

  it('keep what is shown when the selection grows over them, until there is room again', async () => {
    await written('a', '1')
    const view = await opened(store, { keysMax: 2 })
    const { revision } = view
    await stage.settle(store.txn({ success: [put('flags/a', '2'), put('flags/b', '2'), put('flags/c', '2')] }))
    await stage.pass(1_000)
    expect(shown(view)).toBe('a=1')
    expect(view.revision).toBe(revision)
    expect(view.trouble).toMatchObject({ code: 'VIEW_TOO_LARGE' })
    expect(() => view.get('flags/a', { staleMsMax: 500 })).toThrow(expect.objectContaining({ code: 'VIEW_STALE' }))
    await stage.settle(store.delete('flags/b'))
    await stage.pass(LIMITS.viewRetryMsMax + 1_000)
    expect(shown(view)).toBe('a=2 c=2')
    expect(view.trouble).toBeUndefined()
    await stage.settle(view.close())
  })
})

describe('waiting for a revision', () => {
  it('ends also when the revision concerned other keys', async () => {
    const view = await opened(store, { checkEveryMs: 60_000 })
    const { revision } = await stage.settle(store.put('other', 'x'))
    const startMs = stage.nowMs
    await stage.settle(view.includes(revision))
    expect(view.revision).toBe(revision)
    expect(stage.nowMs - startMs).toBeLessThan(100)
    await stage.settle(view.includes(0))
    await stage.settle(view.close())
  })

  it('gives up in time, and when the view is closed', async () => {
    const view = await opened()
    const ahead = view.revision + 100
    expect(await stage.failure(view.includes(ahead, { timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    const signal = AbortSignal.abort()
    expect(await stage.failure(view.includes(ahead, { signal }))).toMatchObject({ code: 'ABORTED' })
    const waiting = stage.failure(view.includes(ahead))
    await stage.settle(view.close())
    expect(await waiting).toMatchObject({ code: 'CLOSED' })
    expect(await stage.failure(view.includes(ahead))).toMatchObject({ code: 'CLOSED' })
    await expect(view.includes(-1)).rejects.toThrow(RangeError)
  })
})

describe('the staleness of a cached view', () => {
  it('is counted from questions that the cluster answered', async () => {
    let answers = true
    const over = decorated(store, {
      range: async (selection, options) => {
        if (options?.countOnly !== true) return store.range(selection, options)
        const result = await store.range(selection, options)
        await new Promise<void>((resolve) => stage.environment.timers.after(300, resolve))
        if (!answers) throw new StoreError('TIMEOUT', 'cut off')
        return result
      },
    })
    const view = await opened(over, { checkEveryMs: 1_000 })
    expect(view.staleMs).toBeLessThan(10)
    await stage.pass(20_000)
    expect(view.staleMs).toBeLessThanOrEqual(1_000 + 2 * 300)
    expect(view.staleMs).toBeGreaterThanOrEqual(300)
    await written('a', '1')
    expect(view.get('flags/a', { staleMsMax: 2_000 })).toBe('1')

    // The own member tells progress all the while, and knows nothing of the others.
    answers = false
    await stage.pass(10_000)
    expect(view.staleMs).toBeGreaterThan(10_000)
    expect(() => view.get('flags/a', { staleMsMax: 9_999 })).toThrow(/ms ago, more than the 9999 ms of staleMsMax/)
    expect(view.get('flags/a')).toBe('1')
    answers = true
    await stage.pass(3_000)
    expect(view.get('flags/a', { staleMsMax: 2_000 })).toBe('1')
    await stage.settle(view.close())
  })

  it('grows while the watch is behind what the cluster answers', async () => {
    const broken = fragile()
    const view = await opened(broken.store, { checkEveryMs: 500 })
    broken.fail(new StoreError('TIMEOUT', 'cut off'))
    await written('a', '1')
    await stage.pass(8_000)
    expect(view.staleMs).toBeGreaterThan(7_500)
    broken.heal()
    await stage.pass(LIMITS.viewRetryMsMax + 600)
    expect(shown(view)).toBe('a=1')
    expect(view.staleMs).toBeLessThan(600)
    await stage.settle(view.close())
  })
})

describe('the changes of a cached view', () => {
  it('come to every consumer, from the call on, with what was shown before', async () => {
    await written('a', '1')
    const view = await opened()
    const changes = view.changes()
    await writtenAndSeen(view, 'a', '2')
    const first = taken(changes)
    const second = taken(view.changes())
    await stage.settle(view.includes((await stage.settle(store.delete('flags/a'))).revision))
    expect(first.list).toEqual(['put a 1>2', 'delete a 2>-'])
    expect(second.list).toEqual(['delete a 2>-'])
    await stage.settle(view.close())
    await stage.settle(Promise.all([first.ended, second.ended]))
  })

  it('end when the signal aborts, and leave the others alone', async () => {
    const view = await opened()
    const controller = new AbortController()
    const first = taken(view.changes({ signal: controller.signal }))
    const second = taken(view.changes())
    controller.abort()
    await stage.settle(first.ended)
    await writtenAndSeen(view, 'a', '1')
    expect([first.list, second.list]).toEqual([[], ['put a ->1']])
    await stage.settle(taken(view.changes({ signal: controller.signal })).ended)
    await stage.settle(view.close())
    await stage.settle(taken(view.changes()).ended)
  })

  it('throw when the store is closed, and the view says so', async () => {
    const view = await opened()
    const { ended, list } = taken(view.changes())
    const waiting = stage.failure(view.includes(view.revision + 10))
    await writtenAndSeen(view, 'a', '1')
    await stage.settle(store.close())
    expect(await stage.failure(ended)).toMatchObject({ code: 'CLOSED' })
    expect(list).toEqual(['put a ->1'])
    expect(await waiting).toMatchObject({ code: 'CLOSED' })
    expect(view.trouble).toMatchObject({ code: 'CLOSED' })
    expect(view.get('flags/a')).toBe('1')
    expect(await stage.failure(taken(view.changes()).ended)).toMatchObject({ code: 'CLOSED' })
    await stage.settle(view.close())
  })
})

describe('opening a cached view', () => {
  it('waits for a store that cannot answer, for as long as it is told', async () => {
    let answers = false
    const over = decorated(store, {
      range: async (...given) => {
        if (answers) return store.range(...given)
        throw new StoreError('TIMEOUT', 'no quorum')
      },
    })
    expect(await stage.failure(CachedView.open(over, PREFIX, { timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    const opening = CachedView.open(over, PREFIX)
    await stage.pass(60_000)
    answers = true
    await stage.settle((await stage.settle(opening)).close())
  })

  it('rejects with what cannot pass', async () => {
    const over = decorated(store, {
      range: () => Promise.reject(new StoreError('PERMISSION_DENIED', 'not yours')),
    })
    expect(await stage.failure(CachedView.open(over, PREFIX))).toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('refuses what it does not know, and says what would be right', async () => {
    const open = (options: object): Promise<unknown> => CachedView.open(store, PREFIX, options)
    await expect(open({ decoder: 1 })).rejects.toThrow(/takes no decoder \(did you mean decode\?\)/)
    await expect(open({ decode: 'json' })).rejects.toThrow(/decode must be a function of a KeyValue, not string/)
    await expect(open({ checkEveryMs: 0 })).rejects.toThrow(/checkEveryMs must be at least 10 milliseconds, not 0/)
    await expect(open({ keysMax: 0 })).rejects.toThrow(/keysMax must be a positive number, not 0/)
    await expect(CachedView.open(store, { prefx: 'x' } as never)).rejects.toThrow(TypeError)
    const view = await opened()
    expect(() => view.get('a', { staleMsMax: -1 })).toThrow(RangeError)
    expect(() => view.get('a', { maxStaleMs: 1 } as never)).toThrow(TypeError)
    expect(() => view.changes({ signal: new AbortController() as never })).toThrow(TypeError)
    await stage.settle(view.close())
  })
})
