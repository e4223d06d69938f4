import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { prefixEnd } from '../../src/base/bytes.js'
import { LIMITS } from '../../src/base/limits.js'
import type { Event } from '../../src/mvcc/types.js'
import { WatchHub, type WatchOptions } from '../../src/watch/hub.js'
import type { WatchBatch } from '../../src/watch/buffers.js'
import type { Watcher } from '../../src/watch/watcher.js'
import { codeOf } from '../code-of.js'

function event(key: string, modRevision: number, type: 'put' | 'delete' = 'put', bytes = 0): Event {
  const value = new Uint8Array(bytes)
  return { type, keyValue: { key, value, createRevision: 1, modRevision, version: 1, lease: 0n }, previous: undefined }
}

/** A hub whose store is at revision 1. */
function world(compactRevision = 0) {
  const hub = new WatchHub(compactRevision)
  const history: WatchBatch[] = []
  let revision = 1
  return {
    hub,
    get revision() {
      return revision
    },
    history,
    open: (key: string, more: Partial<WatchOptions> = {}) => hub.open({ key, currentRevision: revision, ...more }),
    publish: (...keys: readonly string[]) => {
      revision++
      const events = keys.map((key) =>
        key.startsWith('-') ? event(key.slice(1), revision, 'delete') : event(key, revision),
      )
      history.push({ revision, events })
      hub.publish(revision, events)
    },
    /** One step of catching up, as a member does it. */
    supply: (watcher: Watcher, revisionsMax = Infinity) => {
      const from = watcher.needsHistoryFrom
      if (from === undefined) return
      const through = Math.min(revision, from + revisionsMax - 1)
      watcher.supply(
        history.filter((batch) => batch.revision >= from && batch.revision <= through),
        through,
      )
    },
  }
}

function drain(watcher: Watcher): string[] {
  const seen: string[] = []
  for (let batch = watcher.take(); batch !== undefined; batch = watcher.take()) {
    seen.push(
      `${batch.revision}: ${batch.events.map(({ type, keyValue }) => (type === 'put' ? '' : '-') + keyValue.key).join(' ')}`,
    )
  }
  return seen
}

describe('a live watch', () => {
  test('sees from the next revision on what is published for its key', () => {
    const { open, publish } = world()
    publish('a')
    const watcher = open('a')
    publish('a')
    publish('b')
    publish('a')
    expect(drain(watcher)).toEqual(['3: a', '5: a'])
    expect(watcher.state).toBe('live')
  })

  test('of a range, a prefix, from a key on and everything, sees exactly what lies in it', () => {
    const { open, publish } = world()
    const watchers = {
      range: open('a', { rangeEnd: 'b/2' }),
      prefix: open('b/', { rangeEnd: prefixEnd('b/') }),
      from: open('b/', { rangeEnd: '\0' }),
      all: open('\0', { rangeEnd: '\0' }),
      last: open('\xff', { rangeEnd: prefixEnd('\xff') }),
      empty: open('c', { rangeEnd: 'a' }),
    }
    publish('a', 'b', 'b/', 'b/1', 'b/2', 'b0', '\xff', '\xff\xff')
    expect(
      Object.fromEntries(Object.entries(watchers).map(([name, watcher]) => [name, drain(watcher).join()])),
    ).toEqual({
      range: '2: a b b/ b/1',
      prefix: '2: b/ b/1 b/2',
      from: '2: b/ b/1 b/2 b0 \xff \xff\xff',
      all: '2: a b b/ b/1 b/2 b0 \xff \xff\xff',
      last: '2: \xff \xff\xff',
      empty: '',
    })
  })

  test('filters by kind, and is not told of revisions of which nothing is left', () => {
    const { open, publish } = world()
    const [puts, deletes, none] = [
      open('a', { rangeEnd: 'z', noDelete: true }),
      open('a', { rangeEnd: 'z', noPut: true }),
      open('a', { noPut: true, noDelete: true }),
    ]
    publish('a', '-b')
    publish('a')
    publish('-a')
    expect([drain(puts), drain(deletes), drain(none)]).toEqual([['2: a', '3: a'], ['2: -b', '4: -a'], []])
  })

  test('gets the events of one revision together, in their order', () => {
    const { open, publish } = world()
    const watcher = open('a', { rangeEnd: 'z' })
    publish('c', 'a', '-b')
    expect(drain(watcher)).toEqual(['2: c a -b'])
  })

  test('of equal filters shares its batches with the others', () => {
    const { open, publish } = world()
    const [one, other] = [open('a', { rangeEnd: 'z' }), open('a', { rangeEnd: 'z' })]
    publish('c')
    expect(one.take()).toBe(other.take())
  })

  test('from a future revision sees nothing older, and claims nothing beyond', () => {
    const { open, publish } = world()
    const watcher = open('a', { startRevision: 4 })
    publish('a')
    expect([drain(watcher), watcher.progressRevision, watcher.needsHistoryFrom]).toEqual([[], 3, undefined])
    publish('a')
    publish('a')
    expect([drain(watcher), watcher.progressRevision]).toEqual([['4: a'], 4])
  })

  test('is woken once something is there, and no sooner than all watches have it', () => {
    const { open, publish } = world()
    const [one, other] = [open('a'), open('a', { rangeEnd: 'z' })]
    const woken: string[] = []
    one.onWake = () => woken.push(`one ${other.progressRevision} ${drain(other).join()}`)
    other.onWake = () => woken.push('other')
    publish('b')
    expect(woken).toEqual(['other'])
    drain(other)
    publish('a')
    expect(woken).toEqual(['other', 'one 2 3: a', 'other'])
  })

  test('progress covers what was taken, and all that did not concern it', () => {
    const { open, publish } = world()
    const watcher = open('a')
    publish('b')
    expect(watcher.progressRevision).toBe(2)
    publish('a')
    publish('b')
    expect(watcher.progressRevision).toBe(2)
    drain(watcher)
    expect(watcher.progressRevision).toBe(4)
  })
})

