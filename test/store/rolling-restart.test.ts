/** Members that are restarted one after the other while clients write: nothing is lost, and nobody waits long for a leader. */
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import type { MemberEvent } from '../../src/member/event.js'
import { RunningWorld } from './clusters.js'

const HEARTBEAT_MS = 100
/** One way, and back. */
const DELAY_MS = 10
const ROUND_TRIP_MS = 2 * DELAY_MS
/** How many times longer than usual the disks take, and what a sync takes then at most, with the mark beside the log. */
const SLOWNESS = 10
const SYNC_MS = (1 + 0.1) * SLOWNESS
const CLIENTS = 6
const BOUND_MS = HEARTBEAT_MS + 2 * ROUND_TRIP_MS + 2 * SYNC_MS

/** From when a leader takes no more proposals until another one leads, and until that has committed its first entry. */
interface Handover {
  readonly beganMs: number
  ledMs?: number
  committedMs?: number
}

class Handovers {
  readonly all: Handover[] = []
  #nowMs: () => number = () => 0

  watch(world: RunningWorld): void {
    this.#nowMs = () => world.nowMs
  }

  began(): void {
    this.all.push({ beganMs: this.#nowMs() })
  }

  readonly observe = (event: MemberEvent): void => {
    if (event.type !== 'decided') return
    const last = this.all.at(-1)
    const { type } = event.event
    if (type === 'transfer-started') this.began()
    else if (type === 'became-leader' && last !== undefined) last.ledMs ??= this.#nowMs()
    else if (type === 'commit-advanced' && last?.ledMs !== undefined) last.committedMs ??= this.#nowMs()
  }
}

/** Writes one key after the other, each on the member it is given or, where that is about to stop, on the next one. */
class Client {
  /** The keys that were acknowledged. */
  readonly acknowledged: string[] = []
  triesMax = 0
  readonly #world: RunningWorld
  readonly #nth: number
  #stopped = false

  constructor(world: RunningWorld, nth: number) {
    this.#world = world
    this.#nth = nth
  }

  async run(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      const key = `client ${this.#nth} key ${count}`
      await this.#write(key)
      this.acknowledged.push(key)
    }
  }

  stop(): void {
    this.#stopped = true
  }

  async #write(key: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#member(tries).put(key, 'x')
        this.triesMax = Math.max(this.triesMax, tries)
        return
      } catch (error) {
        // Said by a member that takes no more calls: it has no effect, and another member may be asked.
        const elsewhere = isStoreError(error, 'CLOSED') && error.outcome === 'refused'
        if (!elsewhere && !(isStoreError(error) && error.retryable)) throw error
      }
    }
  }

  /** Those that are open, its own first: as from a list of addresses, of which the ones that refuse are passed over. */
  #member(tries: number): Store {
    const stores = this.#world.places.flatMap(({ store }) => (store === undefined ? [] : [store]))
    const store = stores[(this.#nth + tries) % stores.length]
    if (store === undefined) throw new Error('nobody is open')
    return store
  }
}

async function restartEach(world: RunningWorld): Promise<void> {
  for (const place of world.places) {
    world.stop(place)
    await world.until(() => place.process === undefined)
    world.start(place)
    await world.until(() => place.store?.health().ready === true)
    await place.store?.ready()
  }
}

describe('a rolling restart of three members under load', () => {
  test.each([1, 2, 3])('loses no request beyond a retry, and hands over in time (seed %d)', async (seed) => {
    const handovers = new Handovers()
    const world = await RunningWorld.start({ seed, open: { observe: handovers.observe } })
    handovers.watch(world)
    world.network.setFaults({ delayMsMin: DELAY_MS })
    for (const place of world.places) place.disk.slow(SLOWNESS)
    const clients = Array.from({ length: CLIENTS }, (_, nth) => new Client(world, nth))
    const running = Promise.all(clients.map((client) => client.run()))
    await world.pass(500)
    await restartEach(world)
    await world.pass(500)
    for (const client of clients) client.stop()
    await running

    const acknowledged = clients.flatMap((client) => client.acknowledged)
    expect(acknowledged.length).toBeGreaterThan(100)
    const { items } = await world.leader.range({ all: true })
    expect(items.map(({ key }) => Buffer.from(key).toString()).sort()).toEqual(acknowledged.sort())
    expect(new Set(items.map(({ version }) => version))).toEqual(new Set([1]))
    expect(Math.max(...clients.map(({ triesMax }) => triesMax))).toBeLessThanOrEqual(2)

    expect(handovers.all.length).toBeGreaterThan(0)
    for (const { beganMs, ledMs = Infinity, committedMs = Infinity } of handovers.all) {
      expect(ledMs - beganMs).toBeLessThanOrEqual(BOUND_MS)
      expect(committedMs - ledMs).toBeLessThanOrEqual(ROUND_TRIP_MS + 2 * SYNC_MS)
    }
    await world.halt()
  })

  test('is not what a leader does that goes without a word: the same measure finds that', async () => {
    const handovers = new Handovers()
    const world = await RunningWorld.start({ open: { observe: handovers.observe } })
    handovers.watch(world)
    handovers.began()
    const { name } = world.leader.status()
    world.crash(world.place(name))
    await world.until(() => world.statuses().some(({ role }) => role === 'leader'))
    const [{ beganMs, ledMs = Infinity } = { beganMs: 0 }] = handovers.all
    expect(ledMs - beganMs).toBeGreaterThan(BOUND_MS)
    await world.halt()
  })
})
