/** A world in virtual time whose members come one by one: the first begins a cluster, others join it. */
import type { MemberProgress } from '../../src/api/cluster.js'
import type { Store } from '../../src/api/store.js'
import type { LogFields, Logger } from '../../src/base/logger.js'
import { open } from '../../src/store/open.js'
import type { OpenOptions } from '../../src/store/options.js'
import type { Place } from '../../src/testing/sim/place.js'
import { RunningWorld } from './clusters.js'

export interface Line {
  readonly message: string
  readonly fields: LogFields | undefined
}

const TIMES = { electionTimeoutMs: 300 }

export class GrowingWorld extends RunningWorld {
  readonly logs = new Map<string, Line[]>()

  /** Time passes at once; nobody runs yet. */
  constructor(names: readonly string[] = ['a', 'b', 'c', 'd'], seed = 1) {
    super({ seed, members: names })
    // Without anybody who waits for anything time would come to its end.
    const timers = this.scheduler.timersOf()
    const tick = (): void => {
      timers.after(60_000, tick)
    }
    tick()
    this.go()
  }

  /** Cluster of `names`, begun with one of them; the others have joined. */
  async grown(names: readonly string[], options: OpenOptions = {}): Promise<Store> {
    const [first = 'a', ...others] = names
    const store = await this.begin(first, { cluster: { [first]: first }, ...options })
    for (const name of others) await this.grow(store, name, options)
    return store
  }

  /** A new process at `name`. Resolves, or rejects, as its `open()` does. */
  begin(name: string, options: OpenOptions): Promise<Store> {
    return new Promise((resolve, reject) => {
      const place = this.place(name)
      this.start(place, async ({ environment, disk, transport, onStop }) => {
        const ports = { environment: { ...environment, logger: this.#logger(name) }, disk, transport }
        try {
          const store = await open({ ...TIMES, name, ...ports, ...options })
          place.store = store
          onStop(() => store.close())
          resolve(store)
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  /** The same of one that joins by what the others know. */
  join(name: string, options: OpenOptions = {}): Promise<Store> {
    const others = this.places.map((place) => place.name).filter((each) => each !== name)
    return this.begin(name, { join: others, advertise: name, ...options })
  }

  /** Added over `store`, and joined. */
  async grow(store: Store, name: string, options: OpenOptions = {}): Promise<MemberProgress[]> {
    const seen: MemberProgress[] = []
    const adding = store.cluster.add({ name, address: name }, { onProgress: (progress) => seen.push(progress) })
    const [joined] = await Promise.all([this.join(name, options), adding])
    await joined.ready()
    return seen
  }

  /** The process goes without a word. */
  kill(name: string): Place {
    const place = this.place(name)
    this.crash(place)
    return place
  }

  /** What the disk of `name` held is gone. */
  empty(name: string): void {
    const place = this.kill(name)
    place.disk.wipe()
  }

  /** All that run have applied the same. */
  async agreed(): Promise<void> {
    const last = Math.max(...this.statuses().map(({ commitIndex }) => commitIndex))
    await this.until(() => this.statuses().every(({ appliedIndex }) => appliedIndex >= last))
  }

  #logger(name: string): Logger {
    const lines = this.logs.get(name) ?? []
    this.logs.set(name, lines)
    const note = (message: string, fields?: LogFields): void => {
      lines.push({ message, fields })
    }
    return { debug: note, info: note, warn: note, error: note }
  }
}
