/** The world as checks see it. */
import type { Observation, SimulatedNode, SimulatedWorld } from './app.js'
import type { SimWorld } from '../sim/world.js'
import type { Chronicle } from './chronicle.js'

export class WorldView<Observed, Exposed> implements SimulatedWorld<Observed, Exposed> {
  readonly seed: number
  readonly nodes: readonly SimulatedNode<Exposed>[]
  healed = false
  readonly #world: SimWorld
  readonly #chronicle: Chronicle<Observed>
  readonly #exposed = new Map<string, { readonly life: number; readonly value: Exposed }>()

  constructor(world: SimWorld, chronicle: Chronicle<Observed>) {
    this.seed = world.seed
    this.#world = world
    this.#chronicle = chronicle
    const exposed = this.#exposed
    this.nodes = world.places.map((place) => ({
      name: place.name,
      get running() {
        return place.process !== undefined
      },
      get life() {
        return place.lives
      },
      get exposed() {
        const shown = exposed.get(place.name)
        return shown?.life === place.lives && place.process !== undefined ? shown.value : undefined
      },
    }))
  }

  get nowMs(): number {
    return this.#world.nowMs
  }

  get observations(): readonly Observation<Observed>[] {
    return this.#chronicle.observations
  }

  get marks(): ReadonlySet<string> {
    return this.#chronicle.marks
  }

  // Properties rather than methods: a check may take them out of the world.
  readonly node = (name: string): SimulatedNode<Exposed> => {
    const node = this.nodes.find((each) => each.name === name)
    if (node === undefined) throw new RangeError(`there is no node ${name} in this world`)
    return node
  }

  readonly sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => this.#world.scheduler.timersOf().after(ms, resolve))

  expose(node: string, life: number, value: Exposed): void {
    this.#exposed.set(node, { life, value })
  }
}
