/** The ids of leases that a store chose itself, which are other ones in each store, by the names that the programme gave them. */
import type { LeaseName } from './operation.js'

export class LeaseNames {
  readonly #idOf = new Map<LeaseName, string>()
  readonly #nameOf = new Map<string, LeaseName>()
  readonly #granted = new Map<LeaseName, number>()

  /** Gives a name of its own: the same name may be granted again, which then stands for the later one. */
  learn(name: LeaseName, id: string): LeaseName {
    const granted = (this.#granted.get(name) ?? 0) + 1
    const own = `${name}.${granted}`
    this.#granted.set(name, granted)
    this.#idOf.set(name, id).set(own, id)
    this.#nameOf.set(id, own)
    return own
  }

  /** Of a name that was never granted: an id that no lease has. */
  idOf(name: LeaseName): string {
    if (!name.startsWith('#')) return name
    return this.#idOf.get(name) ?? UNKNOWN_ID
  }

  nameOf(id: string): LeaseName {
    return this.#nameOf.get(id) ?? id
  }
}

const UNKNOWN_ID = String(2n ** 62n + 1n)
