/**
 * Bugs planted between a member and its users or its disk: a run that does not find one is itself broken.
 *
 * Always: each decides by what it is asked, so that a shrunk plan meets it, too.
 */
import type { Disk, Store } from '../../src/index.js'
import type { RunOptions } from '../../src/testing/index.js'

type Plant = NonNullable<RunOptions['plant']>

export const CANARIES = {
  /** Reads are answered from whatever the member has. */
  'stale-read': (): Plant => ({
    store: (store) =>
      instead(store, {
        get: (key, options) => store.get(key, { ...options, consistency: 'local' }),
        range: (selection, options) => store.range(selection, { ...options, consistency: 'local' }),
      }),
  }),
  /** Some writes are acknowledged and not done. */
  'lost-write': (): Plant => ({
    store: (store) =>
      instead(store, {
        put: (key, value, options) =>
          /^v\d*7\b/.test(String(value))
            ? Promise.resolve({ revision: store.status().revision, previous: undefined })
            : store.put(key, value, options),
      }),
  }),
  /** A write is called durable before it is. */
  'lying-disk': (): Plant => ({
    disk: (disk) =>
      instead(disk, {
        openDatabase: async (name, options) => {
          const database = await disk.openDatabase(name, options)
          const batch = (): unknown => {
            const chained = database.batch()
            return instead(chained, { write: () => chained.write() })
          }
          return instead(database, { batch: batch as typeof database.batch })
        },
      } satisfies Partial<Disk>),
  }),
  /** Some events are left out of every watch. */
  'lossy-watch': (): Plant => ({
    store: (store) =>
      instead(store, {
        watch: (selection, options) => {
          const watch = store.watch(selection, options)
          return instead(watch, {
            [Symbol.asyncIterator]: async function* () {
              for await (const event of watch) if (event.revision % 20 !== 0) yield event
            } as (typeof watch)[typeof Symbol.asyncIterator],
          })
        },
      } satisfies Partial<Store>),
  }),
} as const satisfies Readonly<Record<string, () => Plant>>

export type CanaryName = keyof typeof CANARIES

export function isCanary(name: string): name is CanaryName {
  return Object.hasOwn(CANARIES, name)
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