describe('a watch from the past', () => {
  test('asks for history, and follows once it has all of it', () => {
    const { open, publish, supply } = world()
    publish('a')
    publish('b')
    publish('a')
    const watcher = open('a', { startRevision: 2 })
    expect([watcher.state, watcher.needsHistoryFrom, watcher.progressRevision]).toEqual(['lagging', 2, 1])
    supply(watcher, 2)
    expect([watcher.state, drain(watcher), watcher.needsHistoryFrom]).toEqual(['lagging', ['2: a'], 4])
    supply(watcher, 2)
    expect([watcher.state, drain(watcher), watcher.progressRevision]).toEqual(['live', ['4: a'], 4])
    publish('a')
    expect(drain(watcher)).toEqual(['5: a'])
  })

  test('what is published while history is read is neither missed nor seen twice', () => {
    const { open, publish, history } = world()
    publish('a')
    publish('a')
    const watcher = open('a', { startRevision: 2 })
    const read = [...history]
    publish('a')
    watcher.supply(read, 3)
    expect([watcher.state, drain(watcher), watcher.needsHistoryFrom]).toEqual(['lagging', ['2: a', '3: a'], 4])
    watcher.supply([...history], 4)
    expect(drain(watcher)).toEqual(['4: a'])
  })

  test('what was applied but not yet published when it was opened is not seen twice', () => {
    const { hub } = world()
    const watcher = hub.open({ key: 'a', startRevision: 2, currentRevision: 3 })
    watcher.supply(
      [
        { revision: 2, events: [event('a', 2)] },
        { revision: 3, events: [event('a', 3)] },
      ],
      3,
    )
    hub.publish(2, [event('a', 2)])
    hub.publish(3, [event('a', 3)])
    hub.publish(4, [event('a', 4)])
    expect(drain(watcher)).toEqual(['2: a', '3: a', '4: a'])
  })

  test('from before the compaction fails at once; from exactly there it does not', () => {
    const { open } = world(5)
    const failed = open('a', { startRevision: 4, currentRevision: 9 })
    expect(failed.failure).toMatchObject({ code: 'COMPACTED', compactRevision: 5 })
    expect([failed.needsHistoryFrom, failed.take()]).toEqual([undefined, undefined])
    expect(open('a', { startRevision: 5, currentRevision: 9 }).needsHistoryFrom).toBe(5)
  })
})

