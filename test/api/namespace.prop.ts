/**
 * A namespace beside a store of its own to which the same is done: both say the same, but for their revisions, which are
 * compared by what they name. Between the calls others write around the namespace.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compare, del, get, open, put, txn, type Compare, type Operation, type Selection, type Store } from 'quorate'
import type { KeyValue, Watch, WatchEvent } from 'quorate'
import { isStoreError } from '../../src/base/errors.js'

type Bytes = Uint8Array

/** Least and highest bytes, where ranges end in odd ways. */
const byte = fc.constantFrom(0x00, 0x01, 0x61, 0x62, 0xfe, 0xff)
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Bytes> =>
  fc.array(byte, { minLength, maxLength }).map((all) => Uint8Array.from(all))
/** Seldom empty. */
const key = fc.oneof({ weight: 20, arbitrary: bytes(1, 2) }, { weight: 1, arbitrary: bytes(0, 0) })
const value = fc.constantFrom('', 'x', 'y')
const selection: fc.Arbitrary<Selection> = fc.oneof(
  { weight: 3, arbitrary: key },
  fc.record({ prefix: bytes(0, 2) }),
  fc.record({ from: bytes(0, 2) }),
  fc.record({ from: bytes(0, 2), to: bytes(0, 2) }),
  fc.constant({ all: true } as const),
)
const flag = fc.boolean()
const sort = fc.record({
  by: fc.constantFrom('key', 'version', 'createRevision', 'modRevision', 'value'),
  order: fc.constantFrom('ascending', 'descending'),
} as const)
const read = fc.oneof(
  fc.record({ limit: fc.nat(3), countOnly: flag, keysOnly: flag }),
  fc.record({ sort, limit: fc.nat(3) }),
)

const comparison: fc.Arbitrary<Compare> = fc.oneof(
  fc.tuple(selection, value).map(([keys, given]) => compare(keys).value('=', given)),
  fc.tuple(selection, fc.nat(2)).map(([keys, version]) => compare(keys).version('>', version)),
  selection.map((keys) => compare(keys).exists()),
)
const { operation } = fc.letrec<{ operation: Operation; branch: Operation[] }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    fc.tuple(key, value, flag).map(([at, given, previous]) => put(at, given, { previous })),
    fc.tuple(selection, read).map(([keys, options]) => get(keys, options)),
    fc.tuple(selection, flag).map(([keys, previous]) => del(keys, { previous })),
    fc
      .tuple(fc.array(comparison, { maxLength: 2 }), tie('branch'), tie('branch'))
      .map(([compares, success, failure]) => txn({ compare: compares, success, failure })),
  ),
  branch: fc.array(tie('operation'), { maxLength: 3 }),
}))

type Call = (store: Store) => Promise<unknown>

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ key, value, previous: flag, ignoreValue: fc.constantFrom(false, false, true) }).map(
      ({ key, value, ...options }): Call =>
        (store) =>
          store.put(key, value, options),
    ),
  },
  key.map(
    (at): Call =>
      (store) =>
        store.get(at),
  ),
  fc.tuple(selection, read).map(
    ([keys, options]): Call =>
      (store) =>
        store.range(keys, options),
  ),
  fc.tuple(selection, flag).map(
    ([keys, previous]): Call =>
      (store) =>
        store.delete(keys, { previous }),
  ),
  {
    weight: 3,
    arbitrary: fc
      .record({ compare: fc.array(comparison, { maxLength: 2 }), success: fc.array(operation, { maxLength: 3 }) })
      .map(
        (given): Call =>
          (store) =>
            store.txn({ ...given, failure: given.success }),
      ),
  },
  selection.map((keys): Call => async (store) => {
    const { keys: count, bytes } = await store.maintenance.statistics(keys)
    return { count, bytes }
  }),
)

interface Script {
  readonly prefix: Bytes
  readonly watched: Selection
  readonly steps: readonly { readonly call: Call; readonly outside: Bytes }[]
}

const script: fc.Arbitrary<Script> = fc.record({
  prefix: bytes(1, 2),
  watched: selection.filter((keys) => !ArrayBuffer.isView(keys) || keys.length > 0),
  steps: fc.array(fc.record({ call, outside: bytes(1, 3) }), { minLength: 1, maxLength: 12 }),
})

let shared: Store
let own: Store
beforeAll(async () => {
  shared = await open()
  own = await open()
})
afterAll(() => Promise.all([shared.close(), own.close()]))

