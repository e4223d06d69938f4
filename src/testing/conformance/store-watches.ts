/** Watches: every change once, in order, from any revision that is kept, at the consumer's own pace. */
import { del, put } from '../../api/operations.js'
import type { Store, Watch, WatchBatch, WatchEvent } from '../../api/store.js'
import { check, equal, failureOf, rejectsAs, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

/** The next `count` events; the watch stays open. */
async function take(watch: Watch, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = []
  const iterator = watch[Symbol.asyncIterator]()
  while (events.length < count) {
    const next = await iterator.next()
    check(next.done !== true, `the watch ended after ${events.length} of ${count} events`)
    events.push(next.value)
  }
  return events
}

/** The next `count` batches; the watch stays open. */
async function takeBatches(watch: Watch, count: number): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = []
  const iterator = watch.batches()[Symbol.asyncIterator]()
  while (batches.length < count) {
    const next = await iterator.next()
    check(next.done !== true, `the watch ended after ${batches.length} of ${count} batches`)
    batches.push(next.value)
  }
  return batches
}

const shortBatch = (batch: WatchBatch): string =>
  batch.type === 'progress'
    ? `progress @${batch.revision}${batch.requested ? ' requested' : ''}`
    : `${batch.events.map(({ key }) => key).join(' ')} @${batch.revision}${batch.fragment ? ' and more' : ''}`

const short = ({ type, key, revision }: WatchEvent): string => `${type} ${key} @${revision}`

/** Undefined of a deletion. */
const textOf = (event: WatchEvent): string | undefined => (event.type === 'put' ? event.keyValue.text() : undefined)

async function fill(store: Store, from: number, to: number): Promise<void> {
  const nths = Array.from({ length: to - from }, (_, at) => from + at)
  await Promise.all(nths.map((nth) => store.put(`k${nth}`, `${nth}`)))
}

