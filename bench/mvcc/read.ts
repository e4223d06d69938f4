/** Point reads and ranges of the key space with its records in memory. */
import type { MvccStore } from '../../src/mvcc/store.js'
import { atLeast, bestOf, print, Stopwatch } from './report.js'
import { Applier, keyAt, KEYS, MapBackend, shuffled } from './workload.js'

const ROUNDS = 5
const READS = 500_000
const RANGES = 10_000
const RANGE_KEYS = 100
const CACHED_KEYS = 50_000

export async function read(): Promise<void> {
  const applier = new Applier(new MapBackend())
  for (let at = 0; at < KEYS; at += 5000) applier.apply(applier.puts(at, 5000, shuffled))
  const { store } = applier.machine
  for (const [where, keys] of [
    ['from the cache', CACHED_KEYS],
    ['from a Map of records', KEYS],
  ] as const) {
    const names = Array.from({ length: keys }, (_, at) => keyAt(shuffled(at) % keys))
    const points = bestOf(ROUNDS, () => rateOf(READS, (at) => getOne(store, names[at % keys] as string)))
    print(`point read, ${where}`, points, '/s', keys === CACHED_KEYS ? atLeast(1_000_000) : undefined)
    const single = bestOf(ROUNDS, () => rateOf(READS, (at) => readOne(store, names[at % keys] as string)))
    print(`range of one key, ${where}`, single, '/s')
    const ranges = bestOf(ROUNDS, () =>
      rateOf(RANGES, (at) => readRange(store, ((at * 17) % (keys / RANGE_KEYS)) * RANGE_KEYS)),
    )
    print(`range of ${RANGE_KEYS} keys, ${where}`, ranges, '/s', keys === CACHED_KEYS ? atLeast(20_000) : undefined)
  }
}

function getOne(store: MvccStore, key: string): void {
  if (store.get(key) === undefined) throw new Error('the key is missing')
}

function readOne(store: MvccStore, key: string): void {
  const { keyValues } = store.range({ type: 'range', key })
  if (keyValues.length !== 1) throw new Error('the key is missing')
}

function readRange(store: MvccStore, at: number): void {
  const { keyValues } = store.range({ type: 'range', key: keyAt(at), rangeEnd: keyAt(at + RANGE_KEYS) })
  if (keyValues.length !== RANGE_KEYS) throw new Error('keys are missing')
}

function rateOf(operations: number, operate: (at: number) => void): number {
  const watch = new Stopwatch()
  watch.run(() => {
    for (let at = 0; at < operations; at++) operate(at)
  })
  return operations / watch.cpuSeconds
}