it('a namespace does what a store of its own does, and nothing around it', async () => {
  const seen = { events: 0, done: 0, refused: 0 }
  const { numRuns = 100 } = fc.readConfigureGlobal()
  await fc.assert(
    fc.asyncProperty(script, async (drawn) => {
      const outcome = await run(drawn)
      for (const name of ['events', 'done', 'refused'] as const) seen[name] += outcome[name]
    }),
    { numRuns },
  )
  // Runs in which nothing happens would prove nothing.
  for (const count of [seen.events * 2, seen.done / 3, seen.refused * 4]) expect(count).toBeGreaterThan(numRuns)
})

async function run({ prefix, watched, steps }: Script): Promise<{ events: number; done: number; refused: number }> {
  await Promise.all([shared.delete({ all: true }), own.delete({ all: true })])
  const inside = shared.namespace(prefix)
  const revisions = new Revisions()
  await revisions.note(inside, own)
  const watches = [inside, own].map((store) => store.watch(watched, { previous: true }))
  const around = new Map<string, number>()
  let done = 0
  for (const { call, outside } of steps) {
    const hex = Buffer.from(outside).toString('hex')
    if (!isInside(prefix, outside)) around.set(hex, (await shared.put(outside, 'around')).revision)
    const [mine, theirs] = await Promise.all([outcomeOf(call, inside), outcomeOf(call, own)])
    await revisions.note(inside, own)
    expect(revisions.plainly(mine)).toEqual(plainly(theirs))
    if (!isRefusal(mine)) done++
  }
  const [mine, theirs] = (await Promise.all(watches.map(eventsOf))) as [WatchEvent[], WatchEvent[]]
  expect(revisions.plainly(mine)).toEqual(plainly(theirs))
  const { items } = await shared.range({ all: true })
  const rest = items.filter(({ keyBytes }) => !isInside(prefix, keyBytes))
  const left = rest.map(({ keyBytes, modRevision }) => [Buffer.from(keyBytes).toString('hex'), modRevision] as const)
  expect(new Map(left)).toEqual(around)
  await inside.close()
  return { events: mine.length, done, refused: steps.length - done }
}

/** Which revisions of the namespace's store are which of the other one: the last that is not later. */
class Revisions {
  readonly #pairs: (readonly [shared: number, own: number])[] = []

  async note(inside: Store, own: Store): Promise<void> {
    await inside.ready()
    this.#pairs.push([inside.status().revision, own.status().revision])
  }

  plainly(value: unknown): unknown {
    return plainly(value, (revision) => this.#pairs.find(([shared]) => shared >= revision)?.[1] ?? revision)
  }
}

const REVISIONS: readonly string[] = ['revision', 'createRevision', 'modRevision']

/** As plain data, keys and values in hex. */
function plainly(value: unknown, translate: (revision: number) => number = (revision) => revision): unknown {
  if (Array.isArray(value)) return value.map((each) => plainly(each, translate))
  if (ArrayBuffer.isView(value)) return Buffer.from(value as Uint8Array).toString('hex')
  if (typeof value !== 'object' || value === null) return value
  const { key, keyBytes, value: held, createRevision, modRevision, version } = value as KeyValue
  const fields = keyBytes === undefined ? value : { key, keyBytes, value: held, createRevision, modRevision, version }
  const translated = Object.entries(fields).map(([name, field]): [string, unknown] => {
    const isRevision = REVISIONS.includes(name) && field !== 0
    return [name, isRevision ? translate(field as number) : plainly(field, translate)]
  })
  return Object.fromEntries(translated)
}

async function outcomeOf(call: Call, store: Store): Promise<unknown> {
  try {
    return await call(store)
  } catch (error) {
    if (!isStoreError(error)) throw error
    return { code: error.code, outcome: error.outcome }
  }
}

function isRefusal(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && 'code' in outcome
}

/** Everything that a watch has to tell up to now. */
async function eventsOf(watch: Watch): Promise<WatchEvent[]> {
  const events: WatchEvent[] = []
  watch.requestProgress()
  for await (const batch of watch.batches()) {
    if (batch.type === 'progress') break
    events.push(...batch.events)
  }
  return events
}

function isInside(prefix: Bytes, key: Bytes): boolean {
  return key.length > prefix.length && Buffer.from(key).indexOf(prefix) === 0
}
