/** That the suite of disks finds what it looks for: each of its tests fails on a disk with a bug planted for it. */
import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import type { Database, DatabaseName, Disk, SlotFile } from '../../src/storage/disk.js'
import { diskConformance, type DiskHarness } from '../../src/testing/conformance/disk.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { PROMPT } from './disks.js'

type Batch = ReturnType<Database['batch']>
type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }
type Operations = Operation[]

interface Fault {
  readonly what: string
  /** The tests that are to fail. */
  readonly found: readonly string[]
  readonly harness: () => DiskHarness
}

/** Any method of a part in its place; the rest goes to the part. */
type Instead<Part> = Partial<Record<keyof Part, unknown>>

function override<Part extends object>(part: Part, instead: Instead<Part>): Part {
  return new Proxy(part, {
    get(target, name) {
      if (Object.hasOwn(instead, name)) return instead[name as keyof Part]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A simulated disk of which every handle is spoiled. */
function spoiled(spoil: (disk: Disk) => Instead<Disk>): () => DiskHarness {
  return () => {
    const disk = new SimDisk({ timers: PROMPT, seed: 1 })
    const mount = (of: SimDisk): Disk => {
      const mounted = of.mount()
      return override(mounted, spoil(mounted))
    }
    return {
      disk: () => mount(disk),
      afterDeath: () => {
        const left = new SimDisk({ timers: PROMPT, seed: 2 })
        left.restore(disk.copy())
        return mount(left)
      },
      afterPowerLoss: () => {
        disk.crash('power')
        return mount(disk)
      },
    }
  }
}

function spoiledDatabase(spoil: (database: Database) => Instead<Database>): () => DiskHarness {
  return spoiled((disk) => ({
    openDatabase: async (...given: Parameters<Disk['openDatabase']>) => {
      const database = await disk.openDatabase(...given)
      return override(database, spoil(database))
    },
  }))
}

/** Chained batches, gathered and then handed to `write`. */
function spoiledBatch(
  write: (database: Database, operations: Operations, options: object) => Promise<void>,
): () => DiskHarness {
  return spoiledDatabase((database) => ({
    batch: (...given: [] | [Operations, object]) => {
      if (given.length > 0) return write(database, ...(given as [Operations, object]))
      const operations: Operations = []
      const batch: object = override(database.batch(), {
        put: (key: string, value: Uint8Array) => {
          operations.push({ type: 'put', key, value })
          return batch as Batch
        },
        del: (key: string) => {
          operations.push({ type: 'del', key })
          return batch as Batch
        },
        write: (options: object) => write(database, operations, options),
      })
      return batch
    },
  }))
}

function spoiledSlots(spoil: (file: SlotFile) => Instead<SlotFile>): () => DiskHarness {
  return spoiled((disk) => ({
    openSlotFile: async (...given: Parameters<Disk['openSlotFile']>) => {
      const file = await disk.openSlotFile(...given)
      return override(file, spoil(file))
    },
  }))
}

/** A database with encodings of its own, as of a store that holds text only. */
function otherwiseEncoded(options: object): () => DiskHarness {
  return spoiled(() => ({
    openDatabase: async () => {
      const encoded = new MemoryLevel<string, Uint8Array>({ keyEncoding: 'latin1', valueEncoding: 'view', ...options })
      await encoded.open()
      return encoded
    },
  }))
}

const AS_BASE64 = {
  name: 'keys-as-text',
  format: 'utf8',
  encode: (key: string) => Buffer.from(key, 'latin1').toString('base64'),
  decode: (text: string) => Buffer.from(text, 'base64').toString('latin1'),
} as const
const AS_TEXT = {
  name: 'values-as-text',
  format: 'utf8',
  encode: (value: Uint8Array) => Buffer.from(value).toString('utf8'),
  decode: (text: string) => Buffer.from(text, 'utf8'),
} as const

const FAULTS: readonly Fault[] = [
  {
    what: 'finds an empty value where there is none',
    found: ['reads nothing where nothing was written'],
    harness: spoiledDatabase((database) => ({ getSync: (key: string) => database.getSync(key) ?? new Uint8Array() })),
  },
  {
    what: 'gives several records in the order of their keys, not in the order asked for',
    found: ['reads what was written, in every way there is to read'],
    harness: spoiledDatabase((database) => ({ getMany: (keys: string[]) => database.getMany(keys.toSorted()) })),
  },
  {
    what: 'tells a write before it can be read',
    found: ['sees a write in the moment in which it is told'],
    harness: spoiledBatch(async (database, operations, options) => {
      later()
        .then(() => database.batch(operations, options))
        .catch(() => undefined)
    }),
  },
  {
    what: 'writes a batch in two steps',
    found: ['writes a batch whole', 'has a batch that was under way whole, or not at all, when the process is gone'],
    harness: spoiledBatch(async (database, operations, options) => {
      await database.batch(operations.slice(0, 2), options)
      await database.batch(operations.slice(2), options)
    }),
  },
  {
    what: 'takes the changes of a batch backwards',
    found: ['takes the changes of a batch in their order'],
    harness: spoiledBatch((database, operations, options) => database.batch(operations.toReversed(), options)),
  },
  {
    what: 'writes what a batch is given at once',
    found: ['shows nothing of a batch that is gathered, or given up'],
    harness: spoiledDatabase((database) => ({
      batch: () => {
        const batch: object = override(database.batch(), {
          put: (key: string, value: Uint8Array) => {
            database.batch([{ type: 'put', key, value }]).catch(() => undefined)
            return batch as Batch
          },
        })
        return batch
      },
    })),
  },
  {
    what: 'does not delete',
    found: ['deletes what is there, and what is not'],
    harness: spoiledBatch((database, operations, options) =>
      database.batch(
        operations.filter(({ type }) => type === 'put'),
        options,
      ),
    ),
  },
  {
    what: 'holds values as text',
    found: ['gives every byte back, in keys and in values'],
    harness: otherwiseEncoded({ valueEncoding: AS_TEXT }),
  },
  {
    what: 'holds keys as text',
    found: ['keeps keys in the order of their bytes'],
    harness: otherwiseEncoded({ keyEncoding: AS_BASE64 }),
  },
  {
    what: 'takes the end of a range for a part of it',
    found: ['keeps to the bounds and the limit of a range', 'keeps keys in the order of their bytes'],
    harness: spoiledDatabase((database) => {
      const inclusive = ({ lt, ...range }: { lt?: string }): object =>
        lt === undefined ? range : { ...range, lte: lt }
      return {
        iterator: (range: object) => database.iterator(inclusive(range)),
        keys: (range: object = {}) => database.keys(inclusive(range)),
      }
    }),
  },
  {
    what: 'passes over a record between two steps of an iterator',
    found: ['reads on where it left off, however much is asked for at a time'],
    harness: spoiledDatabase((database) => ({
      iterator: (range: object) => {
        const iterator = database.iterator(range)
        const nextv = async (size: number) => {
          const pairs = await iterator.nextv(size)
          await iterator.nextv(1)
          return pairs
        }
        return override(iterator, { nextv })
      },
    })),
  },
  {
    what: 'iterates over what there is when it is read',
    found: ['stays at its moment while others write'],
    harness: spoiledDatabase((database) => ({
      iterator: (range: object) => {
        let from = {}
        const nextv = async (size: number) => {
          const iterator = database.iterator({ ...range, ...from })
          const pairs = await iterator.nextv(size)
          await iterator.close()
          const last = pairs.at(-1)
          if (last !== undefined) from = { gt: last[0] }
          return pairs
        }
        return override(database.iterator(range), { nextv })
      },
    })),
  },
  {
    what: 'cuts values off at 1 MiB',
    found: ['gives a large value back, and many'],
    harness: spoiledDatabase((database) => ({
      getMany: async (keys: string[]) => (await database.getMany(keys)).map((value) => value?.subarray(0, 2 ** 20)),
    })),
  },
  {
    what: 'has one database under every name',
    found: ['keeps its databases apart'],
    harness: spoiled((disk) => {
      let database: Promise<Database> | undefined
      return { openDatabase: () => (database ??= disk.openDatabase('state', { create: true })) }
    }),
  },
  {
    what: 'is in memory and says that it is permanent',
    found: [
      'has what was written when it is opened again, or nothing where it forgets',
      'has every durable batch, whole, when the process is gone',
    ],
    harness: otherwiseEncoded({}),
  },
  {
    what: 'does not sync batches',
    found: ['has every durable batch, whole, when the power was gone'],
    harness: spoiledBatch((database, operations) => database.batch(operations)),
  },
  {
    what: 'may be acquired twice',
    found: ['is taken by one at a time'],
    harness: spoiled(() => ({ acquire: async () => undefined })),
  },
  {
    what: 'makes what is gone',
    found: ['does not make what is gone, where it was told not to'],
    harness: spoiled((disk) => ({
      openDatabase: (name: Parameters<Disk['openDatabase']>[0]) => disk.openDatabase(name, { create: true }),
    })),
  },
  {
    what: 'does not discard',
    found: ['finds the databases that were made, and not those that were discarded'],
    harness: spoiled(() => ({ discardDatabase: async () => undefined })),
  },
  {
    what: 'fails to discard what is not there',
    found: ['discards what is not there without a word'],
    harness: spoiled((disk) => ({
      discardDatabase: async (name: DatabaseName) => {
        if (!(await disk.databases()).includes(name)) throw new Error(`there is no ${name}`)
        await disk.discardDatabase(name)
      },
    })),
  },
  {
    what: 'keeps the slot file that is there',
    found: ['makes a slot file in the place of another one'],
    harness: spoiledSlots((file) => ({
      create: async (content: Uint8Array) => {
        if ((await file.read()) === undefined) await file.create(content)
      },
    })),
  },
  {
    what: 'does not know what it takes',
    found: ['says where it is, and what it takes'],
    harness: spoiled(() => ({ sizeBytes: async () => NaN })),
  },
  {
    what: 'closes once only',
    found: ['closes a database once, and again'],
    harness: spoiledDatabase((database) => {
      let closed = false
      const close = async (): Promise<void> => {
        if (closed) throw new Error('closed already')
        closed = true
        await database.close()
      }
      return { close }
    }),
  },
  {
    what: 'drops what is under way at a close, and tells it as done',
    found: ['finishes what is under way before a close, or refuses it'],
    harness: spoiledBatch(async (database, operations, options) => {
      await Promise.resolve()
      await database.batch(operations, options).catch(() => undefined)
    }),
  },
  {
    what: 'finds nothing after the close, where it should refuse',
    found: ['refuses everything after the close'],
    harness: spoiledDatabase((database) => ({
      getMany: (keys: string[]) => database.getMany(keys).catch(() => keys.map(() => undefined)),
    })),
  },
  {
    what: 'makes the slot file by looking at it',
    found: ['has no slot file before one is made, and makes none by looking'],
    harness: spoiledSlots((file) => ({ read: async () => (await file.read()) ?? new Uint8Array() })),
  },
  {
    what: 'writes the slot file from its beginning',
    found: ['makes a slot file, and overwrites parts of it'],
    harness: spoiledSlots((file) => ({
      writeSync: (written: Uint8Array) => {
        file.writeSync(written, 0)
      },
    })),
  },
  {
    what: 'holds on to the bytes it was given for the slot file',
    found: ['keeps what it was given, whatever becomes of that'],
    harness: spoiledSlots((file) => {
      let given: [Uint8Array, number][] = []
      const sync = async (): Promise<void> => {
        for (const write of given) file.writeSync(...write)
        given = []
        await file.sync()
      }
      return { sync, writeSync: (...write: [Uint8Array, number]) => given.push(write) }
    }),
  },
  {
    what: 'writes the slot file when it is synced',
    found: [
      'has the slot file when it is opened again',
      'has what was written to the slot file when the process is gone',
    ],
    harness: spoiledSlots((file) => {
      let waiting: [Uint8Array, number][] = []
      const sync = async (): Promise<void> => {
        for (const write of waiting.splice(0)) file.writeSync(...write)
        await file.sync()
      }
      const writeSync = (written: Uint8Array, offset: number) => waiting.push([Uint8Array.from(written), offset])
      return { sync, writeSync, close: () => ((waiting = []), file.close()) }
    }),
  },
  {
    what: 'drops what is written to the slot file, synced or not',
    found: ['has what was synced of the slot file when the process is gone'],
    harness: spoiledSlots(() => ({ writeSync: () => undefined })),
  },
  {
    what: 'does not sync the slot file',
    found: ['has what was synced of the slot file when the power was gone'],
    harness: spoiledSlots(() => ({ sync: async () => undefined })),
  },
]

describe('on a disk that', () => {
  for (const { what, found, harness } of FAULTS) {
    test.each(found)(`${what}, it fails: %s`, async (name) => {
      const suite = declared(harness)
      const body = suite.get(name)
      if (body === undefined) throw new Error(`there is no such test: ${name}`)
      await expect(body()).rejects.toThrow()
    })
  }
})

test('every test of the suite has a bug that it finds', () => {
  const names = [...declared(spoiled(() => ({}))).keys()]
  const finding = new Set(FAULTS.flatMap(({ found }) => found))
  expect(names.filter((name) => !finding.has(name))).toEqual([])
})

test('what a disk is said to lack and does not is told, and so is what is no test', async () => {
  const [name = ''] = declared(spoiled(() => ({}))).keys()
  const suite = declared(
    spoiled(() => ({})),
    { [name]: 'it is said' },
  )
  await expect(suite.get(`${name} (lacking: it is said)`)?.()).rejects.toThrow('take the test off the list')
  expect(() =>
    declared(
      spoiled(() => ({})),
      { 'no such test': '' },
    ),
  ).toThrow('no such test')
})

function declared(harness: () => DiskHarness, lacking = {}): Map<string, () => Promise<void>> {
  const suite = new Map<string, () => Promise<void>>()
  diskConformance({ test: (name, body) => void suite.set(name, body), harness, lacking })
  return suite
}
