/** A cluster that exists only in what it says: tests let it say what no member may say. */
import { EMPTY_DIGEST } from '../../../src/base/checksum.js'
import { encodeMemberBook } from '../../../src/machine/member-book-codec.js'
import type { MemberBook } from '../../../src/machine/member-book.js'
import type { Applied } from '../../../src/machine/outcome.js'
import type { MemberEvent } from '../../../src/member/event.js'
import type { Event, LeaseId } from '../../../src/mvcc/types.js'
import type { Message } from '../../../src/raft/message.js'
import { encodeConfiguration } from '../../../src/raft/confchange/codec.js'
import { completeConfiguration } from '../../../src/raft/configuration.js'
import type { Configuration, Entry, HardState, LogPosition } from '../../../src/raft/types.js'
import { Checkers, type CheckersOptions } from '../../../src/testing/checkers/checkers.js'

export type Name = 'a' | 'b' | 'c'
export const NAMES: readonly Name[] = ['a', 'b', 'c']
const ID = { a: 1, b: 2, c: 3 } as const

export const entry = (index: number, term: number, text = `${index}@${term}`): Entry => ({
  index,
  term,
  kind: 'normal',
  data: Buffer.from(text),
})

/** One that changes the membership. Whoever is not named in the book is in no book. */
export const configuring = (index: number, term: number, configuration: Configuration, book?: MemberBook): Entry => ({
  index,
  term,
  kind: 'configuration',
  data: encodeConfiguration({
    configuration: completeConfiguration(configuration),
    data: book === undefined ? Buffer.alloc(0) : encodeMemberBook(book),
  }),
})

interface Disk {
  hardState: HardState
  entries: Entry[]
}

export class ForgedCluster {
  readonly checkers: Checkers
  readonly #tell: Readonly<Record<Name, (event: MemberEvent) => void>>
  readonly #disks: Readonly<Record<Name, Disk>>
  #writes = 0
  #sequence = 0
  #revision: Record<Name, number> = { a: 1, b: 1, c: 1 }

  constructor(options: CheckersOptions = {}) {
    this.checkers = new Checkers({ digestEvery: 1, ...options })
    const { checkers } = this
    this.#tell = { a: checkers.observer('a'), b: checkers.observer('b'), c: checkers.observer('c') }
    const empty = (): Disk => ({ hardState: { term: 0, vote: 0 }, entries: [] })
    this.#disks = { a: empty(), b: empty(), c: empty() }
    for (const name of NAMES) this.recover(name)
  }

  /** What was found; empty while nothing was. */
  get violation(): string {
    return this.checkers.violation?.message ?? ''
  }

  tell(name: Name, ...events: MemberEvent[]): this {
    for (const event of events) this.#tell[name](event)
    return this
  }

