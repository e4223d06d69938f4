/**
 * A cluster of pure cores on strings: a test says what happens when. Nothing is random, time stands still unless told,
 * messages travel in the order in which they were sent, disks are fast unless held.
 */
import { describeEvent, describeReady } from '../../src/raft/describe.js'
import type { Message, Snapshot } from '../../src/raft/message.js'
import type { RaftOptions } from '../../src/raft/options.js'
import { RawNode } from '../../src/raft/raw-node.js'
import type { ProposeResult, ReadState, Restore, SnapshotRequest, Write } from '../../src/raft/ready.js'
import type { RaftEvent, RaftEventType } from '../../src/raft/trace.js'
import type { Entry, LogPosition, NodeId, Promises, StoredState } from '../../src/raft/types.js'
import { Seeded } from './seeded.js'

export const EMPTY: StoredState = {
  hardState: { term: 0, vote: 0 },
  compacted: { index: 0, term: 0 },
  entries: [],
  applied: 0,
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text)
}

/** Entries from the terms they are of, at 1 and on; their data says where they are. */
export function entriesOfTerms(...terms: number[]): Entry[] {
  return terms.map((term, at) => ({ index: at + 1, term, kind: 'normal', data: bytes(`${at + 1}@${term}`) }))
}

/** A disk with such a log, last in the term of its end, or a later one. */
export function storedLog(terms: readonly number[], term = terms.at(-1) ?? 0): StoredState {
  return { ...EMPTY, hardState: { term, vote: 0 }, entries: entriesOfTerms(...terms) }
}

export class Script {
  readonly nodes = new Map<NodeId, RawNode>()
  readonly stored = new Map<NodeId, StoredState>()
  readonly events: RaftEvent[] = []
  readonly sent: Message[] = []
  /** What happened since the script began, as text. */
  readonly transcript: string[] = []
  readonly reads = new Map<NodeId, ReadState[]>()
  readonly droppedReads = new Map<NodeId, number[]>()
  readonly snapshots: (SnapshotRequest & { readonly from: NodeId })[] = []
  readonly refusedSnapshots = new Map<NodeId, LogPosition[]>()
  nowMs = 0
  /** Messages for which this says so are lost. */
  loses: (message: Message) => boolean = () => false

  readonly #options: Partial<RaftOptions>
  #lives = 0
  readonly #applied = new Map<NodeId, Entry[]>()
  readonly #network: Message[] = []
  readonly #cut = new Set<NodeId>()
  readonly #heldDisks = new Set<NodeId>()
  readonly #writes = new Map<NodeId, Write>()
  readonly #restores = new Map<NodeId, Restore>()
  readonly #promises = new Map<NodeId, Promises>()

  constructor(ids: readonly NodeId[], options: Partial<RaftOptions> = {}, stored: Record<NodeId, StoredState> = {}) {
    this.#options = { configuration: { voters: ids }, ...options }
    for (const id of ids) {
      this.stored.set(id, stored[id] ?? EMPTY)
      this.start(id)
    }
  }

