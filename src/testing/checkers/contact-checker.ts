/**
 * R28: who has not heard from a quorum for an election timeout, by its own clock, leads no more: it is found out before
 * anything that waited is handled, however long the process stood still.
 *
 * What counts as heard here is any message of a voter, which is more than the member counts: so it never sees less contact.
 * It must have stepped down by the next event with a time, which is told before the member handles what it tells of.
 */
import type { NodeId, Term } from '../../raft/types.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

interface Leading {
  readonly term: Term
  readonly sinceMs: number
  readonly heardMs: Map<NodeId, number>
  /** A quorum was last heard then, which was too long ago. */
  overdue: { readonly heardMs: number; readonly atMs: number } | undefined
}

export class ContactChecker {
  readonly #electionTimeoutMs: number
  readonly #leading = new Map<MemberView, Leading>()

  /** Infinity: it is not looked at. */
  constructor(electionTimeoutMs: number) {
    this.#electionTimeoutMs = electionTimeoutMs
  }

  received(view: MemberView, from: NodeId, atMs: number): void {
    this.timed(view, atMs)
    this.#leading.get(view)?.heardMs.set(from, atMs)
  }

  timed(view: MemberView, atMs: number): void {
    if (view.role !== 'leader' || this.#electionTimeoutMs === Infinity) {
      this.#leading.delete(view)
      return
    }
    let leading = this.#leading.get(view)
    if (leading?.term !== view.ledTerm) {
      leading = { term: view.ledTerm, sinceMs: atMs, heardMs: new Map(), overdue: undefined }
      this.#leading.set(view, leading)
    }
    const { overdue } = leading
    if (overdue !== undefined) {
      const forMs = overdue.atMs - overdue.heardMs
      fail('R28', `${view.name} leads on in term ${view.ledTerm} ${forMs} ms after it last heard a quorum`)
    }
    const heardMs = quorumHeardMs(view, leading, atMs)
    if (heardMs + this.#electionTimeoutMs <= atMs) leading.overdue = { heardMs, atMs }
  }
}

/** Of a joint configuration both sides count. */
function quorumHeardMs({ id, followed }: MemberView, { sinceMs, heardMs }: Leading, atMs: number): number {
  const { voters, outgoing } = followed.configuration
  const heardBy = (side: readonly NodeId[]): number => {
    const times = side.map((voter) => (voter === id ? atMs : (heardMs.get(voter) ?? sinceMs))).sort((a, b) => b - a)
    return times[Math.floor(side.length / 2)] ?? atMs
  }
  return Math.min(heardBy(voters), heardBy(outgoing))
}
