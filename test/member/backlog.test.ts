/** A member whose state cannot be written, and whose log can: what it holds in memory stays bounded. */
import { describe, expect, test } from 'vitest'
import type { Database, Disk } from '../../src/storage/disk.js'
import type { Store } from '../../src/api/store.js'
import type { Waiting } from '../../src/member/event.js'
import { RunningWorld } from '../store/clusters.js'

const BUFFER_BYTES = 10_000
const VALUE = 'x'.repeat(1_000)
const PUTS = 200

/** Disks whose state does not answer writes while it is said so. */
class StateGate {
  #held: (() => void)[] | undefined

  hang(): void {
    this.#held = []
  }

  goOn(): void {
    for (const held of this.#held ?? []) held()
    this.#held = undefined
  }

  over(disk: Disk): Disk {
    const openDatabase = disk.openDatabase.bind(disk)
    return {
      ...disk,
      openDatabase: async (name, options) => {
        const database = await openDatabase(name, options)
        return name === 'log' ? database : this.#gated(database)
      },
    }
  }

  #gated(database: Database): Database {
    const make = database.batch.bind(database) as () => { write: (options: object) => Promise<void> }
    return Object.assign(database, {
      batch: () => {
        const batch = make()
        const write = batch.write.bind(batch)
        return Object.assign(batch, {
          write: async (options: object) => {
            if (this.#held !== undefined) await new Promise<void>((resolve) => this.#held?.push(resolve))
            await write(options)
          },
        })
      },
    })
  }
}

/** Three members, one of which (the leader or a follower) can have its state hung. The least backlog there may be. */
async function started(role: 'leader' | 'follower') {
  const gates = new Map<Store, StateGate>()
  const most = new Map<string, number>()
  const disks: StateGate[] = []
  const world = await RunningWorld.start({
    plant: {
      disk: (disk) => {
        const gate = new StateGate()
        disks.push(gate)
        return gate.over(disk)
      },
    },
    buggify: () => (point) => point === 'backlog-of-one',
    open: (name) => ({
      stateBufferBytesMax: BUFFER_BYTES,
      diskTimeoutMs: Infinity,
      observe: (event) => {
        const { type, logBytes } = event as { readonly type: string } & Waiting
        if (type === 'turned') most.set(name, Math.max(most.get(name) ?? 0, logBytes))
      },
    }),
  })
  world.places.forEach(({ store }, at) => store && disks[at] && gates.set(store, disks[at]))
  const found = role === 'leader' ? world.leader : world.followers[0]
  const gate = found && gates.get(found)
  if (found === undefined || gate === undefined) throw new Error(`there is no ${role}`)
  return { world, store: found, gate, most: () => most.get(found.status().name) ?? 0 }
}

describe('the state of a member cannot be written, its log can', () => {
  test('a follower takes no more than it may, the others go on, and later it catches up', async () => {
    const { world, store, gate, most } = await started('follower')
    gate.hang()
    for (let nth = 0; nth < PUTS; nth++) await world.leader.put(`key ${nth}`, VALUE)
    await world.pass(2_000)
    expect(most()).toBeLessThan(8 * BUFFER_BYTES)
    // A heartbeat each: it is no reason for an election.
    expect(store.status().leader).toBe(world.leader.status().name)

    const short = store.status().log.lastIndex
    gate.goOn()
    await world.until(() => store.status().log.lastIndex > short)
    await world.halt()
  })

  test('a leader takes no proposals, and lets them through when it goes on', async () => {
    const { world, store, gate, most } = await started('leader')
    gate.hang()
    const [follower] = world.followers
    let done = 0
    // One after the other, or all would be in one batch.
    const putAll = async (through: Store | undefined): Promise<void> => {
      for (let nth = 0; nth < PUTS / 2; nth++, done++) await through?.put(`key ${nth}`, VALUE, { timeoutMs: 60_000 })
    }
    const putting = Promise.all([putAll(store), putAll(follower)])
    await world.pass(10_000)
    expect(done).toBeLessThan(PUTS / 4)
    expect(most()).toBeLessThan(8 * BUFFER_BYTES)
    gate.goOn()
    await putting
    await world.halt()
  })
})
