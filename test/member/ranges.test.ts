/** What a read asks of the disk: nothing where the index knows the answer. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RangeOptions, Store } from '../../src/api/store.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { open } from '../../src/store/open.js'
import { temporaryFolder } from '../storage/disks.js'
import { observed } from './observed-disk.js'

describe('a range over a state that was loaded from disk', () => {
  test.each([
    ['countOnly', { countOnly: true }, 0],
    ['countOnly of an older revision', { countOnly: true, revision: 3 }, 0],
    ['keysOnly', { keysOnly: true }, 0],
    ['keysOnly with a limit', { keysOnly: true, limit: 1 }, 0],
    ['keysOnly and countOnly', { keysOnly: true, countOnly: true }, 0],
    ['keysOnly of an older revision, whose versions are in the records', { keysOnly: true, revision: 3 }, 2],
    ['keys with their values', {}, 2],
    ['the first by version', { sort: { by: 'version', order: 'descending' }, limit: 1 }, 1],
    ['the first by version, keys only', { sort: { by: 'version' }, limit: 1, keysOnly: true }, 0],
    ['keys in order of their versions', { sort: { by: 'version' }, keysOnly: true }, 0],
    ['the first by value, of which all must be seen', { sort: { by: 'value' }, limit: 1, keysOnly: true }, 2],
    ['the first by version at an older revision', { sort: { by: 'version' }, revision: 3, limit: 1 }, 2],
  ] satisfies [string, RangeOptions, number][])('reads for %s', async (_name, options, records) => {
    const { store, read } = await reopened()
    const { count } = await store.range({ all: true }, { consistency: 'local', ...options })
    expect(count).toBe(2)
    expect(read()).toBe(records)
  })

  test('keysOnly leaves out value and lease, whatever revision is read', async () => {
    const { store } = await reopened()
    for (const revision of [undefined, 3]) {
      const { items, count, more } = await store.range({ all: true }, { keysOnly: true, revision })
      expect([count, more]).toEqual([2, false])
      const shown = items.map(({ key, value, lease, version, createRevision, modRevision }) => {
        return [key, value.length, lease, version, createRevision, modRevision]
      })
      const second = revision === undefined ? [2, 3, 4] : [1, 3, 3]
      expect(shown).toEqual([
        ['a', 0, undefined, 1, 2, 2],
        ['b', 0, undefined, ...second],
      ])
    }
  })
})

/** A store with keys `a` and `b`, of which nothing is in memory but the index. */
async function reopened(): Promise<{ store: Store; read: () => number }> {
  const folder = temporaryFolder()
  const first = await open({ dataDir: folder })
  const { id } = await first.leases.grant({ ttlMs: 600_000 })
  await first.put('a', 'value', { lease: id })
  await first.put('b', 'value')
  await first.put('b', 'value', { lease: id })
  await first.close()
  let records = 0
  const disk = observed(levelDisk(folder), (keys) => (records += keys.length))
  const store = await open({ disk })
  onTestFinished(() => store.close())
  await store.ready()
  // What opening it read does not count.
  records = 0
  return { store, read: () => records }
}
