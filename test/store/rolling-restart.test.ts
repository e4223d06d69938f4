/** Members that are restarted one after the other while clients write: nothing is lost, and nobody waits long for a leader. */
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import type { MemberEvent } from '../../src/member/event.js'
import type { NodeId } from '../../src/raft/types.js'
import { RunningWorld } from './clusters.js'

const CLIENTS = 6

/** What messages and disks take. */
interface Delays {
  readonly heartbeatMs: number
  /** One way. */
  readonly delayMs: number
  /** How many times longer than usual the disks take. */
  readonly slowness: number
}

const USUAL: Delays = { heartbeatMs: 100, delayMs: 10, slowness: 10 }

/** What a sync takes at most, with the mark beside the log. */
const syncMsOf = ({ slowness }: Delays): number => (1 + 0.1) * slowness

/** How long the cluster may be without a leader: a heartbeat interval, two round trips and two syncs. */
const boundOf = (delays: Delays): number => delays.heartbeatMs + 4 * delays.delayMs + 2 * syncMsOf(delays)

/** From when a leader takes no more proposals, and when it leads no more, until another one leads and has committed its first entry. */
interface Handover {
  readonly from: NodeId
  readonly beganMs: number
  leftMs?: number
  ledMs?: number
  committedMs?: number
}

class Handovers {
  readonly all: Handover[] = []
  #nowMs: () => number = () => 0

  watch(world: RunningWorld): void {
    this.#nowMs = () => world.nowMs
  }

  began(from: NodeId): void {
    this.all.push({ from, beganMs: this.#nowMs() })
  }

  readonly observe = (event: MemberEvent): void => {
    if (event.type !== 'decided') return
    const last = this.all.at(-1)
    const { type } = event.event
    if (type === 'transfer-started') this.began(event.event.node)
    else if (type === 'became-follower' && last?.from === event.event.node) last.leftMs ??= this.#nowMs()
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

/** Restarts all members under load; what was acknowledged is there once, and no client had to try more than twice. */
async function rollingRestart(seed: number, delays: Delays): Promise<readonly Handover[]> {
  const handovers = new Handovers()
  const { heartbeatMs: heartbeatIntervalMs, delayMs, slowness } = delays
  const world = await RunningWorld.start({ seed, open: { observe: handovers.observe, heartbeatIntervalMs } })
  handovers.watch(world)
  world.network.setFaults({ delayMsMin: delayMs })
  for (const place of world.places) place.disk.slow(slowness)
  const clients = Array.from({ length: CLIENTS }, (_, nth) => new Client(world, nth))
  const running = Promise.all(clients.map((client) => client.run()))
  await world.pass(500)
  await restartEach(world)
  await world.pass(500)
  for (const client of clients) client.stop()
  await running
  const acknowledged = clients.flatMap((client) => client.acknowledged)
  expect(acknowledged.length).toBeGreaterThan(50)
  const { items } = await world.leader.range({ all: true })
  expect(items.map(({ key }) => Buffer.from(key).toString()).sort()).toEqual(acknowledged.sort())
  expect(new Set(items.map(({ version }) => version))).toEqual(new Set([1]))
  expect(Math.max(...clients.map(({ triesMax }) => triesMax))).toBeLessThanOrEqual(2)
  await world.halt()
  expect(handovers.all.length).toBeGreaterThan(0)
  return handovers.all
}

describe('a rolling restart of three members under load', () => {
  test.each([1, 2, 3])('loses no request beyond a retry, and hands over in time (seed %d)', async (seed) => {
    for (const { beganMs, ledMs = Infinity, committedMs = Infinity } of await rollingRestart(seed, USUAL)) {
      // From when nobody takes a write any more: the next leader needs the last entries before it is told to campaign.
      expect(ledMs - beganMs).toBeLessThanOrEqual(boundOf(USUAL))
      expect(committedMs - ledMs).toBeLessThanOrEqual(2 * USUAL.delayMs + 2 * syncMsOf(USUAL))
    }
  })

  test.each<[string, Delays]>([
    ['slow ways', { heartbeatMs: 10, delayMs: 40, slowness: 5 }],
    ['slow disks', { heartbeatMs: 10, delayMs: 5, slowness: 40 }],
  ])('nor is it without a leader for longer where heartbeats come often, over %s', async (_, delays) => {
    for (const { leftMs = -Infinity, ledMs = Infinity } of await rollingRestart(4, delays)) {
      expect(ledMs - leftMs).toBeLessThanOrEqual(boundOf(delays))
    }
  })

  test('is not what a leader does that goes without a word: the same measure finds that', async () => {
    const handovers = new Handovers()
    const world = await RunningWorld.start({ open: { observe: handovers.observe } })
    handovers.watch(world)
    const { name, memberId } = world.leader.status()
    handovers.began(Number(memberId))
    world.crash(world.place(name))
    await world.until(() => world.statuses().some(({ role }) => role === 'leader'))
    const beganMs = handovers.all[0]?.beganMs ?? -Infinity
    expect((handovers.all[0]?.ledMs ?? 0) - beganMs).toBeGreaterThan(boundOf(USUAL))
    await world.halt()
  })
})
