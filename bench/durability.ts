/**
 * What durability costs: `npm run bench -- durability`. One member on disk beside bare classic-level, by turns in one run,
 * so that a machine that drifts drifts for both; and what a snapshot of a million keys does to those who write meanwhile.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { open, type Store } from 'quorate'
import { atLeast, atMost, print } from './mvcc/report.js'
import { KEYS, keyAt, shuffled, VALUE } from './mvcc/workload.js'

const IN_FLIGHT = 256
/** By turns, so many of each. */
const TURNS = 6
const TURN_MS = 12_000
const ALONE = 20_000
/** Before that what is measured is the compiler. */
const ALONE_WARM = 4000
/** What an entry takes in a log record besides key and value: the entry's head, the command's, and lengths. */
const ENTRY_OVERHEAD_BYTES = 90
const LOG_BYTES_KEPT = 32 * 2 ** 20
const PACE_PER_SECOND = 5000
const PACE_MS = 10

interface Bare {
  readonly write: (bytes: number) => Promise<void>
  readonly close: () => Promise<void>
}

async function durability(parts: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
  try {
    if (parts.length === 0 || parts.includes('alone')) await alone(folder)
    if (parts.length === 0 || parts.includes('steady')) await steady(folder)
    if (parts.length === 0 || parts.includes('snapshot')) await duringSnapshot(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One put at a time against one synced batch at a time, in turns of a hundred. */
async function alone(folder: string): Promise<void> {
  const store = await opened(join(folder, 'alone'))
  const bare = await bareLevel(join(folder, 'alone-bare'))
  const puts: number[] = []
  const batches: number[] = []
  for (let at = 0; at < ALONE; at++) {
    const put = (): Promise<unknown> => store.put(keyAt(at % 1000), VALUE)
    const batch = (): Promise<unknown> => bare.write(entryBytes())
    const turn = Math.floor(at / 100) % 2
    const before = performance.now()
    await (turn === 0 ? put() : batch())
    const tookMs = performance.now() - before
    if (at >= ALONE_WARM) (turn === 0 ? puts : batches).push(tookMs)
  }
  const [put, batch] = [quantile(puts, 0.5), quantile(batches, 0.5)]
  print('a put alone, median', put * 1000, 'µs')
  print('a bare synced batch alone, median', batch * 1000, 'µs')
  print('ratio', put / batch, '', atMost(1.35))
  await store.close()
  await bare.close()
}

/** Group commit under steady load that covers state writes, log trims and LevelDB's own compaction. */
async function steady(folder: string): Promise<void> {
  const path = join(folder, 'steady')
  const store = await opened(path)
  const bare = await bareLevel(join(folder, 'steady-bare'))
  const before = store.status()
  let [puts, putMs, records, recordMs] = [0, 0, 0, 0]
  for (let turn = 0; turn < TURNS; turn++) {
    const put = await during(TURN_MS, async (at) => store.put(keyAt(shuffled(at % 100_000)), VALUE))
    puts += put.operations
    putMs += put.tookMs
    const record = await bareTurn(bare)
    records += record.operations
    recordMs += record.tookMs
    const rates = [perSecond(put.operations, put.tookMs), perSecond(record.operations, record.tookMs)]
    print(`turn ${turn + 1}: puts per second`, rates[0] ?? 0, '')
    print(`turn ${turn + 1}: the same bytes by bare classic-level, puts per second`, rates[1] ?? 0, '')
  }
  const after = store.status()
  print('load on the member', putMs / 1000, 's', atLeast(60))
  print('state writes meanwhile', after.stateWrites - before.stateWrites, '', atLeast(10))
  print('log trims meanwhile', after.logTrims - before.logTrims, '', atLeast(1))
  print('tables that LevelDB wrote for the state, so that it compacted', tablesWritten(join(path, 'state')), '')
  print(
    'ratio of the member to bare classic-level',
    perSecond(puts, putMs) / perSecond(records, recordMs),
    '',
    atLeast(0.5),
  )
  await store.close()
  await bare.close()
}

/** Puts at an even pace, with and without somebody who takes a snapshot of a million keys. */
async function duringSnapshot(folder: string): Promise<void> {
  const store = await opened(join(folder, 'snapshot'))
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < KEYS) await store.put(keyAt(shuffled(next++)), VALUE)
  }
  await Promise.all(Array.from({ length: 1000 }, worker))
  for (let round = 0; round < 2; round++) {
    const quiet = await paced(store, () => elapsed(15_000))
    let snapshotMs = 0
    const busy = await paced(store, async () => {
      const startMs = performance.now()
      let bytes = 0
      for await (const piece of store.maintenance.snapshot()) bytes += piece.byteLength
      snapshotMs = performance.now() - startMs
      print('snapshot of a million keys', bytes / 2 ** 20, 'MiB')
    })
    print('it took', snapshotMs / 1000, 's')
    print('puts meanwhile', perSecond(busy.length, snapshotMs), '/s')
    for (const share of [0.5, 0.99]) {
      print(`put without a snapshot, quantile ${share}`, quantile(quiet, share), 'ms')
      print(`put beside a snapshot, quantile ${share}`, quantile(busy, share), 'ms')
    }
    print('ratio of the 99th percentiles', quantile(busy, 0.99) / quantile(quiet, 0.99), '', atMost(3))
  }
  await store.close()
}

/** How long each put took, from when it was due, while `work` goes on. */
async function paced(store: Store, work: () => Promise<void>): Promise<number[]> {
  const took: number[] = []
  const pending = new Set<Promise<void>>()
  const startMs = performance.now()
  let begun = 0
  const begin = (): void => {
    const due = Math.floor(((performance.now() - startMs) * PACE_PER_SECOND) / 1000)
    for (; begun < due; begun++) {
      const dueMs = startMs + (begun * 1000) / PACE_PER_SECOND
      const put = store.put(keyAt(shuffled(begun % KEYS)), VALUE).then(() => {
        took.push(performance.now() - dueMs)
        pending.delete(put)
      })
      pending.add(put)
    }
  }
  const timer = setInterval(begin, PACE_MS)
  await work()
  clearInterval(timer)
  await Promise.all(pending)
  return took
}

async function during(
  ms: number,
  operate: (at: number) => Promise<unknown>,
): Promise<{ readonly operations: number; readonly tookMs: number }> {
  const startMs = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (performance.now() - startMs < ms) await operate(next++)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return { operations: next, tookMs: performance.now() - startMs }
}

/** One record for as many puts as are in flight, as fast as it goes. */
async function bareTurn(bare: Bare): Promise<{ readonly operations: number; readonly tookMs: number }> {
  const startMs = performance.now()
  let operations = 0
  for (; performance.now() - startMs < TURN_MS; operations += IN_FLIGHT) await bare.write(IN_FLIGHT * entryBytes())
  return { operations, tookMs: performance.now() - startMs }
}

/** A database that keeps as much as the log does, one record for each synced batch. */
async function bareLevel(path: string): Promise<Bare> {
  const database = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view', compression: false })
  await database.open()
  const sizes: number[] = []
  let [first, kept] = [0, 0]
  return {
    write: async (bytes) => {
      const batch = database.batch().put(recordKey(first + sizes.length), new Uint8Array(bytes).fill(7))
      sizes.push(bytes)
      kept += bytes
      if (kept > 2 * LOG_BYTES_KEPT) {
        for (; kept > LOG_BYTES_KEPT; first++) {
          kept -= sizes.shift() ?? 0
          batch.del(recordKey(first))
        }
      }
      await batch.write({ sync: true })
    },
    close: () => database.close(),
  }
}

function recordKey(at: number): string {
  return `e${String(at).padStart(12, '0')}`
}

function entryBytes(): number {
  return keyAt(0).length + VALUE.byteLength + ENTRY_OVERHEAD_BYTES
}

async function opened(dataDir: string): Promise<Store> {
  const store = await open({ dataDir })
  await store.ready()
  return store
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Files are numbered in the order in which they are made. */
function tablesWritten(path: string): number {
  return Math.max(0, ...readdirSync(path).map((name) => Number(/^(\d+)\.ldb$/.exec(name)?.[1] ?? 0)))
}

function perSecond(operations: number, ms: number): number {
  return (operations * 1000) / ms
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0
}

await durability(process.argv.slice(3))