  node(id: NodeId): RawNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`member ${id} is down`)
    return node
  }

  start(id: NodeId): void {
    const stored = this.stored.get(id) ?? EMPTY
    const node = new RawNode(
      {
        configuration: { voters: [] },
        ...this.#options,
        id,
        random: new Seeded(id + 1000 * this.#lives++),
        trace: (event) => {
          this.events.push(event)
          this.transcript.push(describeEvent(event))
        },
      },
      stored,
      this.nowMs,
    )
    this.nodes.set(id, node)
    this.#applied.set(id, [])
  }

  /** The member falls; what its disk holds stays. */
  crash(id: NodeId): void {
    this.nodes.delete(id)
    this.#writes.delete(id)
    this.#restores.delete(id)
  }

  /** Its election timer runs out, and all follows that follows. */
  elect(id: NodeId): void {
    this.timeOut(id)
    this.settle()
  }

  timeOut(id: NodeId): void {
    const node = this.node(id)
    this.nowMs = Math.max(this.nowMs, node.nextDeadlineMs())
    node.tick(this.nowMs)
  }

  /** Time goes by, in small steps; those whose time has come are told. */
  pass(durationMs: number): void {
    const endMs = this.nowMs + durationMs
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + 10)
      for (const node of this.nodes.values()) if (node.nextDeadlineMs() <= this.nowMs) node.tick(this.nowMs)
      this.settle()
    }
  }

  /** Until nobody has anything left to do. */
  settle(): void {
    for (let round = 0; ; round++) {
      if (round > 10_000) throw new Error('the cluster does not come to rest')
      for (const id of this.nodes.keys()) this.perform(id)
      const message = this.#network.shift()
      if (message !== undefined) this.nodes.get(message.to)?.step(message, this.nowMs)
      else if (![...this.nodes.values()].some((node) => node.hasReady())) return
    }
  }

  /** Does what one member asks for; its messages wait in the network. */
  perform(id: NodeId): void {
    const node = this.node(id)
    while (node.hasReady()) {
      node.checkInvariants({ thorough: true })
      const ready = node.ready()
      this.transcript.push(...describeReady(id, ready))
      for (const message of ready.messages) {
        this.sent.push(message)
        if (!this.#cut.has(message.from) && !this.#cut.has(message.to) && !this.loses(message)) {
          this.#network.push(message)
        }
      }
      this.#applied.get(id)?.push(...ready.committed)
      this.reads.set(id, [...(this.reads.get(id) ?? []), ...ready.reads])
      this.droppedReads.set(id, [...(this.droppedReads.get(id) ?? []), ...ready.droppedReads])
      this.snapshots.push(...ready.snapshots.map((request) => ({ ...request, from: id })))
      this.refusedSnapshots.set(id, [...(this.refusedSnapshots.get(id) ?? []), ...ready.refusedSnapshots])
      if (ready.write !== undefined) this.#writes.set(id, ready.write)
      if (ready.restore !== undefined) this.#restores.set(id, ready.restore)
      if (ready.write !== undefined || ready.restore !== undefined) this.#promises.set(id, ready.promises)
      if (!this.#heldDisks.has(id)) this.completeWrite(id)
    }
  }

  /** Writes of this member stay under way. */
  holdDisk(id: NodeId): void {
    this.#heldDisks.add(id)
  }

  releaseDisk(id: NodeId): void {
    this.#heldDisks.delete(id)
    this.completeWrite(id)
  }

  completeWrite(id: NodeId): void {
    this.#completeRestore(id)
    const write = this.#writes.get(id)
    if (write === undefined) return
    this.#writes.delete(id)
    const stored = this.stored.get(id) ?? EMPTY
    const first = write.entries[0]?.index ?? Infinity
    const kept = stored.entries.filter(({ index }) => index < first)
    const promisesLost = this.#promises.get(id) === 'lost'
    this.stored.set(id, {
      ...stored,
      hardState: write.hardState,
      entries: [...kept, ...write.entries],
      ...(promisesLost || stored.promisesLost === true ? { promisesLost } : undefined),
    })
    this.node(id).advance(write.id, this.nowMs)
  }

  #completeRestore(id: NodeId): void {
    const restore = this.#restores.get(id)
    if (restore === undefined) return
    this.#restores.delete(id)
    const { hardState, position, writeId } = restore
    this.stored.set(id, { hardState, compacted: position, entries: [], applied: position.index })
    this.node(id).advance(writeId, this.nowMs)
  }

  /** A snapshot of `from`, as it is now or as given, has reached `to` whole. */
  deliverSnapshot(from: NodeId, to: NodeId, at: Partial<Snapshot> = {}): void {
    const { commitIndex: index, term } = this.node(from)
    const position = { index, term: this.node(from).termAt(index) ?? 0 }
    const configuration = { voters: [...this.nodes.keys()] }
    this.node(to).step({ type: 'snapshot', from, to, term, position, configuration, ...at }, this.nowMs)
  }

  cut(...ids: NodeId[]): void {
    for (const id of ids) this.#cut.add(id)
  }

  heal(): void {
    this.#cut.clear()
    this.loses = () => false
  }

  propose(id: NodeId, ...texts: string[]): ProposeResult {
    return this.node(id).propose(texts.map(bytes), this.nowMs)
  }

  /** What a member was given to apply, without the empty entries of new leaders. */
  applied(id: NodeId): string[] {
    return (this.#applied.get(id) ?? [])
      .filter(({ kind }) => kind === 'normal')
      .map(({ data }) => Buffer.from(data).toString())
  }

  /** The terms of a member's log, from its first entry on. */
  terms(id: NodeId): (number | undefined)[] {
    const node = this.node(id)
    const length = node.lastIndex - node.firstIndex + 1
    return Array.from({ length }, (_, at) => node.termAt(node.firstIndex + at))
  }

  eventsOf<Type extends RaftEventType>(type: Type): Extract<RaftEvent, { type: Type }>[] {
    return this.events.filter((event): event is Extract<RaftEvent, { type: Type }> => event.type === type)
  }

  /** Forgets what was recorded so far. */
  clear(): void {
    this.sent.length = 0
    this.events.length = 0
    this.transcript.length = 0
  }
}
