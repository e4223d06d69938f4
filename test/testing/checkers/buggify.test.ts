/** The rare ways of the product: each is asked for in simulated runs, and clusters that take them keep their promises. */
import { put, type Store } from 'quorate'
import { Checkers, SimWorld } from 'quorate/testing'
import { expect, test } from 'vitest'
import { BUGGIFY_POINTS, type BuggifyPoint } from '../../../src/base/buggify.js'
import { below } from '../../../src/base/random.js'
import { seededRandom } from '../../../src/base/seeded-random.js'

const POINTS = Object.keys(BUGGIFY_POINTS) as BuggifyPoint[]
/** Small, so that a short run writes its state and trims its log. */
const BOUNDS = { stateBufferBytesMax: 2_000, logRetainBytes: 20_000 }
const FOR_MS = 5_000

interface Run {
  readonly asked: ReadonlySet<BuggifyPoint>
  readonly done: number
  readonly refused: readonly string[]
}

/** A cluster under load in which each of these points fires now and then. */
async function run(seed: number, on: ReadonlySet<BuggifyPoint>): Promise<Run> {
  const random = seededRandom(seed)
  const asked = new Set<BuggifyPoint>()
  const checkers: Checkers = new Checkers({
    bounds: BOUNDS,
    unsynced: (name) => world.place(name).disk.unsynced('log'),
  })
  const world: SimWorld = new SimWorld({
    seed,
    open: (name) => ({ ...BOUNDS, observe: checkers.observer(name) }),
    buggify: () => (point) => {
      asked.add(point)
      return on.has(point) && below(random, 6) === 0
    },
  })
  world.network.setFaults({ delayMsMin: 0.5, delayMsHalf: 1 })
  for (const place of world.places) world.start(place)
  let calls = 0
  let done = 0
  const refused: string[] = []
  const timers = world.scheduler.timersOf()
  const next = (): void => {
    const store = world.places[calls++ % world.places.length]?.store
    timers.after(20, next)
    if (store === undefined) return
    call(store, calls).then(
      () => done++,
      (error: unknown) => refused.push(String(error)),
    )
  }
  next()
  await world.run(
    () => false,
    FOR_MS,
    () => {
      checkers.check()
    },
  )
  const [place] = world.places
  if (place !== undefined) world.stop(place)
  await world.run(() => place?.process === undefined, FOR_MS)
  return { asked, done, refused }
}

async function call(store: Store, nth: number): Promise<void> {
  const { revision, compactRevision } = store.status()
  if (nth % 50 === 1) {
    const { id } = await store.leases.grant({ ttlMs: 2_000 })
    await store.put('leased', 'v', { lease: id })
    await store.leases.keepAlive(id)
  } else if (nth % 50 === 2) {
    if (revision - 5 > compactRevision) await store.compact(revision - 5)
  } else if (nth % 50 >= 42) {
    // Twice the same hundreds of keys: more garbage than one entry sweeps.
    const keys = Array.from({ length: 100 }, (_, at) => `z${(nth % 4) * 100 + at}`)
    await store.txn({ success: keys.map((key) => put(key, 'v')) })
  } else if (nth % 50 === 3) {
    let left = 40
    const watch = store.watch({ prefix: 'k' }, { startRevision: Math.max(compactRevision, revision - 10, 1) })
    for await (const event of watch) if (event.revision > 0 && --left === 0) return
  } else if (nth % 3 === 0) {
    await store.range({ prefix: 'k' })
  } else {
    await store.put(`k${nth % 17}`, `value ${nth}`.repeat(8))
  }
}

const asked = new Set<BuggifyPoint>()

test('a cluster in which no point fires refuses nothing', async () => {
  const { done, refused, ...usual } = await run(1, new Set())
  for (const point of usual.asked) asked.add(point)
  expect(refused).toEqual([])
  expect(done).toBeGreaterThan(180)
})

test.each([2, 3, 4, 5])('a cluster that takes the rare ways keeps its promises: seed %i', async (seed) => {
  const random = seededRandom(seed)
  const { done, ...rare } = await run(seed, new Set(POINTS.filter(() => below(random, 2) === 0)))
  for (const point of rare.asked) asked.add(point)
  expect(done).toBeGreaterThan(100)
})

test('every point is asked in these runs', () => {
  expect(POINTS.filter((point) => !asked.has(point))).toEqual([])
})
