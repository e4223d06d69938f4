/**
 * Every entry that any member ever wrote, and which of them are committed, as seen from above.
 *
 *     1@1 ◄── 2@1 ◄── 3@2 ◄── 4@2       committed: 1@1 2@1 3@2
 *              ▲
 *              └───── 3@1               an entry that lost
 *
 * Always: one link stands for one entry in one history: two members hold the same link exactly when their logs are the same
 * up to there (log matching, thesis 3.5). So comparing whole logs is comparing two references.
 */
import { hash64 } from '../../base/checksum.js'
import { decodeConfiguration } from '../../raft/confchange/codec.js'
import type { CompleteConfiguration } from '../../raft/configuration.js'
import type { Entry, Index, LogPosition, Term } from '../../raft/types.js'
import { fail } from './violation.js'

/** What an entry that changes the membership brings. */
export interface Configured {
  readonly index: Index
  /** Undefined: as the cluster began. */
  readonly configuration: CompleteConfiguration | undefined
  /** The book of the members; empty where there is none. */
  readonly data: Uint8Array
}

export interface Link {
  readonly index: Index
  readonly term: Term
  /** Of kind and payload; undefined where only the position is known. */
  fingerprint: number | undefined
  /** Undefined for the empty log, and where it is not known. */
  previous: Link | undefined
  /** Another entry at this index, of another term. */
  sibling: Link | undefined
  /** What is in force where a log ends here, by the log alone; undefined where it is not known. */
  configured: Configured | undefined
}

const BEGINNING: Configured = { index: 0, configuration: undefined, data: Buffer.alloc(0) }

/** Before the first entry. */
export const ROOT: Link = {
  ...{ index: 0, term: 0, fingerprint: undefined, previous: undefined, sibling: undefined },
  configured: BEGINNING,
}

export function describeLink({ index, term }: LogPosition): string {
  return `${index}@${term}`
}

export class LogLedger {
  /** At each index the last one that came up; mostly there is no other. */
  readonly #links: Link[] = [ROOT]
  readonly #committed: Link[] = [ROOT]
  /** The term of the leader that committed each; never falls. */
  readonly #committedIn: Term[] = [0]

  get committedIndex(): Index {
    return this.#committed.length - 1
  }

  /** Undefined where nothing is committed yet, or was before anybody looked. */
  committed(index: Index): Link | undefined {
    return this.#committed[index]
  }

  committedIn(index: Index): Term {
    return this.#committedIn[index] ?? 0
  }

  find(index: Index, term: Term): Link | undefined {
    let link = this.#links[index]
    while (link !== undefined && link.term !== term) link = link.sibling
    return link
  }

  /** Whether whoever holds `link` holds `earlier` too. */
  contains(link: Link | undefined, earlier: Link): boolean {
    let at = link
    while (at !== undefined && at.index > earlier.index) at = at.previous
    return at === earlier
  }

  /** The link of an entry that `member` has behind `previous`; R2 unless it is what others have there. */
  linkOf(member: string, entry: Entry, previous: Link): Link {
    const found = this.find(entry.index, entry.term)
    const fingerprint = fingerprintOf(entry)
    if (found === undefined) return this.#add(entry, fingerprint, previous, configuredBy(entry, previous))
    if ((found.fingerprint ??= fingerprint) !== fingerprint) {
      fail('R2', `entry ${describeLink(entry)} of ${member} has another content than elsewhere`)
    }
    if ((found.previous ??= previous) !== previous) {
      const elsewhere = describeLink(found.previous)
      fail('R2', `entry ${describeLink(entry)} of ${member} follows ${describeLink(previous)}, elsewhere ${elsewhere}`)
    }
    found.configured ??= configuredBy(entry, previous)
    return found
  }

  /** The link of an entry of which only the position is known: the last one that was trimmed. */
  linkAt({ index, term }: LogPosition): Link {
    return this.find(index, term) ?? this.#add({ index, term }, undefined, undefined, undefined)
  }

  /** Everything up to `link` is committed, by the leader of `term`. R5 if something else was before. */
  commit(link: Link, term: Term, member: string): void {
    const from = this.committedIndex
    const fresh: Link[] = []
    let at: Link | undefined = link
    while (at !== undefined && at.index > from) {
      fresh.push(at)
      at = at.previous
    }
    const known = this.#committed[from]
    if (at !== undefined && known !== undefined && at !== known) {
      fail(
        'R5',
        `${member} commits ${describeLink(link)} behind ${describeLink(at)}, committed is ${describeLink(known)}`,
      )
    }
    for (const each of fresh.reverse()) {
      this.#committed[each.index] = each
      this.#committedIn[each.index] = Math.max(term, this.committedIn(each.index - 1))
    }
  }

  #add(
    { index, term }: LogPosition,
    fingerprint: number | undefined,
    previous: Link | undefined,
    configured: Configured | undefined,
  ): Link {
    const link: Link = { index, term, fingerprint, previous, sibling: this.#links[index], configured }
    this.#links[index] = link
    return link
  }
}

function configuredBy({ index, kind, data }: Entry, previous: Link): Configured | undefined {
  return kind === 'configuration' ? { index, ...decodeConfiguration(data) } : previous.configured
}

/** 52 bits: two entries that differ and have the same are not to be expected in any run. */
export function fingerprintOf({ kind, data }: Entry): number {
  const { high, low } = hash64(data)
  return high * 0x10_0000 + ((low >>> 12) ^ kind.length)
}