  /** A new life with what is on the disk, or with something else. */
  recover(
    name: Name,
    instead: Partial<Disk & { applied: number; promisesLost: true; configuration: Configuration }> = {},
  ): this {
    const { hardState, entries } = { ...this.#disks[name], ...instead }
    const { applied = 0, promisesLost, configuration = { voters: [1, 2, 3] } } = instead
    return this.tell(name, {
      type: 'recovered',
      member: ID[name],
      name,
      configuration,
      incarnation: 1,
      stored: { hardState, compacted: { index: 0, term: 0 }, entries, applied, ...(promisesLost && { promisesLost }) },
      applied: { index: applied, term: entries[applied - 1]?.term ?? 0 },
      revision: 1,
      compactRevision: 0,
      digest: EMPTY_DIGEST,
      leases: [],
    })
  }

  begin(name: Name, entries: readonly Entry[], hardState = this.#disks[name].hardState): this {
    return this.tell(name, { type: 'write-begun', write: { id: ++this.#writes, hardState, entries } })
  }

  write(name: Name, entries: readonly Entry[], hardState = this.#disks[name].hardState): this {
    const write = { id: ++this.#writes, hardState, entries }
    const disk = this.#disks[name]
    disk.hardState = hardState
    const [first] = entries
    if (first !== undefined) disk.entries = [...disk.entries.slice(0, first.index - 1), ...entries]
    return this.tell(name, { type: 'write-begun', write }, { type: 'write-durable', write })
  }

  send(from: Name, to: Name, message: { readonly type: Message['type']; readonly term: number } & object): this {
    return this.tell(from, {
      type: 'message-sent',
      message: { ...message, from: ID[from], to: ID[to] } as Message,
      taken: true,
    })
  }

  accept(from: Name, to: Name, term: number, matchIndex: number): this {
    return this.send(from, to, { type: 'append-accepted', term, matchIndex } as never)
  }

  /** Its disk rots, and it comes back without its promises. */
  lose(name: Name): this {
    this.checkers.diskChanged(name, 'damaged')
    this.#disks[name].entries = []
    return this.recover(name, { promisesLost: true })
  }

  vote(voter: Name, term: number, candidate: Name): this {
    this.write(voter, [], { term, vote: ID[candidate] })
    if (voter === candidate) return this
    return this.send(voter, candidate, { type: 'vote-reply', term, granted: true } as never)
  }

  lead(name: Name, term: number): this {
    return this.decide(name, { type: 'became-leader', term, lastIndex: 0 })
  }

  /** With the votes of these. */
  elect(name: Name, term: number, voters: readonly Name[] = NAMES): this {
    for (const voter of voters) this.vote(voter, term, name)
    return this.lead(name, term)
  }

  decide(name: Name, decision: object): this {
    return this.tell(name, { type: 'decided', event: { node: ID[name], ...decision } as never })
  }

  /** A state of another member takes the place of its own, and its log begins behind it. */
  install(name: Name, position: LogPosition): this {
    const { hardState } = this.#disks[name]
    return this.tell(
      name,
      { type: 'state-install-begun', position, log: 'begins-behind', hardState },
      { type: 'state-adopted', position, revision: 1, compactRevision: 0, digest: EMPTY_DIGEST, leases: [] },
    )
  }

  /** Goes by what an entry brings, and writes it. */
  adopt(name: Name, { index, ...entry }: Entry, configuration: Configuration): this {
    return this.decide(name, { type: 'configuration-adopted', index, configuration }).write(name, [{ index, ...entry }])
  }

  commit(name: Name, index: number): this {
    return this.decide(name, { type: 'commit-advanced', index })
  }

  /** Applies an entry with what it changes; all of it in the next revision. */
  apply(name: Name, applied: Entry, change: Partial<Applied> & { readonly revision?: number } = {}): this {
    const { events = [] } = change
    const before = this.#revision[name]
    const revision = change.revision ?? before + (events.length > 0 ? 1 : 0)
    this.#revision[name] = revision
    const proposal = change.proposal ?? { member: 9, incarnation: 1, sequence: ++this.#sequence }
    const outcome = 'outcome' in change ? change.outcome : { ok: true as const, response: { type: 'compact' as const } }
    return this.tell(name, {
      type: 'applied',
      entry: applied,
      applied: { proposal, outcome, revision, events },
      revision,
      compactRevision: 0,
      digest: () => EMPTY_DIGEST,
    })
  }
}

export const put = (key: string, revision: number, lease: LeaseId = 0n): Event => ({
  type: 'put',
  keyValue: {
    key,
    value: Buffer.from(`${key} ${revision}`),
    createRevision: revision,
    modRevision: revision,
    version: 1,
    lease,
  },
  previous: undefined,
})

/** `a` leads in term 1; the entries are on all disks, committed and known to be. */
export function settled(entries: readonly Entry[], options?: CheckersOptions): ForgedCluster {
  const cluster = new ForgedCluster(options).elect('a', 1)
  for (const name of NAMES) cluster.write(name, entries)
  const last = entries.at(-1)?.index ?? 0
  if (last > 0) for (const name of NAMES) cluster.commit(name, last)
  return cluster
}
