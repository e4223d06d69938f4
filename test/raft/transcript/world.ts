/**
 * The cluster of a transcript: pure cores on strings. Nothing happens that no command asked for. A member does what its
 * core says as soon as it says so; its messages then wait in the network until they are delivered, and its disk is fast
 * unless it is held.
 *
 * Always: nothing is drawn. The election timeout of member n is 1000 + 100 n ms unless a transcript sets it, heartbeats
 * come every 100 ms.
 * Always: after each step of a member its core is asked whether all its invariants hold.
 */
import { present } from '../../../src/base/assert.js'
import type { Random } from '../../../src/base/random.js'
import { describeEvent, describeMessage, describeReady } from '../../../src/raft/describe.js'
import type { Message, MessageType, Snapshot } from '../../../src/raft/message.js'
import type { RaftOptions } from '../../../src/raft/options.js'
import { RawNode } from '../../../src/raft/raw-node.js'
import type { Ready } from '../../../src/raft/ready.js'
import type { Configuration, Entry, Index, NodeId, StoredState, Term } from '../../../src/raft/types.js'

export const ELECTION_TIMEOUT_MS = 1000
const STEP_MS = 10
const ROUNDS_MAX = 10_000

const EMPTY: StoredState = {
  hardState: { term: 0, vote: 0 },
  compacted: { index: 0, term: 0 },
  entries: [],
  applied: 0,
}

/** Which messages are meant: of any type, sender or receiver where one is not named. */
export interface MessagePattern {
  readonly type: MessageType | undefined
  readonly from: NodeId | undefined
  readonly to: NodeId | undefined
}

/** A write, or a state to restore, that is under way; and what the disk holds once it is done. */
interface PendingWrite {
  readonly id: number
  readonly done: (stored: StoredState) => StoredState
  /** Of a state to restore: what its snapshot said. */
  readonly configuration: Configuration | undefined
}

interface Member {
  readonly id: NodeId
  stored: StoredState
  /** As of the compacted position; on the disk as well. */
  configuration: Configuration
  node: RawNode | undefined
  lives: number
  write: PendingWrite | undefined
  diskIsHeld: boolean
  paused: boolean
  timeoutMs: number
}

export class World {
  readonly members = new Map<NodeId, Member>()
  nowMs = 0
  /** What happened since it was last taken; see {@link takeLines}. */
  #lines: string[] = []
  readonly #disks = new Map<NodeId, StoredState>()
  readonly #hidden = new Set<string>()
  #options: Partial<RaftOptions> = {}
  #network: Message[] = []
  #delayed: Message[] = []
  #losses: MessagePattern[] = []
  readonly #cut = new Set<string>()
  #requests = 0

  /** What a member will find when it first starts. */
  prepareDisk(id: NodeId, stored: Partial<StoredState>): void {
    this.#disks.set(id, { ...EMPTY, ...stored })
  }

  /** The first so many vote; the others, if any, know nobody. */
  start(count: number, options: Partial<RaftOptions>, voterCount = count): void {
    const ids = Array.from({ length: count }, (_, at) => at + 1)
    if (voterCount > count) throw new Error(`of ${count} members, ${voterCount} cannot vote`)
    const voters = ids.slice(0, voterCount)
    this.#options = options
    for (const id of ids) {
      const stored = this.#disks.get(id) ?? EMPTY
      const timeoutMs = ELECTION_TIMEOUT_MS + 100 * id
      this.members.set(id, {
        id,
        stored,
        configuration: id <= voterCount ? { voters } : { voters: [], learners: [id] },
        node: undefined,
        lives: 0,
        write: undefined,
        diskIsHeld: false,
        paused: false,
        timeoutMs,
      })
    }
    for (const member of this.members.values()) this.#start(member)
  }

  member(id: NodeId): Member {
    const member = this.members.get(id)
    if (member !== undefined) return member
    throw new Error(
      this.members.size === 0 ? 'there is no cluster yet: begin with "cluster <count>"' : `there is no member ${id}`,
    )
  }

  node(id: NodeId): RawNode {
    const { node } = this.member(id)
    if (node === undefined) throw new Error(`member ${id} is down`)
    return node
  }

  /** Lets a member's core do something, and does what it then asks for. */
  act(id: NodeId, act: (node: RawNode) => void): void {
    act(this.node(id))
    this.#perform(this.member(id))
  }

  readIndex(id: NodeId): void {
    const requestId = ++this.#requests
    this.act(id, (node) => {
      if (!node.readIndex(requestId, this.nowMs))
        this.note('read', `${id}  read ${requestId}  refused: no leader is known`)
    })
  }

  leaseRead(id: NodeId): void {
    this.act(id, (node) => {
      const index = node.leaseRead(this.nowMs)
      this.note(
        'read',
        `${id}  lease-read  ${index === undefined ? 'no lease: the others must be asked' : `at ${index}`}`,
      )
    })
  }