export const watches: StoreTests = {
  'shows what happens from now on, and nothing from before': async (store, { at }) => {
    await store.put('key', 'before')
    const watch = store.watch('key')
    await store.put('other', 'x')
    await store.put('key', 'after')
    await store.delete('key')
    const [changed, deleted] = await take(watch, 2)
    equal([changed && textOf(changed), changed?.created], ['after', false], 'the change')
    equal([deleted?.type, deleted?.key, deleted?.revision], ['delete', 'key', at(5)], 'the deletion')
    equal([deleted?.created, deleted?.keyValue.modRevision], [false, at(5)], 'what a deletion carries')
  },

  'shows the past from any revision that is kept, and goes on with the present': async (store, { at }) => {
    await store.put('a', '1')
    await store.put('b', '2')
    await store.delete('a')
    const watch = store.watch({ all: true }, { startRevision: at(3) })
    equal((await take(watch, 2)).map(short), [`put b @${at(3)}`, `delete a @${at(4)}`], 'the past')
    await store.put('a', '3')
    const [event] = await take(watch, 1)
    equal([event && short(event), event?.created], [`put a @${at(5)}`, true], 'the present')
  },

  'waits for a revision that has not come yet': async (store, { at }) => {
    const watch = store.watch({ all: true }, { startRevision: at(4) })
    for (const key of ['a', 'b', 'c']) await store.put(key, 'x')
    equal((await take(watch, 1)).map(short), [`put c @${at(4)}`], 'the first event')
  },

  'keeps the events of one transaction together, in their order': async (store, { at }) => {
    await store.put('z', 'x')
    const watch = store.watch({ all: true }, { startRevision: at(3) })
    await store.txn({ success: [put('b', '1'), del('z'), put('a', '2')] })
    await store.put('last', 'x')
    const events = (await take(watch, 4)).map(short)
    equal(events, [`put b @${at(3)}`, `delete z @${at(3)}`, `put a @${at(3)}`, `put last @${at(4)}`], 'events')
  },

  'shows only the keys and the kinds that were asked for': async (store) => {
    const puts = store.watch({ prefix: 'a/' }, { filter: { deletes: false } })
    const deletes = store.watch({ from: 'a/2' }, { filter: { puts: false } })
    for (const key of ['a', 'a/1', 'a/2', 'b']) await store.put(key, 'x')
    for (const key of ['b', 'a/2', 'a/1', 'a']) await store.delete(key)
    await store.put('a/3', 'x')
    await store.put('c', 'x')
    await store.delete('c')
    equal(
      (await take(puts, 3)).map(({ key }) => key),
      ['a/1', 'a/2', 'a/3'],
      'puts under the prefix',
    )
    equal(
      (await take(deletes, 3)).map(({ key }) => key),
      ['b', 'a/2', 'c'],
      'deletions from the key on',
    )
  },

  'shows nothing of an interval without keys': async (store) => {
    const watch = store.watch({ from: 'b', to: 'a' })
    const next = watch[Symbol.asyncIterator]().next()
    await store.put('a', 'x')
    await store.put('b', 'x')
    await watch.close()
    equal((await next).done, true, 'the end of the watch')
  },

  'brings the version before, if asked for and still there': async (store, { at }) => {
    await store.put('key', 'one')
    const watch = store.watch('key', { previous: true, startRevision: at(2) })
    await store.put('key', 'two')
    await store.delete('key')
    const previous = (await take(watch, 3)).map((event) => event.previous?.text())
    equal(previous, [undefined, 'one', 'two'], 'versions before')
    const [plain] = await take(store.watch('key', { startRevision: at(3) }), 1)
    equal(plain?.previous, undefined, 'without being asked')
  },

  'goes on where another one stopped, by its revision': async (store, { at }) => {
    await fill(store, 0, 20)
    const first = store.watch({ all: true }, { startRevision: at(1) })
    const seen = await take(first, 7)
    equal(first.revision, at(8), 'where the first one is')
    await first.close()
    const second = store.watch({ all: true }, { startRevision: first.revision + 1 })
    const rest = await take(second, 13)
    const revisions = [...seen, ...rest].map(({ revision }) => revision)
    equal(
      revisions,
      Array.from({ length: 20 }, (_, nth) => at(2) + nth),
      'revisions seen by both',
    )
  },

  'leaves no gap between past and present while others write': async (store, { at }) => {
    await fill(store, 0, 100)
    const writing = fill(store, 100, 400)
    const watch = store.watch({ prefix: 'k' }, { startRevision: at(2) })
    const events = await take(watch, 400)
    await writing
    const revisions = events.map(({ revision }) => revision)
    equal(
      revisions,
      Array.from({ length: 400 }, (_, nth) => at(2) + nth),
      'revisions',
    )
  },

  'gives a slow consumer everything, and makes nobody wait for it': async (store, { at, many: count }) => {
    const slow = store.watch({ prefix: 'k' })
    const fast = store.watch({ prefix: 'k' })
    const started = await Promise.all([store.put('k', 'first'), take(slow, 1), take(fast, 1)])
    check(started.length === 3, 'unreachable')
    await fill(store, 0, count)
    equal((await take(fast, count)).length, count, 'events of the fast one')
    const revisions = (await take(slow, count)).map(({ revision }) => revision)
    equal(revisions[0], at(3), 'the first revision')
    check(
      revisions.every((revision, nth) => revision === at(3) + nth),
      'the slow one has a gap',
    )
  },

  'says that history is gone, and from where it can be read': async (store, { at }) => {
    await fill(store, 0, 10)
    await store.compact(at(8))
    const watch = store.watch({ all: true }, { startRevision: at(5) })
    const error = await rejectsWith('COMPACTED', () => take(watch, 1), 'a watch from before the compaction')
    equal(error.compactRevision, at(8), 'compactRevision')
    const from = error.compactRevision ?? 0
    equal((await take(store.watch({ all: true }, { startRevision: from }), 4)).length, 4, 'events from there on')
  },

  'does not end what is up to date when history is compacted': async (store, { at }) => {
    const watch = store.watch({ all: true })
    await fill(store, 0, 5)
    equal((await take(watch, 5)).length, 5, 'events before')
    await store.compact(at(6))
    await store.put('after', 'x')
    equal((await take(watch, 1)).map(short), [`put after @${at(7)}`], 'the event after')
  },

  'hands out bytes that nobody else holds': async (store) => {
    const [one, other] = [store.watch('key'), store.watch('key')]
    await store.put('key', 'value')
    const [first] = await take(one, 1)
    if (first?.type === 'put') first.keyValue.value.fill(0)
    const [second] = await take(other, 1)
    equal(second && textOf(second), 'value', 'the other watch')
    equal((await store.get('key'))?.text(), 'value', 'the store')
  },

  'answers calls of next in their order, also those made at once': async (store, { at }) => {
    const iterator = store.watch({ all: true }, { previous: true })[Symbol.asyncIterator]()
    const calls = Array.from({ length: 6 }, () => iterator.next())
    await fill(store, 0, 6)
    const revisions = (await Promise.all(calls)).map((next) => (next.done === true ? undefined : next.value.revision))
    equal(revisions, [2, 3, 4, 5, 6, 7].map(at), 'revisions')
  },

  'ends without an error with its signal': async (store, { at }) => {
    const controller = new AbortController()
    const watch = store.watch({ all: true }, { signal: controller.signal })
    const seen: string[] = []
    const loop = (async () => {
      for await (const event of watch) {
        seen.push(short(event))
        controller.abort()
      }
    })()
    await store.put('a', 'x')
    await store.put('b', 'x')
    await loop
    equal(seen, [`put a @${at(2)}`], 'events before the end')
    const idle = new AbortController()
    const waiting = take(store.watch('never', { signal: idle.signal }), 1)
    idle.abort()
    check(String(await failureOf(() => waiting)).includes('the watch ended'), 'a watch that waits did not end')
    const over = store.watch('key', { signal: AbortSignal.abort() })
    equal((await over[Symbol.asyncIterator]().next()).done, true, 'with a signal that was aborted before')
  },

  'ends when it is closed or its loop is left, and only it': async (store, { at }) => {
    const [closed, left, stays] = [store.watch('key'), store.watch('key'), store.watch('key')]
    const waiting = closed[Symbol.asyncIterator]().next()
    await closed.close()
    await closed.close()
    equal((await waiting).done, true, 'a call of next under way')
    await store.put('key', 'one')
    for await (const event of left) {
      equal(event.revision, at(2), 'the event')
      break
    }
    equal((await left[Symbol.asyncIterator]().next()).done, true, 'a loop that was left')
    await store.put('key', 'two')
    equal((await take(stays, 2)).length, 2, 'events of the one that stays')
  },

  'gives the events of a revision as one batch, or in parts that are as large as was asked for': async (
    store,
    { at, prefixBytes },
  ) => {
    const operations = ['a', 'b', 'c', 'd'].map((key) => put(key, key === 'b' ? 'x'.repeat(100) : 'x'.repeat(9)))
    const whole = store.watch({ all: true })
    const parts = store.watch({ all: true }, { fragmentBytesMax: 20 + 2 * prefixBytes })
    await store.txn({ success: operations })
    await store.put('last', 'x')
    equal((await takeBatches(whole, 2)).map(shortBatch), [`a b c d @${at(2)}`, `last @${at(3)}`], 'batches')
    equal(
      (await takeBatches(parts, 2)).map(shortBatch),
      [`a @${at(2)} and more`, `b @${at(2)} and more`],
      'the first parts',
    )
    equal(parts.revision, at(1), 'where the watch is in the middle of a revision')
    equal((await takeBatches(parts, 2)).map(shortBatch), [`c d @${at(2)}`, `last @${at(3)}`], 'the other parts')
    equal(parts.revision, at(3), 'where the watch is behind it')
    const [batch] = await takeBatches(store.watch({ all: true }, { startRevision: at(2) }), 1)
    equal(batch?.type === 'events' && batch.currentRevision, at(3), 'what the member is at')
  },

  'tells of its progress when asked, behind all events and never ahead of one': async (store, { at }) => {
    await fill(store, 0, 30)
    const watch = store.watch({ prefix: 'k' }, { startRevision: at(2) })
    watch.requestProgress()
    watch.requestProgress()
    const batches = await takeBatches(watch, 31)
    equal(batches.slice(-1).map(shortBatch), [`progress @${at(31)} requested`], 'what comes behind the events')
    await store.put('other', 'x')
    watch.requestProgress()
    equal(
      (await takeBatches(watch, 1)).map(shortBatch),
      [`progress @${at(32)} requested`],
      'though nothing was delivered',
    )
    equal(watch.revision, at(32), 'where the watch is')
  },

  'tells of no progress before the revision is reached that it waits for': async (store, { at }) => {
    const watch = store.watch('key', { startRevision: at(4) })
    watch.requestProgress()
    for (const value of ['1', '2', '3']) await store.put('key', value)
    watch.requestProgress()
    equal((await takeBatches(watch, 2)).map(shortBatch), [`key @${at(4)}`, `progress @${at(4)} requested`], 'batches')
  },

  'tells of its progress by itself while nothing is delivered': async (store) => {
    const watch = store.watch('key', { progress: { everyMs: 100 } })
    const { revision } = await store.put('other', 'x')
    equal((await takeBatches(watch, 1)).map(shortBatch), [`progress @${revision}`], 'the notice')
    await store.put('key', 'x')
    equal((await takeBatches(watch, 1)).map(shortBatch), [`key @${revision + 1}`], 'the event')
    await watch.close()
  },

  'says that it is open, and misses nothing from then on': async (store, { at }) => {
    const watch = store.watch('key')
    await watch.opened()
    await watch.opened()
    await store.put('key', 'x')
    equal((await take(watch, 1)).map(short), [`put key @${at(2)}`], 'events')
    await watch.close()
    await watch.opened()
  },

  'is consumed in one way only, and event by event shows no notices': async (store, { at }) => {
    const byEvent = store.watch('key')
    byEvent.requestProgress()
    const events = take(byEvent, 1)
    await store.put('key', 'x')
    equal((await events).map(short), [`put key @${at(2)}`], 'events')
    await rejectsAs(TypeError, () => byEvent.batches(), 'batches of what is taken event by event')
    const byBatch = store.watch('key')
    byBatch.batches()
    await rejectsAs(TypeError, () => byBatch[Symbol.asyncIterator](), 'events of what is taken by batches')
  },

  'refuses what cannot be watched': async (store) => {
    await rejectsWith('EMPTY_KEY', () => store.watch(''), 'an empty key')
    for (const startRevision of [-1, 1.5, NaN]) {
      await rejectsWith('INVALID_REVISION', () => store.watch('key', { startRevision }), `revision ${startRevision}`)
    }
    await rejectsAs(TypeError, () => store.watch(5 as unknown as string), 'a number for a key')
    for (const everyMs of [99, -1, NaN, Infinity]) {
      await rejectsAs(RangeError, () => store.watch('key', { progress: { everyMs } }), `progress every ${everyMs} ms`)
    }
    const never = false as unknown as true
    await rejectsAs(TypeError, () => store.watch('key', { progress: never }), 'progress that is false')
    await rejectsAs(RangeError, () => store.watch('key', { fragmentBytesMax: 0 }), 'parts of nothing')
    await rejectsAs(RangeError, () => store.watch('key', { mergeBytesMax: NaN }), 'batches of nothing')
    const controller = new AbortController() as unknown as AbortSignal
    await rejectsAs(TypeError, () => store.watch('key', { signal: controller }), 'a controller for a signal')
  },
}
