/** Random work on an ordered database, and everything that can be seen of it: to hold two databases against each other. */
import fc from 'fast-check'
import type { Database } from '../../../src/storage/disk.js'

/** Around each other and around the last byte, and spread over several pages of a table. Never empty: LevelDB's clear() forgets that one. */
const key = fc.oneof(
  fc.constantFrom('\0', 'a', 'a\0', 'b', 'b\xff', 'c', '\x7f', '\x80', '\xff'),
  fc.nat(60).map((number) => `key ${number}`),
)
const value = fc.oneof(fc.string({ maxLength: 2 }), fc.constant('x'.repeat(3000)))
const bounds = fc.record(
  { gt: key, gte: key, lt: key, lte: key, reverse: fc.boolean(), limit: fc.integer({ min: -1, max: 6 }) },
  { requiredKeys: [] },
)

export const databaseStep = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key, value }),
  fc.record({ type: fc.constant('del' as const), key }),
  fc.record({
    type: fc.constant('batch' as const),
    changes: fc.array(fc.tuple(key, fc.option(value)), { maxLength: 8 }),
    sync: fc.boolean(),
  }),
  fc.record({ type: fc.constant('clear' as const), bounds }),
  fc.record({ type: fc.constant('list' as const), bounds }),
  fc.record({ type: fc.constant('seek' as const), bounds, key }),
  fc.record({ type: fc.constant('read' as const), key }),
  /** What an iterator gives whose database is written to meanwhile. */
  fc.record({ type: fc.constant('overtake' as const), bounds, key, value }),
)

export type DatabaseStep = typeof databaseStep extends fc.Arbitrary<infer T> ? T : never

/** Does it; resolves with what there was to see. */
export async function perform(database: Database, step: DatabaseStep): Promise<unknown> {
  switch (step.type) {
    case 'put':
      return database.put(step.key, Buffer.from(step.value))
    case 'del':
      return database.del(step.key)
    case 'batch': {
      const batch = database.batch()
      for (const [key, value] of step.changes) {
        if (value === null) batch.del(key)
        else batch.put(key, Buffer.from(value))
      }
      return batch.write({ sync: step.sync } as object)
    }
    case 'clear':
      return database.clear(step.bounds)
    case 'list':
      return [
        plain(await database.iterator(step.bounds).all()),
        await database.keys(step.bounds).all(),
        (await database.values(step.bounds).all()).map(text),
      ]
    case 'seek': {
      const iterator = database.iterator(step.bounds)
      const before = await iterator.next()
      iterator.seek(step.key)
      const after = await iterator.nextv(2)
      await iterator.close()
      return plain([...(before === undefined ? [] : [before]), ...after])
    }
    case 'read': {
      const several = await database.getMany(['a', step.key])
      return [await database.get(step.key), database.getSync(step.key), ...several].map(text)
    }
    case 'overtake': {
      const iterator = database.iterator(step.bounds)
      const first = await iterator.nextv(2)
      await database.put(step.key, Buffer.from(step.value))
      await database.del('a')
      const rest = await iterator.nextv(100)
      await iterator.close()
      return plain([...first, ...rest])
    }
  }
}

function plain(pairs: [string, Uint8Array][]): unknown {
  return pairs.map(([key, value]) => [key, text(value)])
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('latin1')
}