describe('a watch whose consumer is slow', () => {
  const full = LIMITS.watchBufferEventsMax

  test('falls behind when its queue is full, costs nothing further, and is caught up later', () => {
    const { open, publish, supply, revision } = world()
    const [slow, quick] = [open('a'), open('a')]
    for (let count = 0; count < full + 10; count++) {
      publish('a')
      expect(drain(quick)).toHaveLength(1)
    }
    expect([slow.state, slow.needsHistoryFrom, quick.state]).toEqual(['lagging', undefined, 'live'])
    const seen = drain(slow)
    expect(seen).toHaveLength(full)
    expect(slow.needsHistoryFrom).toBe(revision + full + 1)
    supply(slow)
    expect(slow.state).toBe('live')
    seen.push(...drain(slow))
    publish('a')
    seen.push(...drain(slow))
    expect(seen).toEqual(Array.from({ length: full + 11 }, (_, at) => `${at + 2}: a`))
  })

  test('a queue is bounded by bytes as well, and so is what is supplied', () => {
    const { hub } = world()
    const watcher = hub.open({ key: 'a', currentRevision: 1 })
    const large = LIMITS.watchBufferBytesMax / 2 - 1000
    const batches = [2, 3, 4, 5, 6].map((revision) => ({ revision, events: [event('a', revision, 'put', large)] }))
    for (const { revision, events } of batches) hub.publish(revision, events)
    expect([watcher.state, drain(watcher), watcher.needsHistoryFrom]).toEqual(['lagging', ['2: a', '3: a'], 4])
    watcher.supply(batches, 6)
    expect([watcher.state, drain(watcher), watcher.needsHistoryFrom]).toEqual(['lagging', ['4: a', '5: a'], 6])
    watcher.supply(batches, 6)
    expect([watcher.state, drain(watcher)]).toEqual(['live', ['6: a']])
  })

  test('a revision larger than the queue is still delivered, whole', () => {
    const { open, publish } = world()
    const watcher = open('a', { rangeEnd: 'z' })
    publish(...Array.from({ length: full * 2 }, (_, at) => `k${at}`))
    expect(watcher.take()?.events).toHaveLength(full * 2)
    expect(watcher.state).toBe('live')
  })

  test('fails when what it misses is compacted, after what it has', () => {
    const { open, publish, hub } = world()
    const watcher = open('a')
    for (let count = 0; count < full + 2; count++) publish('a')
    let woken = 0
    watcher.onWake = () => woken++
    hub.compacted(full + 2)
    expect(watcher.failure).toBeUndefined()
    hub.compacted(full + 3)
    expect([woken, watcher.failure?.code, watcher.failure?.compactRevision]).toEqual([1, 'COMPACTED', full + 3])
    expect(drain(watcher)).toHaveLength(full)
    watcher.supply([], full + 3)
    expect([watcher.state, watcher.needsHistoryFrom]).toEqual(['failed', undefined])
  })
})

describe('the hub', () => {
  test('forgets a watch that is closed, and counts those that are open', () => {
    const { hub, open, publish } = world(3)
    const watchers = [
      open('a'),
      open('a', { rangeEnd: 'b' }),
      open('a', { rangeEnd: 'c', startRevision: 3, currentRevision: 9 }),
    ]
    const failed = open('a', { startRevision: 1 })
    expect([hub.size, failed.state]).toEqual([3, 'failed'])
    for (const watcher of [...watchers, failed]) {
      watcher.close()
      watcher.close()
    }
    expect(hub.size).toBe(0)
    publish('a')
    expect(watchers.map((watcher) => [watcher.take(), watcher.needsHistoryFrom])).toEqual(
      watchers.map(() => [undefined, undefined]),
    )
  })

  test('of two prefixes of one length, the one that is left still sees its keys', () => {
    const { open, publish } = world()
    const [one, other] = [open('a/', { rangeEnd: 'a0' }), open('b/', { rangeEnd: 'b0' })]
    one.close()
    publish('a/1', 'b/1')
    expect(drain(other)).toEqual(['2: b/1'])
  })

  test('a watch that closes another while it is woken does no harm', () => {
    const { open, publish } = world()
    const [one, other] = [open('a'), open('a')]
    one.onWake = () => other.close()
    publish('a')
    expect([drain(one), drain(other)]).toEqual([['2: a'], []])
  })

  test('a jump of the store sends every watch to history, and none back', () => {
    const { hub } = world()
    const [watcher, future] = [
      hub.open({ key: 'a', currentRevision: 1 }),
      hub.open({ key: 'a', currentRevision: 1, startRevision: 60 }),
    ]
    hub.publish(2, [event('a', 2)])
    hub.publish(3, [event('b', 3)])
    hub.jumped(50, 4)
    expect(drain(watcher)).toEqual(['2: a'])
    expect(watcher.needsHistoryFrom).toBe(4)
    watcher.supply([{ revision: 20, events: [event('a', 20)] }], 50)
    future.supply([], 50)
    hub.publish(51, [event('a', 51)])
    hub.publish(60, [event('a', 60)])
    expect([drain(watcher), drain(future)]).toEqual([['20: a', '51: a', '60: a'], ['60: a']])
  })

  test('a jump over what a watch still needs, compacted, fails it', () => {
    const { hub } = world()
    const watcher = hub.open({ key: 'a', currentRevision: 1 })
    hub.publish(2, [event('b', 2)])
    hub.jumped(50, 10)
    expect(watcher.failure?.compactRevision).toBe(10)
  })

  test('refuses an empty key and a revision that is none; revisions are published in order', () => {
    const { open, hub } = world()
    expect(codeOf(() => open(''))).toBe('EMPTY_KEY')
    expect(codeOf(() => open('a', { startRevision: -1 }))).toBe('INVALID_REVISION')
    hub.publish(2, [event('a', 2)])
    expect(() => hub.publish(2, [event('a', 2)])).toThrow(AssertionError)
  })
})

