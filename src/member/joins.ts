/**
 * Answers processes that want to join: who they are in this cluster, by what this member has applied.
 *
 * Always: only those are let in that somebody with the right to do so has added, under the very name and address, or under
 * the address alone. That
 * tells them who the others are, and no more: what they may do is decided by their certificate, where there is one, and by
 * the log. Needs no leader and no quorum, so that a member can come back to a cluster that waits for it.
 * Always: bounded, in how much is read of a question (wire/join-codec.ts) and in how many are answered in a second.
 */
import type { Clock } from '../base/clock.js'
import { LIMITS } from '../base/limits.js'
import type { Membership } from '../machine/member-book.js'
import { decodeJoinQuestion, encodeJoinAnswer, type JoinAnswer, type JoinRefusal } from './wire/join-codec.js'

export interface JoinsParts {
  readonly clusterId: number
  readonly machine: { readonly members: Membership | undefined }
  readonly clock: Clock
}

export class Joins {
  readonly #parts: JoinsParts
  #secondBeganMs = -Infinity
  #answered = 0

  constructor(parts: JoinsParts) {
    this.#parts = parts
  }

  /** Throws `MALFORMED`. */
  answer(question: Uint8Array): Uint8Array {
    return encodeJoinAnswer(this.#isBusy() ? refusal('busy') : this.#decide(question))
  }

  #decide(bytes: Uint8Array): JoinAnswer {
    const question = decodeJoinQuestion(bytes)
    if (question === 'version') return refusal('version')
    const { clusterId, machine } = this.#parts
    const { name, address, identity } = question
    if (identity !== undefined && identity.clusterId !== clusterId) return refusal('other-cluster')
    const { members } = machine
    // The first members are in no entry: who gets the log from its beginning would never learn of them.
    if (members === undefined) return refusal('first-members')
    const { book, removed } = members
    if (identity !== undefined && removed.includes(identity.memberId)) return refusal('removed')
    // One that was added without a name is whoever comes from its address.
    const found =
      book.find((member) => member.name === name) ??
      book.find((member) => member.name === '' && member.address === address)
    if (found === undefined) return refusal('unknown')
    if (identity !== undefined && found.id !== identity.memberId) return refusal('removed')
    if (found.address !== address) return refusal('other-address', found.address)
    return { type: 'welcome', clusterId, memberId: found.id, members: book, removed }
  }

  #isBusy(): boolean {
    const nowMs = this.#parts.clock.monotonicMs()
    if (nowMs - this.#secondBeganMs >= 1000) {
      this.#secondBeganMs = nowMs
      this.#answered = 0
    }
    return ++this.#answered > LIMITS.joinQuestionsPerSecondMax
  }
}

function refusal(reason: JoinRefusal, detail = ''): JoinAnswer {
  return { type: 'refused', reason, detail }
}
