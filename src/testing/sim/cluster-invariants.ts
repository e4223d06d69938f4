/**
 * What must hold in a cluster after every event, judged from outside by what its members say of themselves.
 *
 * The numbers are those of docs/TESTING.md: R1 one leader per term, R5 and R18 one state at one applied index, R6 terms
 * never fall, R8 and R11 commit and applied never fall within a life and applied is at most committed.
 */
import { AssertionError } from '../../base/assert.js'
import type { StoreStatus } from '../../api/store.js'
import type { SimWorld } from './world.js'

interface Seen {
  /** The life that it was seen in. */
  readonly life: object
  readonly status: StoreStatus
}

export class ClusterInvariants {
  readonly #world: SimWorld
  readonly #leaders = new Map<number, string>()
  readonly #states = new Map<number, { readonly digest: string; readonly revision: number; readonly name: string }>()
  readonly #last = new Map<string, Seen>()

  constructor(world: SimWorld) {
    this.#world = world
  }

  /** Throws AssertionError naming the invariant, the members and the numbers. */
  check(): void {
    for (const place of this.#world.places) {
      if (place.store === undefined) continue
      const status = place.store.status()
      const last = this.#last.get(place.name)
      this.#checkLeader(status)
      if (last?.life === place.store && last.status.appliedIndex === status.appliedIndex) {
        this.#checkProgress(status, last, place.store)
      } else {
        this.#checkState(status)
        this.#checkProgress(status, last, place.store)
      }
      this.#last.set(place.name, { life: place.store, status })
    }
  }

  #checkLeader({ role, term, name }: StoreStatus): void {
    if (role !== 'leader') return
    const leader = this.#leaders.get(term) ?? name
    if (leader !== name) throw violation('R1', `two leaders in term ${term}: ${leader} and ${name}`)
    this.#leaders.set(term, leader)
  }

  #checkState({ appliedIndex, digest, revision, name }: StoreStatus): void {
    const known = this.#states.get(appliedIndex)
    if (known === undefined) {
      this.#states.set(appliedIndex, { digest, revision, name })
      this.#world.trace.note(`${name}  applied ${appliedIndex}  revision ${revision}  digest ${digest}`)
    } else if (known.digest !== digest || known.revision !== revision) {
      throw violation(
        'R5',
        `states differ at applied index ${appliedIndex}: ${known.name} has revision ${known.revision} and digest ` +
          `${known.digest}, ${name} has ${revision} and ${digest}`,
      )
    }
  }

  #checkProgress(status: StoreStatus, last: Seen | undefined, life: object): void {
    const { name, term, commitIndex, appliedIndex } = status
    if (appliedIndex > commitIndex) throw violation('R11', `${name} applied ${appliedIndex}, committed ${commitIndex}`)
    if (last === undefined) return
    const before = last.status
    // A process that died may have known a term that was not durable yet, and that nobody was told of.
    if (last.life !== life) return
    if (term < before.term) throw violation('R6', `${name} fell from term ${before.term} to ${term}`)
    if (commitIndex < before.commitIndex || appliedIndex < before.appliedIndex) {
      throw violation(
        'R8',
        `${name} fell back: commit ${before.commitIndex} to ${commitIndex}, applied ${before.appliedIndex} to ${appliedIndex}`,
      )
    }
  }
}

function violation(invariant: string, what: string): AssertionError {
  return new AssertionError(`${invariant} violated: ${what}`)
}