describe('a notice of progress', () => {
  test('says nothing while anything is to be delivered, or the watch is behind, or its start lies in the future', () => {
    const { open, publish, supply } = world()
    const [now, future] = [open('a'), open('a', { startRevision: 4 })]
    expect([now.settledRevision, future.settledRevision]).toEqual([1, undefined])
    publish('b')
    expect([now.settledRevision, future.settledRevision]).toEqual([2, undefined])
    publish('a')
    expect(now.settledRevision).toBeUndefined()
    drain(now)
    expect([now.settledRevision, future.settledRevision]).toEqual([3, undefined])
    publish('b')
    expect([now.settledRevision, future.settledRevision]).toEqual([4, 4])
    const past = open('a', { startRevision: 2 })
    expect(past.settledRevision).toBeUndefined()
    supply(past)
    expect(past.settledRevision).toBeUndefined()
    drain(past)
    expect(past.settledRevision).toBe(4)
  })
})

describe('the buffers of all watches', () => {
  const BYTES = 1024 * 1024
  const fullAfter = LIMITS.watchBuffersBytesMax / BYTES

  /** Watches of keys of their own, each of which is given a megabyte; only those in `awaited` have consumers that wait. */
  function flooded(count: number, awaited: (at: number) => boolean = () => false) {
    const hub = new WatchHub(0)
    const watchers = Array.from({ length: count }, (_, at) => hub.open({ key: `k${at}`, currentRevision: 1 }))
    watchers.forEach((watcher, at) => {
      watcher.awaited = awaited(at)
      hub.publish(at + 2, [event(`k${at}`, at + 2, 'put', BYTES)])
    })
    return { hub, watchers }
  }

  test('are bounded together: who comes when they are full is caught up from history', () => {
    const { hub, watchers } = flooded(fullAfter + 20)
    expect(hub.bufferedBytes).toBeGreaterThanOrEqual(LIMITS.watchBuffersBytesMax)
    expect(hub.bufferedBytes).toBeLessThan(LIMITS.watchBuffersBytesMax + 2 * BYTES)
    expect(watchers.slice(-19).map(({ state }) => state)).toEqual(Array.from({ length: 19 }, () => 'lagging'))
    expect(watchers.at(-1)?.needsHistoryFrom).toBe(fullAfter + 21)
    for (const watcher of watchers) watcher.close()
    expect(hub.bufferedBytes).toBe(0)
  })

  test('do not make a consumer late who waits', () => {
    const { watchers } = flooded(fullAfter + 20, (at) => at >= fullAfter)
    expect(watchers.slice(-20).map((watcher) => [watcher.state, watcher.take()?.events.length])).toEqual(
      Array.from({ length: 20 }, () => ['live', 1]),
    )
  })

  test('count once what many watches wait with', () => {
    const hub = new WatchHub(0)
    const watchers = Array.from({ length: 500 }, () => hub.open({ key: 'k', currentRevision: 1 }))
    for (let revision = 2; revision < 5; revision++) hub.publish(revision, [event('k', revision, 'put', BYTES)])
    expect(hub.bufferedBytes).toBeLessThan(4 * BYTES)
    watchers.forEach((watcher) => drain(watcher))
    expect(hub.bufferedBytes).toBe(0)
  })

  test('of ten thousand watches, one that is never read makes none of the others late', () => {
    const hub = new WatchHub(0)
    const slow = hub.open({ key: 'k', rangeEnd: prefixEnd('k'), currentRevision: 1 })
    const woken: number[] = []
    const others = Array.from({ length: 10_000 }, (_, at) => {
      const watcher = hub.open({ key: `k${at}`, currentRevision: 1 })
      watcher.awaited = true
      watcher.onWake = () => woken.push(at)
      return watcher
    })
    others.forEach((watcher, at) => {
      hub.publish(at + 2, [event(`k${at}`, at + 2)])
      expect([woken.length, woken.at(-1), watcher.take()?.revision]).toEqual([at + 1, at, at + 2])
    })
    expect(slow.state).toBe('lagging')
    expect(others.every(({ state }) => state === 'live')).toBe(true)
  })
})