  /** Its election timer runs out. The clock moves on for that; nobody else looks at it. */
  campaign(id: NodeId): void {
    const node = this.node(id)
    if (node.role === 'leader') throw new Error(`member ${id} leads: it has no election timer`)
    this.nowMs = Math.max(this.nowMs, node.nextDeadlineMs())
    this.act(id, () => node.tick(this.nowMs))
  }

  setTimeout(id: NodeId, timeoutMs: number): void {
    this.member(id).timeoutMs = timeoutMs
  }

  /** The clock moves on at once; those whose time has come are told. Nothing is delivered. */
  tick(durationMs: number): void {
    this.nowMs += durationMs
    for (const member of this.members.values()) this.#tickWhenDue(member)
  }

  /** Time goes by in small steps, and all that follows happens. */
  pass(durationMs: number): void {
    const endMs = this.nowMs + durationMs
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(endMs, this.nowMs + STEP_MS)
      for (const member of this.members.values()) this.#tickWhenDue(member)
      this.settle()
    }
  }

  /** Delivers what is on its way, and what follows from it, until nobody has anything left to do. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const at = this.#network.findIndex(({ to }) => this.members.get(to)?.paused !== true)
      const [message] = at < 0 ? [] : this.#network.splice(at, 1)
      if (message === undefined) return
      this.#deliver(message)
    }
    throw new Error('the cluster does not come to rest')
  }

  /** Delivers these of the messages on their way now, oldest first. */
  deliver(pattern: MessagePattern): void {
    for (const message of this.#take(pattern)) this.#deliver(message)
  }

  drop(pattern: MessagePattern): void {
    this.#take(pattern)
  }

  /** They arrive a second time, with {@link arrive}. */
  repeat(pattern: MessagePattern): void {
    const repeated = this.#take(pattern)
    this.#network.push(...repeated)
    this.#delayed.push(...repeated)
  }

  /** Takes them off their way, until {@link arrive}. */
  delay(pattern: MessagePattern): void {
    this.#delayed.push(...this.#take(pattern))
  }

  arrive(): void {
    const arriving = this.#delayed
    if (arriving.length === 0) throw new Error('nothing was delayed or repeated')
    this.#delayed = []
    for (const message of arriving) this.#deliver(message)
  }

  /** From now on these get lost. */
  lose(pattern: MessagePattern): void {
    this.#losses.push(pattern)
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from} ${to}`)
  }

  heal(): void {
    this.#cut.clear()
    this.#losses = []
  }

  hold(id: NodeId): void {
    this.member(id).diskIsHeld = true
  }

  /** The write under way becomes durable; the next one is under way after it. */
  completeWrite(id: NodeId): void {
    const member = this.member(id)
    const { write } = member
    if (write === undefined) throw new Error(`member ${id} has no write under way`)
    this.#putOnDisk(member, write)
    this.act(id, (node) => node.advance(write.id, this.nowMs))
  }

  release(id: NodeId): void {
    const member = this.member(id)
    if (!member.diskIsHeld) throw new Error(`the disk of member ${id} is not held`)
    member.diskIsHeld = false
    if (member.write !== undefined) this.completeWrite(id)
  }

  /** The write under way is on the disk afterwards, or is not. */
  crash(id: NodeId, written: boolean): void {
    const member = this.member(id)
    this.node(id)
    if (written && member.write === undefined) throw new Error(`member ${id} has no write under way`)
    if (written && member.write !== undefined) this.#putOnDisk(member, member.write)
    member.write = undefined
    member.node = undefined
    member.diskIsHeld = false
    this.note('process', `${id}  crashes`)
  }

  /** Its disk forgets everything, and its storage finds that out. */
  losePromises(id: NodeId): void {
    const member = this.member(id)
    if (member.node !== undefined) throw new Error(`member ${id} runs`)
    member.stored = { ...EMPTY, promisesLost: true }
    this.note('process', `${id}  loses all that is on its disk`)
  }

  restart(id: NodeId): void {
    const member = this.member(id)
    if (member.node !== undefined) throw new Error(`member ${id} runs`)
    this.note('process', `${id}  restarts`)
    this.#start(member)
  }

  /** It stands still: what is sent to it waits, its timers do not run. */
  pause(id: NodeId): void {
    this.member(id).paused = true
  }

  resume(id: NodeId): void {
    const member = this.member(id)
    if (!member.paused) throw new Error(`member ${id} is not paused`)
    member.paused = false
    this.#tickWhenDue(member)
  }

  compact(id: NodeId, index: Index): void {
    const member = this.member(id)
    this.act(id, (node) => {
      const term: Term | undefined = node.termAt(index)
      if (term === undefined) throw new Error(`member ${id} has no entry ${index}`)
      member.configuration = node.configurationAt(index)
      node.compact(index)
      const entries = member.stored.entries.filter((entry) => entry.index > index)
      member.stored = {
        ...member.stored,
        compacted: { index, term },
        entries,
        applied: Math.max(member.stored.applied, index),
      }
    })
  }

  /** The state of one member, as far as it is committed, reaches another, which says so. */
  sendSnapshot(from: NodeId, to: NodeId): void {
    const sender = this.node(from)
    const { commitIndex: index, term } = sender
    const position = { index, term: present(sender.termAt(index), 'term of the committed entry') }
    const snapshot: Snapshot = {
      type: 'snapshot',
      from,
      to,
      term,
      position,
      configuration: sender.configurationAt(index),
    }
    this.act(to, (node) => {
      node.step(snapshot, this.nowMs)
    })
    this.act(from, (node) => {
      node.snapshotSent(to, position, this.nowMs)
    })
  }

  /** What is of these kinds (a message, an event, `write`, `apply`, `read`) is not shown from now on. */
  hide(kinds: readonly string[]): void {
    for (const kind of kinds) this.#hidden.add(kind)
  }

  show(kinds: readonly string[]): void {
    for (const kind of kinds) this.#hidden.delete(kind)
  }

  note(kind: string, line: string): void {
    if (!this.#hidden.has(kind)) this.#lines.push(line)
  }

  takeLines(): string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  #start(member: Member): void {
    const { id } = member
    member.node = new RawNode(
      {
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        heartbeatIntervalMs: 100,
        ...this.#options,
        id,
        configuration: member.configuration,
        random: undrawn(member, member.lives++),
        trace: (event) => this.note(event.type, describeEvent(event)),
      },
      member.stored,
      this.nowMs,
    )
    this.#perform(member)
  }

  #tickWhenDue(member: Member): void {
    const { node, paused } = member
    if (node === undefined || paused || node.nextDeadlineMs() > this.nowMs) return
    node.tick(this.nowMs)
    this.#perform(member)
  }

  #deliver(message: Message): void {
    const { from, to } = message
    const member = this.members.get(to)
    if (member?.node === undefined || this.#cut.has(`${from} ${to}`)) {
      this.note(message.type, `${describeMessage(message)}  (lost)`)
      return
    }
    member.node.step(message, this.nowMs)
    this.#perform(member)
  }

  #perform(member: Member): void {
    const { id, node } = member
    while (node?.hasReady() === true) {
      node.checkInvariants({ thorough: true })
      const ready = node.ready()
      const { messages } = ready
      const write = pendingWrite(ready)
      const kinds = ['write', 'restore', 'apply', 'read', 'snapshot']
      this.#noteReady(id, describeReady(id, { ...ready, messages: [] }), kinds)
      for (const message of messages) {
        const lost = this.#isLost(message)
        this.note(message.type, `${describeMessage(message)}${lost ? '  (lost)' : ''}`)
        if (!lost) this.#network.push(message)
      }
      if (write === undefined) continue
      member.write = write
      if (member.diskIsHeld) continue
      this.#putOnDisk(member, write)
      node.advance(write.id, this.nowMs)
    }
    node?.checkInvariants({ thorough: true })
  }

  #noteReady(id: NodeId, lines: readonly string[], kinds: readonly string[]): void {
    for (const line of lines) this.note(kinds.find((kind) => line.startsWith(`${id}  ${kind}`)) ?? '', line)
  }

  #putOnDisk(member: Member, write: PendingWrite): void {
    member.stored = write.done(member.stored)
    if (write.configuration !== undefined) member.configuration = write.configuration
    member.write = undefined
  }

  #isLost(message: Message): boolean {
    return (
      this.members.get(message.to)?.node === undefined ||
      this.#cut.has(`${message.from} ${message.to}`) ||
      this.#losses.some((pattern) => matchesPattern(message, pattern))
    )
  }

  #take(pattern: MessagePattern): Message[] {
    const taken = this.#network.filter((message) => matchesPattern(message, pattern))
    if (taken.length === 0) throw new Error('no such message is on its way')
    this.#network = this.#network.filter((message) => !taken.includes(message))
    return taken
  }
}

function pendingWrite({ write, restore, promises }: Ready): PendingWrite | undefined {
  const promisesLost = promises === 'lost'
  if (restore !== undefined) {
    const { writeId: id, hardState, position, configuration } = restore
    const stored = { hardState, compacted: position, entries: [], applied: position.index, promisesLost }
    return { id, done: () => stored, configuration }
  }
  if (write === undefined) return undefined
  const { id, hardState, entries } = write
  const first = entries[0]?.index ?? Infinity
  const kept = (stored: StoredState): readonly Entry[] => stored.entries.filter(({ index }) => index < first)
  return {
    id,
    done: (stored) => ({ ...stored, hardState, entries: [...kept(stored), ...entries], promisesLost }),
    configuration: undefined,
  }
}

function matchesPattern(message: Message, pattern: MessagePattern): boolean {
  return (
    message.type === (pattern.type ?? message.type) &&
    message.from === (pattern.from ?? message.from) &&
    message.to === (pattern.to ?? message.to)
  )
}

/** Numbers that bring about the timeout wanted; the rest of their bits differ each time, as ids made of them must. */
function undrawn(member: Member, life: number): Random {
  let draws = 0
  return {
    uint32: () => {
      const share = (member.timeoutMs - ELECTION_TIMEOUT_MS) / ELECTION_TIMEOUT_MS
      return Math.ceil(share * 0x1_0000_0000) + 100_000 * life + ++draws
    },
  }
}
