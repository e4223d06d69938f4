/**
 * Puts and reads per second against what the disk alone can do: `npm run bench`. What the figures mean: bench/README.md.
 *
 * Each row is measured in turn with the others, several rounds, and the median is shown: machines drift, ratios hold.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { open, type Store } from 'quorate'
import { closeAll, median, storeAt, three } from './common.js'

const ROUNDS = 3
const IN_FLIGHT = [1, 64, 1000]
const OPERATIONS: Readonly<Record<number, number>> = { 1: 1000, 64: 10_000, 1000: 40_000 }
const KEYS = 10_000
const VALUE = new Uint8Array(256).fill(7)

/** Something that does one operation; `at` counts them. */
interface Subject {
  readonly name: string
  readonly operate: (at: number) => Promise<unknown>
  readonly close: () => Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
try {
  for (const inFlight of IN_FLIGHT) await compare(inFlight)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function compare(inFlight: number): Promise<void> {
  const rates = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const make of [diskAlone, oneInMemory, oneOnDisk, threeOnDisk, threeReading]) {
      const subject = await make(join(folder, `${inFlight}-${round}-${make.name}`), inFlight)
      const rate = await measure(subject, inFlight)
      rates.set(subject.name, [...(rates.get(subject.name) ?? []), rate])
      await subject.close()
    }
  }
  const limit = median(rates.values().next().value ?? [])
  console.log(`\n${inFlight} in flight, operations per second, median of ${ROUNDS} (ratio to the disk alone)`)
  for (const [name, each] of rates) {
    console.log(
      `  ${name.padEnd(44)} ${Math.round(median(each)).toLocaleString('en').padStart(9)}   ${(median(each) / limit).toFixed(2)}`,
    )
  }
}

async function measure(subject: Subject, inFlight: number): Promise<number> {
  const operations = OPERATIONS[inFlight] ?? 10_000
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < operations) await subject.operate(next++)
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (operations / (performance.now() - startMs)) * 1000
}

/** The limit: classic-level, one synced batch for as many values as are in flight. */
async function diskAlone(path: string, inFlight: number): Promise<Subject> {
  const database = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' })
  await database.open()
  const value = new Uint8Array(VALUE.byteLength * inFlight)
  let writing: Promise<void> | undefined
  return {
    name: 'classic-level alone, one record per batch',
    // Who comes while a batch is being written waits for it, and the first of them writes the next.
    operate: async (at) => {
      while (writing !== undefined && at % inFlight !== 0) return writing
      writing = database.batch().put(`key ${at}`, value).write({ sync: true })
      await writing
      writing = undefined
    },
    close: () => database.close(),
  }
}

async function oneInMemory(): Promise<Subject> {
  const store = await open()
  await store.ready()
  return puts('put, one member in memory', [store])
}

async function oneOnDisk(path: string): Promise<Subject> {
  const store = await open({ dataDir: path })
  await store.ready()
  return puts('put, one member on disk', [store])
}

async function threeOnDisk(path: string): Promise<Subject> {
  return puts('put, three members in one process, TCP, disk', await three(path))
}

async function threeReading(path: string): Promise<Subject> {
  const stores = await three(path)
  await Promise.all(Array.from({ length: KEYS }, (_, at) => storeAt(stores, 0).put(`key ${at}`, VALUE)))
  return {
    name: 'linearizable get, three members, TCP, disk',
    operate: (at) => storeAt(stores, at).get(`key ${at % KEYS}`),
    close: () => closeAll(stores),
  }
}

function puts(name: string, stores: readonly Store[]): Subject {
  return {
    name,
    operate: (at) => storeAt(stores, at).put(`key ${at % KEYS}`, VALUE),
    close: () => closeAll(stores),
  }
}
