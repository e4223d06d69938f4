/** Members added, promoted, removed, moved, killed and cut off at random: what was acknowledged stays, and all come to one state. */
import { expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { MEMBER } from '../../src/machine/identity.js'
import { MembersWorld, NotRunning } from './members-world.js'

const SEEDS = Number(process.env['MEMBERS_SEEDS'] ?? 2)
const FIRST_SEED = Number(process.env['MEMBERS_SEED'] ?? 1)
const STEPS = 40
const PLACES = ['a', 'b', 'c', 'd', 'e', 'f'] as const

class Story {
  readonly world: MembersWorld
  readonly #random: Random
  readonly #acknowledged = new Map<string, string>()
  /** Who holds a place, by its id; and whom no change is tried of any more. */
  readonly #ids = new Map<string, number>()
  readonly told: string[] = []
  #writes = 0

  constructor(world: MembersWorld, seed: number) {
    this.world = world
    this.#random = seededRandom(seed * 7919)
    for (const name of ['a', 'b', 'c']) this.#ids.set(name, world.idOf(name))
  }

  async step(): Promise<void> {
    await this.#write()
    const { world } = this
    const name = this.#pick(PLACES)
    const id = this.#ids.get(name)
    switch (below(this.#random, 10)) {
      case 0:
      case 1:
        if (id === undefined) await this.#add(name)
        break
      case 2:
      case 3:
        await this.#promote()
        break
      case 4:
        if (id !== undefined) await this.#remove(name, id)
        break
      case 5:
        if (world.members.has(name)) {
          this.told.push(`restart ${name}`)
          world.restart(name, below(this.#random, 2) === 0 ? 'process' : 'power')
        }
        break
      case 6:
        if (world.members.has(name)) {
          this.told.push(`crash ${name}`)
          world.crash(name)
        }
        break
      case 7:
        this.told.push(`isolate ${name}`)
        world.world.isolate(name)
        break
      case 8:
        if (world.members.has(name)) await this.#try(`announce ${name}`, () => this.#announce(name))
        break
      default:
        if (id !== undefined)
          await this.#try(`lead ${name}`, (at) => world.member(at).moveLeader(id, MEMBER, world.limitsAt(at, 1000)))
    }
    if (below(this.#random, 2) === 0) await this.#calm()
    await world.world.pass(below(this.#random, 400))
  }

  /** All faults end; whoever is in the cluster runs. */
  async #calm(): Promise<void> {
    const { world } = this
    world.world.network.healAll()
    for (const name of this.#ids.keys()) {
      if (!world.members.has(name) && world.world.place(name).process === undefined) world.boot(name)
    }
    await world.until(() => [...this.#ids.keys()].every((name) => world.members.has(name)))
  }

  async end(): Promise<void> {
    const { world } = this
    await this.#calm()
    for (let tries = 0; ; tries++) {
      await this.#write()
      if (this.told.at(-1) === 'written' || tries > 60) break
      await world.world.pass(500)
    }
    const leader = await this.#settled()
    const inside = world.member(leader).addressBook.members.map(({ name }) => name)
    await world.agree(inside)
    for (const [key, value] of this.#acknowledged) expect(await world.get(key, this.#pick(inside)), key).toBe(value)
    for (const name of world.members.keys()) {
      if (inside.includes(name)) continue
      await world.until(() => world.member(name).removed)
    }
    expect(world.failures).toEqual([])
  }

  async #settled(): Promise<string> {
    const { world } = this
    const views = (): Set<string> => {
      const leader = world.leaderName
      const inside = leader === undefined ? [] : world.member(leader).addressBook.members.map(({ name }) => name)
      const ready = inside.every((name) => world.members.has(name) && world.member(name).status.promises === 'kept')
      const waits = leader !== undefined && world.member(leader).members.some(({ becomesVoter }) => becomesVoter)
      return ready && !waits && leader !== undefined ? new Set(inside.map((name) => world.membersBy(name))) : new Set()
    }
    await world.until(() => views().size === 1)
    return world.leaderName as string
  }

  async #add(name: string): Promise<void> {
    const id = 100 + this.told.length
    // The place is given up by whoever had it.
    this.world.crash(name)
    this.world.world.place(name).disk.wipe()
    const added = await this.#try(`add ${name}`, (at) =>
      this.world.change(
        { type: 'add-learner', id, name, address: name, ...(id % 2 === 0 && { becomesVoter: true }) },
        at,
        1000,
      ),
    )
    if (!added && !this.#isInSomeBook(id)) return
    this.#ids.set(name, id)
    this.world.bootJoining(name, id)
  }

  #announce(name: string): Promise<void> {
    const urls = [`http://${name}:${this.told.length}`]
    return this.world.member(name).announce(urls, MEMBER, this.world.limitsAt(name, 1000))
  }

  async #promote(): Promise<void> {
    const { world } = this
    const learners = [...world.members.values()].flatMap((member) => member.status.learners)
    const [name, id] = [...this.#ids].find(([, each]) => learners.includes(each)) ?? []
    if (id === undefined) return
    await this.#try(`promote ${name}`, (at) => world.change({ type: 'promote', id }, at, 1000))
  }

  /** It may have come through after all: then the member must run. */
  #isInSomeBook(id: number): boolean {
    return [...this.world.members.values()].some((member) => member.addressBook.find(id) !== undefined)
  }

  async #remove(name: string, id: number): Promise<void> {
    const removed = await this.#try(`remove ${name}`, (at) => this.world.change({ type: 'remove', id }, at, 1000))
    if (removed) this.#ids.delete(name)
  }

  async #write(): Promise<void> {
    const key = `key ${this.#writes++}`
    const written = await this.#try('write', (at) => this.world.put(key, `${key}!`, at, 1500))
    if (!written) return
    this.#acknowledged.set(key, `${key}!`)
    this.told[this.told.length - 1] = 'written'
  }

  async #try(what: string, call: (at: string) => Promise<unknown>): Promise<boolean> {
    const running = [...this.world.members.keys()]
    const at = running.length === 0 ? 'a' : this.#pick(running)
    try {
      await Promise.race([
        call(at),
        this.world.world.pass(3000).then(() => Promise.reject(new NotRunning('it fell silent'))),
      ])
      this.told.push(`${what}, by ${at}`)
      return true
    } catch (error) {
      if (!isStoreError(error) && !(error instanceof NotRunning)) throw error
      this.told.push(`${what}, by ${at}: ${isStoreError(error) ? error.code : error.message}`)
      return false
    }
  }

  #pick<T>(all: readonly T[]): T {
    return all[below(this.#random, all.length)] as T
  }
}

test.each(Array.from({ length: SEEDS }, (_, at) => FIRST_SEED + at))(
  'members come and go, and the cluster stays one (seed %i)',
  { timeout: 120_000 },
  async (seed) => {
    const open = seed % 2 === 0 ? {} : { stateBufferBytesMax: 500, logRetainBytes: 1_000 }
    const world = await MembersWorld.start({ seed, initial: 3, places: PLACES, open })
    const story = new Story(world, seed)
    try {
      for (let nth = 0; nth < STEPS; nth++) await story.step()
      await story.end()
    } catch (error) {
      throw new Error(`seed ${seed}: ${story.told.join('; ')}: ${(error as Error).message}`, { cause: error })
    } finally {
      await world.stop()
    }
  },
)
