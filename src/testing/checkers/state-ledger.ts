/** What applying each entry came to, as whoever applied it first told: every other member must come to the same. */
import type { Digest } from '../../base/checksum.js'
import type { Applied } from '../../machine/outcome.js'
import type { Event, Revision } from '../../mvcc/types.js'
import type { Index } from '../../raft/types.js'

export interface AppliedState {
  readonly member: string
  readonly revision: Revision
  readonly compactRevision: Revision
  readonly applied: Applied | undefined
  /** Undefined until somebody computed it at this index. */
  digest: Digest | undefined
}

const NO_CHANGES: readonly Event[] = []

export class StateLedger {
  readonly #states: (AppliedState | undefined)[] = []
  readonly #changes: (readonly Event[] | undefined)[] = []
  #firstKnown: Revision = Infinity
  #revision: Revision = 0

  at(index: Index): AppliedState | undefined {
    return this.#states[index]
  }

  /** Of the first to apply the entry at `index`. */
  add(index: Index, state: AppliedState): void {
    this.#states[index] = state
    this.#revision = Math.max(this.#revision, state.revision)
    const { applied } = state
    if (applied === undefined || applied.events.length === 0) return
    this.#firstKnown = Math.min(this.#firstKnown, state.revision)
    this.#changes[state.revision] = applied.events
  }

  /** The latest revision that anybody came to. */
  get revision(): Revision {
    return this.#revision
  }

  /** From here on all changes are known. */
  get firstKnown(): Revision {
    return this.#firstKnown
  }

  changesOf(revision: Revision): readonly Event[] {
    return this.#changes[revision] ?? NO_CHANGES
  }
}

/** Whether two members saw the same change. */
export function equalEvents(a: Event, b: Event): boolean {
  if (a === b) return true
  const left = a.keyValue
  const right = b.keyValue
  return (
    a.type === b.type &&
    left.key === right.key &&
    left.modRevision === right.modRevision &&
    left.createRevision === right.createRevision &&
    left.version === right.version &&
    left.lease === right.lease &&
    equalBytes(left.value, right.value)
  )
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.byteLength === b.byteLength && Buffer.compare(a, b) === 0)
}
