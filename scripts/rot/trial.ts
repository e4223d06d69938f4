/**
 * One trial: the directories as they were left, one of them damaged, the members started again; then everything that
 * clients were told is demanded of every member.
 *
 *     copy ─► damage ─► open the damaged one ─► (the others) ─► all ready ─► read everything everywhere ─► write ─► read again
 *
 * Throws what was wrong: a value that nobody wrote, one that is lost, members that differ, a damage that nobody noticed
 * and that changed something.
 */
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isStoreError, type MemberEvent, type Store } from '../../src/index.js'
import type { Logger } from '../../src/base/logger.js'
import { valueOf } from '../crash/value.js'
import { inflict } from './damage.js'
import { checkContents, checkOnce, FactsViolated, type Acknowledged, type Facts } from './facts.js'
import { readContents, readLocal } from './found.js'
import { Cluster, type Name } from './members.js'
import type { Outcome, Trial, TrialResult } from './messages.js'
import { readOneByOne } from './one-by-one.js'
import { compareRecovered, type Recovered } from './recovered.js'

const MEMBERS = { alone: 1, together: 3, 'with the one behind': 3 } as const
const READY_MS_MAX = 20_000
/** How long the one that has everything keeps out, so that the others could do harm without it. */
const WITHOUT_THE_OTHER_MS = 150
const LOOK_AGAIN_MS = 3
/** While there is no quorum, or no state yet. */
const EARLY_READ_MS_MAX = 60
/** Members also speak of the network, of others and of what is slow. */
const OF_DAMAGE = /damage/i

export class RotTrial {
  readonly #trial: Trial
  readonly #cluster: Cluster
  readonly #facts: { acknowledged: Acknowledged[]; readonly pending: Facts['pending'] }
  readonly #said: string[] = []
  readonly #stores = new Map<Name, Store>()
  #recovered: Recovered | undefined
  #refusal: string | undefined
  #reads = 0
  #refusedReads = 0

  constructor(trial: Trial) {
    this.#trial = trial
    this.#cluster = new Cluster(MEMBERS[trial.setup], trial.folder)
    const { acknowledged, pending } = JSON.parse(readFileSync(join(trial.template, 'facts.json'), 'utf8')) as Facts
    this.#facts = { acknowledged: [...acknowledged], pending }
  }

  async run(): Promise<TrialResult> {
    const { folder, template, victim, damage } = this.#trial
    rmSync(folder, { recursive: true, force: true })
    for (const name of this.#cluster.names) cpSync(join(template, name), join(folder, name), { recursive: true })
    inflict(join(folder, victim), damage, (name) => join(template, name))
    try {
      await this.#open(victim)
      if (this.#trial.setup === 'alone') await this.#readAlone()
      else await this.#readTogether()
    } finally {
      await Promise.all([...this.#stores.values()].map((store) => store.close().catch(() => undefined)))
    }
    return { outcome: await this.#outcome(), said: this.#said, reads: this.#reads, refusedReads: this.#refusedReads }
  }

  async #open(name: Name): Promise<void> {
    const damaged = name === this.#trial.victim
    try {
      const store = await this.#cluster.open(
        name,
        damaged ? { logger: this.#logger(), observe: (event) => this.#see(event) } : {},
      )
      this.#stores.set(name, store)
    } catch (error) {
      if (!damaged || !isStoreError(error)) throw error
      this.#refusal = error.code
      this.#said.push(error.message)
    }
  }

  async #readAlone(): Promise<void> {
    const store = this.#stores.get(this.#trial.victim)
    if (store === undefined) return
    const { right, refused } = await readOneByOne(store, this.#facts)
    this.#reads += right
    this.#refusedReads += refused
  }

  async #readTogether(): Promise<void> {
    const { setup, victim } = this.#trial
    const others = this.#cluster.names.filter((name) => name !== victim)
    const behind = this.#cluster.names.at(-1)
    const first = setup === 'together' ? others : others.filter((name) => name === behind)
    const later = others.filter((name) => !first.includes(name))
    await Promise.all(first.map((name) => this.#open(name)))
    await this.#readEarly(later.length === 0 ? 0 : WITHOUT_THE_OTHER_MS)
    await Promise.all(later.map((name) => this.#open(name)))
    await this.#agree()
    for (const store of this.#stores.values()) await this.#write(store)
    await this.#agree()
  }

  /** What the damaged one gives while it catches up may be old, never wrong. */
  async #readEarly(forMs: number): Promise<void> {
    const endMs = performance.now() + forMs
    do {
      for (const store of this.#stores.values()) {
        try {
          checkOnce(this.#facts, await readLocal(store, EARLY_READ_MS_MAX))
          this.#reads++
        } catch (error) {
          if (!isStoreError(error)) throw error
          if (error.code === 'DATA_DAMAGED') this.#refusedReads++
        }
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS * 10))
    } while (performance.now() < endMs)
  }

  /** All have everything that was acknowledged, and the same. */
  async #agree(): Promise<void> {
    const stores = [...this.#stores.values()]
    await Promise.all(stores.map((store) => store.ready({ timeoutMs: READY_MS_MAX })))
    const contents = await Promise.all(stores.map(readContents))
    for (const each of contents) {
      checkContents(this.#facts, each)
      this.#reads += each.items.length + each.changes.length
    }
    const digests = await this.#digests(stores)
    if (digests.size > 1) throw new FactsViolated(`the members hold different states: ${[...digests].join(', ')}`)
  }

  /** Of the state after one entry, the same for all. */
  async #digests(stores: readonly Store[]): Promise<Set<string>> {
    for (const endMs = performance.now() + READY_MS_MAX; ;) {
      const statuses = stores.map((store) => store.status())
      if (new Set(statuses.map(({ appliedIndex }) => appliedIndex)).size === 1)
        return new Set(statuses.map(({ digest }) => digest))
      if (performance.now() > endMs) throw new Error('the members stay at different entries')
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }

  async #write(store: Store): Promise<void> {
    const change = { key: `after/${store.status().name}`, id: `after-${store.status().name}` }
    const { revision } = await store.put(change.key, valueOf(change.id, 100), { timeoutMs: READY_MS_MAX })
    this.#facts.acknowledged.push({ revision, changes: [change] })
  }

  async #outcome(): Promise<Outcome> {
    if (this.#refusal !== undefined) return 'refused'
    if (this.#said.length > 0 || this.#refusedReads > 0) return 'detected'
    return compareRecovered(this.#trial, this.#recovered)
  }

  #see(event: MemberEvent): void {
    if (event.type === 'recovered') this.#recovered = event
  }

  #logger(): Logger {
    const hear = (message: string, fields?: object): void => {
      const said = `${message} ${JSON.stringify(fields ?? {})}`
      if (OF_DAMAGE.test(said)) this.#said.push(said)
    }
    return { debug: () => undefined, info: () => undefined, warn: hear, error: hear }
  }
}
