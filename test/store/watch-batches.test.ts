/** How much of its history a watch hands out at once, and when. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Store, Watch, WatchBatch, WatchTurns } from '../../src/api/store.js'
import { open } from '../../src/store/open.js'

let store: Store
beforeAll(async () => {
  store = await open()
  await store.ready()
})
afterAll(() => store.close())

async function write(prefix: string, ...values: string[]): Promise<number> {
  let last = 0
  for (const [at, value] of values.entries()) last = (await store.put(`${prefix}${at}`, value)).revision
  return last - values.length + 1
}

async function take(watch: Watch, count: number): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = []
  const iterator = watch.batches()[Symbol.asyncIterator]()
  while (batches.length < count) batches.push((await iterator.next()).value as WatchBatch)
  return batches
}

const shortOf = (batch: WatchBatch): string =>
  batch.type === 'progress' ? 'progress' : `${batch.events.map(({ key }) => key).join(' ')} @${batch.revision}`

test('what history has of several revisions comes as one batch, what follows revision by revision', async () => {
  const startRevision = await write('merged/', 'a', 'b', 'c')
  const watch = store.watch({ prefix: 'merged/' }, { startRevision, mergeBytesMax: 1 << 20 })
  const [history] = await take(watch, 1)
  expect(history).toMatchObject({ fromHistory: true, fragment: false, currentRevision: startRevision + 2 })
  expect(history && shortOf(history)).toBe(`merged/0 merged/1 merged/2 @${startRevision + 2}`)
  expect(watch.revision).toBe(startRevision + 2)
  await write('merged/', 'd', 'e')
  const followed = await take(watch, 2)
  expect(followed.map(shortOf)).toEqual([`merged/0 @${startRevision + 3}`, `merged/1 @${startRevision + 4}`])
  expect(followed.map((batch) => batch.type === 'events' && batch.fromHistory)).toEqual([false, false])
  await watch.close()
})

test('no more comes as one batch than was asked for, and parts of it say how far they go', async () => {
  const large = 'x'.repeat(1000)
  const startRevision = await write('large/', large, large, large, large, large)
  const watch = store.watch({ prefix: 'large/' }, { startRevision, mergeBytesMax: 4000, fragmentBytesMax: 1500 })
  expect((await take(watch, 1)).map(shortOf)).toEqual([`large/0 @${startRevision}`])
  expect(watch.revision).toBe(startRevision)
  expect((await take(watch, 4)).map(shortOf)).toEqual([1, 2, 3, 4].map((at) => `large/${at} @${startRevision + at}`))
  await watch.close()
})

/** Lets nobody in by itself. */
class Turnstile implements WatchTurns {
  readonly asked: string[] = []
  #open: (() => void) | undefined

  async run<T>(kind: 'take' | 'history', step: () => Promise<T | undefined>): Promise<T | undefined> {
    this.asked.push(kind)
    await new Promise<void>((resolve) => {
      this.#open = resolve
    })
    return step()
  }

  /** Resolves with how to let the one in who waits, or comes next. */
  async waiting(): Promise<() => void> {
    while (this.#open === undefined) await new Promise((resolve) => setImmediate(resolve))
    const open = this.#open
    this.#open = undefined
    return open
  }

  async turn(): Promise<void> {
    const open = await this.waiting()
    open()
  }
}

test('a watch takes what waits for it, and reads history, only in its turn', async () => {
  const startRevision = await write('turns/', 'a')
  const turnstile = new Turnstile()
  const watch = store.watch({ prefix: 'turns/' }, { startRevision, turns: turnstile })
  const first = take(watch, 1)
  expect(watch.revision).toBe(startRevision - 1)
  await turnstile.turn()
  await turnstile.turn()
  expect((await first).map(shortOf)).toEqual([`turns/0 @${startRevision}`])
  expect(turnstile.asked).toEqual(['history', 'take'])
  // Of what happens meanwhile nothing is lost, and it needs no history.
  const second = take(watch, 2)
  await write('turns/', 'b', 'c')
  await turnstile.turn()
  await turnstile.turn()
  expect((await second).map(shortOf)).toEqual([`turns/0 @${startRevision + 1}`, `turns/1 @${startRevision + 2}`])
  expect(turnstile.asked).toEqual(['history', 'take', 'take', 'take'])
  await watch.close()
})

test('a watch that is closed while it waits for its turn ends', async () => {
  const turnstile = new Turnstile()
  const watch = store.watch('closed/0', { startRevision: await write('closed/', 'a'), turns: turnstile })
  const next = watch.batches()[Symbol.asyncIterator]().next()
  const letIn = await turnstile.waiting()
  await watch.close()
  letIn()
  expect(await next).toEqual({ done: true, value: undefined })
})
