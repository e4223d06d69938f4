/**
 * Who is in the cluster, with names and addresses, as the log has it: a change counts from the moment its entry is appended,
 * committed or not, as its configuration does (raft/configurations.ts).
 *
 *     who this member was told at its start ──► the state ──► each entry behind it that changes the members
 *                                               (machine.members)
 *
 * Always: whoever is a member by what is applied, or by any entry behind it, is a peer: a change that is not committed may
 * yet be taken back, and until then both sides of it have to be reached.
 * Always: removed is only who is removed by what is applied.
 * What another member told (book-exchange.ts) adds peers, until this one has applied as much itself.
 */
import { present } from '../base/assert.js'
import { bookSince } from '../machine/member-book-codec.js'
import type { MemberAddress, MemberBook, Membership, MemberRecord } from '../machine/member-book.js'
import type { CompleteConfiguration } from '../raft/configuration.js'
import type { ConfigurationAt } from '../raft/configurations.js'
import type { Index, NodeId } from '../raft/types.js'

/** What the book is read from. */
export interface BookSources {
  readonly raft: {
    readonly configuration: CompleteConfiguration
    readonly configurations: readonly ConfigurationAt[]
  }
  readonly machine: { readonly members: Membership | undefined; readonly appliedIndex: Index }
}

export class AddressBook {
  readonly #memberId: NodeId
  readonly #initial: readonly MemberAddress[]
  readonly #catchesUp: () => boolean
  /** The one that is applied, and those of the entries behind it; the last counts. */
  #books: readonly MemberBook[]
  #readFrom: { readonly configuration: CompleteConfiguration; readonly applied: Membership | undefined } | undefined

  #told: { readonly index: Index; readonly book: MemberBook } | undefined

  /**
   * `catchesUp`: it joined, and its log does not reach yet what it was told when it did: the members that the log names so far
   * are those of the past, and not those from whom the rest of it comes.
   */
  constructor(memberId: NodeId, initial: readonly MemberAddress[], catchesUp: () => boolean = () => false) {
    this.#memberId = memberId
    this.#initial = initial
    this.#catchesUp = catchesUp
    this.#books = [{ members: initial, removed: [] }]
  }

  /** Every member by the last entry of the log that changes them, this one included where it is one. */
  get members(): readonly MemberRecord[] {
    return this.#last.members
  }

  /** Those that are removed by what is applied, the latest last. */
  get removed(): readonly NodeId[] {
    return this.#applied.removed
  }

  /** The same book as an entry carries it. */
  get last(): MemberBook {
    return this.#last
  }

  /** Whom this member speaks to: by the book that is applied or by any behind it. */
  get peers(): readonly MemberAddress[] {
    const books = this.#told === undefined ? this.#books : [this.#told.book, ...this.#books]
    const named = [...books.flatMap(({ members }) => members), ...this.#awaited]
    const peers = new Map(named.map((member) => [member.id, member]))
    peers.delete(this.#memberId)
    return [...peers.values()]
  }

  /** Whether there is nobody else. */
  get alone(): boolean {
    return this.peers.length === 0
  }

  /** Undefined for one that is not of this cluster, as far as is known. */
  find(id: NodeId): MemberRecord | undefined {
    for (let at = this.#books.length - 1; at >= 0; at--) {
      const found = this.#books[at]?.members.find((member) => member.id === id)
      if (found !== undefined) return found
    }
    return [...(this.#told?.book.members ?? []), ...this.#awaited].find((member) => member.id === id)
  }

  /** Of one that has no name yet, its address. */
  nameOf(id: NodeId): string | undefined {
    const found = this.find(id)
    return found?.name === '' ? found.address : found?.name
  }

  /** Of the last change that this member has applied, or was told of; 0: of none. */
  get index(): Index {
    return Math.max(this.#readFrom?.applied?.index ?? 0, this.#told?.index ?? 0)
  }

  /** Another member says who is in the cluster since the change at `index`; whether that is news. */
  hear(index: Index, book: MemberBook): boolean {
    if (index <= this.index) return false
    this.#told = { index, book }
    return true
  }

  /** Reads it anew where log or state have changed; whether they have. */
  follow({ raft, machine }: BookSources): boolean {
    const { configuration, configurations } = raft
    const { members: applied, appliedIndex } = machine
    // A state is about to take the place of the log: what it says of the members is known once it is adopted.
    if (configurations.length === 1 && (configurations[0]?.index ?? 0) > appliedIndex) return false
    if (this.#readFrom?.configuration === configuration && this.#readFrom.applied === applied) return false
    this.#readFrom = { configuration, applied }
    if ((applied?.index ?? 0) >= (this.#told?.index ?? 0)) this.#told = undefined
    const books = [applied === undefined ? this.#applied : { members: applied.book, removed: applied.removed }]
    for (const { index, configuration: since, data } of configurations) {
      if (data === undefined || index <= (applied?.index ?? 0)) continue
      books.push(bookSince({ configuration: since, data }, present(books.at(-1), 'the book before')))
    }
    this.#books = books
    return true
  }

  /** Of whom it was told, and whom its log does not name yet. */
  get #awaited(): readonly MemberAddress[] {
    return this.#catchesUp() ? this.#initial.filter(({ id }) => !this.removed.includes(id)) : []
  }

  get #applied(): MemberBook {
    return present(this.#books[0], 'the book that is applied')
  }

  get #last(): MemberBook {
    return present(this.#books.at(-1), 'the last book')
  }
}

/** Whether a member is removed, by what is applied. */
export function wasRemoved({ members }: { readonly members: Membership | undefined }, id: NodeId): boolean {
  return members?.removed.includes(id) ?? false
}
