/** A whole member over a data directory of a million keys: how soon it is open again, and how fast it reads. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, type Store } from 'quorate'
import { atLeast, atMost, print, Stopwatch } from './report.js'
import { keyAt, KEYS, shuffled, VALUE } from './workload.js'

const IN_FLIGHT = 1000
const ROUNDS = 2
const READS = 100_000
const RANGES = 2000
const RANGE_KEYS = 100
const HOT_KEYS = 10_000

export async function member(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
  try {
    await fill(dataDir)
    for (let round = 0; round < ROUNDS; round++) await reopen(dataDir)
    const store = await open({ dataDir })
    await store.ready()
    await pointReads(store)
    await ranges(store)
    await store.close()
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function fill(dataDir: string): Promise<void> {
  const store = await open({ dataDir })
  await store.ready()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < KEYS) await store.put(keyAt(shuffled(next++)), VALUE)
  }
  const watch = new Stopwatch()
  await watch.wait(() => Promise.all(Array.from({ length: IN_FLIGHT }, worker)))
  print(`put of new keys by one member, ${IN_FLIGHT} in flight`, KEYS / watch.seconds, '/s')
  await store.close()
}

async function reopen(dataDir: string): Promise<void> {
  const watch = new Stopwatch()
  let store: Store | undefined
  await watch.wait(async () => {
    store = await open({ dataDir })
  })
  print('open a data directory of a million keys', watch.seconds, 's', atMost(5))
  print('the same in time of the processor', watch.cpuSeconds, 's')
  await store?.close()
}

async function pointReads(store: Store): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const consistency of ['local', 'linearizable'] as const) {
      const rate = await rateOf(READS, (at) => store.get(keyAt(shuffled(at % HOT_KEYS)), { consistency }))
      print(`get, ${consistency}, ${IN_FLIGHT} in flight, of ${HOT_KEYS.toLocaleString('en')} keys`, rate, '/s')
    }
  }
}

async function ranges(store: Store): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const rate = await rateOf(RANGES, (at) => {
      const from = (at * RANGE_KEYS) % (HOT_KEYS * 10)
      return store.range({ from: keyAt(from), to: keyAt(from + RANGE_KEYS) }, { consistency: 'local' })
    })
    print(`range of ${RANGE_KEYS} keys, local, ${IN_FLIGHT} in flight`, rate, '/s', atLeast(20_000))
  }
}

async function rateOf(operations: number, operate: (at: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < operations) await operate(next++)
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return (operations / (performance.now() - startMs)) * 1000
}
