/** Members in one process in virtual time, for tests that use a store as its users do: by awaiting it. */
import type { Store } from '../../src/api/store.js'
import { SimWorld, type WorldOptions } from '../../src/testing/sim/world.js'

/**
 * A simulated world that runs by itself while somebody awaits something of it: from event to event, as fast as they can
 * be computed. The same calls in the same order see the same run.
 */
export class RunningWorld extends SimWorld {
  #stopped = false
  #running: Promise<void> | undefined

  /** All members are open and know one leader. */
  static async start(options: Partial<WorldOptions> = {}): Promise<RunningWorld> {
    const world = new RunningWorld({ seed: 1, ...options })
    for (const place of world.places) world.start(place)
    const led = () => world.statuses().length === world.places.length && world.statuses().every(({ leader }) => leader)
    if (!(await world.run(led, 60_000))) throw new Error('no leader within a minute')
    world.go()
    return world
  }

  /** From here on time passes by itself. */
  go(): void {
    this.#stopped = false
    this.#running ??= this.#pump()
  }

  /** Time stands still; events go on with {@link run} or {@link go}. */
  async halt(): Promise<void> {
    this.#stopped = true
    await this.#running
    this.#running = undefined
  }

  store(name: string): Store {
    const { store } = this.place(name)
    if (store === undefined) throw new Error(`${name} is not open`)
    return store
  }

  get leader(): Store {
    const leader = this.statuses().find(({ role }) => role === 'leader')
    if (leader === undefined) throw new Error('nobody leads')
    return this.store(leader.name)
  }

  get followers(): Store[] {
    return this.places.flatMap(({ store }) => (store === undefined || store.status().role === 'leader' ? [] : [store]))
  }

  /** Cuts a member off from all others; `network.healAll()` ends it. */
  isolate(name: string): void {
    for (const other of this.places) if (other.name !== name) this.network.cut(name, other.name)
  }

  /** Resolves after so much virtual time. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.timersOf().after(ms, resolve)
    })
  }

  /** Resolves once it holds, looked at after every millisecond of virtual time. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.pass(1)
  }

  async #pump(): Promise<void> {
    while (!this.#stopped && (await this.scheduler.step()));
  }
}
