/** The net is shown to hold: bugs planted between a member and its world are found within a few seeds. */
import type { Disk, Store } from 'quorate'
import { runSwarm, type SwarmOptions } from 'quorate/testing'
import { describe, expect, test } from 'vitest'

const SEEDS = 40

async function firstFailure(plant: NonNullable<SwarmOptions['plant']>): Promise<string> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await runSwarm({ seed, plant })
    if (failure !== undefined) return failure.message
  }
  return `not found in ${SEEDS} seeds`
}

/** An object that does as `target` does, but for the methods given. */
function instead<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = name in methods ? Reflect.get(methods, name) : Reflect.get(object, name)
      return typeof value === 'function' ? (value.bind(name in methods ? methods : object) as unknown) : value
    },
  })
}

describe('the simulation finds', () => {
  test('reads that are answered from whatever the member has', async () => {
    const stale = (store: Store): Store =>
      instead(store, { range: (selection) => store.range(selection, { consistency: 'local' }) })
    expect(await firstFailure({ store: stale })).toMatch(/history violated: read .* though .* before/)
  })

  test('a disk that calls a write durable before it is', async () => {
    const lying = (disk: Disk): Disk =>
      instead(disk, {
        openDatabase: async (name, options) => {
          const database = await disk.openDatabase(name, options)
          const batch = (): unknown => {
            const chained = database.batch()
            return instead(chained, { write: () => chained.write() })
          }
          return instead(database, { batch: batch as typeof database.batch })
        },
      })
    expect(await firstFailure({ disk: lying })).toMatch(/violated|damaged|could not open/)
  })

  test('a write that is acknowledged and not done', async () => {
    let puts = 0
    const forgetful = (store: Store): Store =>
      instead(store, {
        put: (key, value, options) =>
          ++puts % 50 === 0
            ? Promise.resolve({ revision: store.status().revision, previous: undefined })
            : store.put(key, value, options),
      })
    expect(await firstFailure({ store: forgetful })).toMatch(/history violated: put .* was acknowledged/)
  })

  test('a watch that leaves an event out', async () => {
    let events = 0
    const lossy = (store: Store): Store =>
      instead(store, {
        watch: (selection, options) => {
          const watch = store.watch(selection, options)
          return instead(watch, {
            [Symbol.asyncIterator]: async function* () {
              for await (const event of watch) if (++events % 200 !== 0) yield event
            } as (typeof watch)[typeof Symbol.asyncIterator],
          })
        },
      })
    expect(await firstFailure({ store: lossy })).toMatch(/history violated: (the watch of|history goes from)/)
  })
})
