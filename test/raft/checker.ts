/**
 * What must hold in the cluster as a whole, looked at from above after every event. Told of every event by cluster.ts;
 * knows what is on every disk and remembers all that was ever elected, committed, applied and promised.
 *
 * A violation is reported under one of these names:
 * R1 election safety, R2 log matching, R3 leader append-only, R4 leader completeness, R5 state-machine safety,
 * R6 durable before promised, R7 one vote per term for ever, R8 commit is monotone, R9 committed is durable on a quorum,
 * R11 applied <= committed and durable, R12 no truncation of what is committed, R13 snapshots hold what is committed and
 * applied, R14 one change of membership at a time, of quorums that intersect, after an own commit, R15 who is no voter is
 * not counted, R16 reads see what was committed, R17 lease reads too.
 */
import type { Message } from '../../src/raft/message.js'
import { describeConfiguration } from '../../src/raft/configuration.js'
import type { RawNode } from '../../src/raft/raw-node.js'
import { isQuorum, quorumsIntersect } from '../../src/testing/checkers/quorum.js'
import type { Configuration, Entry, HardState, Index, LogPosition, NodeId, Term } from '../../src/raft/types.js'

/** A violated invariant, found in this run. */
export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation'
}

/** What is on the disk of one member. The entry with index i is at `entries[i - compacted.index - 1]`. */
export interface Disk {
  hardState: HardState
  compacted: { index: Index; term: Term }
  /** Who belonged to the cluster at the compacted position. */
  configuration: Configuration
  entries: Entry[]
  /** Up to here the state machine is durable. */
  applied: Index
  /** It holds less than was promised from it, and this was noticed. */
  promisesLost: boolean
}

export function lastOnDisk(disk: Disk): Index {
  return disk.compacted.index + disk.entries.length
}

export function termOnDisk(disk: Disk, index: Index): Term | undefined {
  return index === disk.compacted.index ? disk.compacted.term : disk.entries[index - disk.compacted.index - 1]?.term
}

/** What a member's core looked like after the event before. */
interface Seen {
  terms: (Term | undefined)[]
  lastIndex: Index
  commitIndex: Index
  ledTerm: Term
  configurationIndex: Index
  configurationTerm: Term
}

export class Checker {
  readonly #leaderOf = new Map<Term, NodeId>()
  readonly #voteOf = new Map<string, NodeId>()
  /** Every vote ever told, also those that who gave it has forgotten: it may still be on its way. */
  readonly #votesGiven = new Set<string>()
  /** For each position the one term before it, and the one payload in it. */
  readonly #previousTermOf = new Map<string, Term>()
  readonly #dataOf = new Map<string, Uint8Array>()
  /** The committed history: the term at each index. */
  readonly #committed: Term[] = [0]
  /** In which term each was committed; never falls. */
  readonly #committedIn: Term[] = [0]
  readonly #seen = new Map<NodeId, Seen>()
  /** For each position, the one configuration in it. */
  readonly #configurationOf = new Map<string, string>()
  readonly #readFloor = new Map<string, Index>()
  /** What members held, and acknowledged, before they lost it; the term of each entry. */
  readonly #lost = new Map<NodeId, (Term | undefined)[]>()

  get committedIndex(): Index {
    return this.#committed.length - 1
  }

  /** Different ones that any member went by. */
  get configurations(): number {
    return this.#configurationOf.size
  }

  get termsWithLeader(): number {
    return this.#leaderOf.size
  }

  /** The member begins a new life with what is on its disk. */
  restarted(id: NodeId, node: RawNode): void {
    const terms: (Term | undefined)[] = []
    for (let index = node.firstIndex; index <= node.lastIndex; index++) terms[index] = node.termAt(index)
    this.#seen.set(id, {
      terms,
      lastIndex: node.lastIndex,
      commitIndex: node.commitIndex,
      ledTerm: 0,
      configurationIndex: node.configurationIndex,
      configurationTerm: node.termAt(node.configurationIndex) ?? 0,
    })
  }

  /** After anything happened to a member. */
  observe(id: NodeId, node: RawNode, disks: ReadonlyMap<NodeId, Disk>): void {
    node.checkInvariants()
    const seen = this.#seen.get(id)
    if (seen === undefined) throw new Error(`member ${id} was never started`)
    const leads = node.role === 'leader'
    this.#observeConfiguration(id, node, seen)
    this.#observeLog(id, node, seen, leads && seen.ledTerm === node.term)
    if (leads && seen.ledTerm !== node.term) {
      this.#observeElection(id, node)
      seen.ledTerm = node.term
    }
    this.#observeCommit(id, node, seen, disks)
  }

  /**
   * The disk is about to lose entries and votes. What it held was acknowledged and may still count: such a member elects
   * nobody until it has it again. What it forgets, it does not keep.
   */
  lost(id: NodeId, disk: Disk): void {
    const held = this.#lost.get(id) ?? []
    for (let index = disk.compacted.index; index <= lastOnDisk(disk); index++) held[index] = termOnDisk(disk, index)
    this.#lost.set(id, held)
    for (const key of [...this.#voteOf.keys()]) if (key.startsWith(`${id} `)) this.#voteOf.delete(key)
  }

  /** A member makes a snapshot of its state. */
  snapshotTaken(id: NodeId, position: LogPosition, applied: Index): void {
    if (position.index > applied) this.#fail('R13', `member ${id} sends state ${position.index}, it applied ${applied}`)
    this.#requireCommitted(id, position)
  }

  /** Before a snapshot takes the place of what is on a disk. */
  restored(id: NodeId, disk: Disk, position: LogPosition): void {
    this.#requireCommitted(id, position)
    if (position.index < disk.applied) {
      this.#fail('R13', `member ${id} falls back from state ${disk.applied} to ${position.index}`)
    }
    for (let index = position.index + 1; index <= lastOnDisk(disk); index++) {
      if (termOnDisk(disk, index) === this.#committed[index]) {
        this.#fail('R12', `member ${id} restores ${position.index} and loses the committed entry ${index}`)
      }
    }
  }

  /** A leader answered a read by its clock. */
  leaseRead(id: NodeId, index: Index): void {
    if (index < this.committedIndex) {
      this.#fail('R17', `${id} answers at once with ${index}, ${this.committedIndex} is committed already`)
    }
  }

  /** A message leaves; what it promises must be on the disk. */
  sent(message: Message, disk: Disk, node: RawNode): void {
    const { from, to, term, type } = message
    const { hardState } = disk
    if (node.promises === 'lost' && promises(message))
      this.#fail('R6', `${from}, which lost its promises, sends ${type}`)
    if (type === 'pre-vote' || (type === 'pre-vote-reply' && message.granted)) return
    if (hardState.term < term) this.#fail('R6', `${type} of ${from} in term ${term}, on its disk is ${hardState.term}`)
    const votedFor = type === 'vote' ? from : type === 'vote-reply' && message.granted ? to : undefined
    if (votedFor !== undefined) {
      if (hardState.term === term && hardState.vote !== votedFor) {
        this.#fail('R6', `${from} votes for ${votedFor} in term ${term}, on its disk is a vote for ${hardState.vote}`)
      }
      const key = `${from} ${term}`
      const before = this.#voteOf.get(key) ?? votedFor
      if (before !== votedFor) this.#fail('R7', `${from} voted in term ${term} for ${before} and for ${votedFor}`)
      this.#voteOf.set(key, votedFor)
      this.#votesGiven.add(`${key} ${votedFor}`)
    }
    const answer = type === 'recovering' ? message.answer : message
    if (answer.type !== 'append-accepted') return
    const { matchIndex } = answer
    if (lastOnDisk(disk) < matchIndex) {
      this.#fail('R6', `${from} acknowledges ${matchIndex}, on its disk are ${lastOnDisk(disk)} entries`)
    }
    const acknowledged = node.termAt(matchIndex)
    if (acknowledged !== undefined && matchIndex >= disk.compacted.index) {
      const held = termOnDisk(disk, matchIndex)
      if (held !== acknowledged) {
        this.#fail('R6', `${from} acknowledges ${matchIndex}@${acknowledged}, on its disk is ${matchIndex}@${held}`)
      }
    }
  }

  /** Before entries are put on a disk, by a member in this term. */
  written(id: NodeId, disk: Disk, entries: readonly Entry[], inTerm: Term): void {
    const first = entries[0]
    if (first === undefined) return
    if (first.index > lastOnDisk(disk) + 1)
      this.#fail('R2', `member ${id} writes a log with a hole before ${first.index}`)
    for (let index = first.index; index <= lastOnDisk(disk); index++) {
      const replaced = termOnDisk(disk, index)
      const written = entries[index - first.index]?.term
      // What was committed in a later term only, without this member, an old leader may still replace here.
      const committedBefore = (this.#committedIn[index] ?? 0) <= inTerm
      if (replaced !== written && replaced === this.#committed[index] && committedBefore) {
        this.#fail('R12', `member ${id} replaces on its disk the committed entry ${index}@${replaced}`)
      }
    }
    for (const entry of entries) this.#recordData(id, entry)
  }

  /** A member is given an entry to apply, after those up to `appliedBefore`. */
  applied(id: NodeId, entry: Entry, appliedBefore: Index, disk: Disk): void {
    if (entry.index !== appliedBefore + 1)
      this.#fail('R11', `member ${id} applies ${entry.index} after ${appliedBefore}`)
    const term = this.#committed[entry.index]
    if (term === undefined) this.#fail('R11', `member ${id} applies ${entry.index}, which is not committed`)
    if (term !== entry.term) {
      this.#fail('R5', `member ${id} applies ${entry.index}@${entry.term}, committed is ${entry.index}@${term}`)
    }
    if (termOnDisk(disk, entry.index) !== entry.term) {
      this.#fail('R11', `member ${id} applies ${entry.index}@${entry.term}, which is not on its disk`)
    }
    this.#recordData(id, entry)
  }

  readRequested(key: string): void {
    this.#readFloor.set(key, this.committedIndex)
  }

  readAnswered(key: string, index: Index): void {
    const floor = this.#readFloor.get(key)
    if (floor === undefined)
      this.#fail('R16', `read ${key} is answered, it was never asked or has been answered before`)
    this.#readFloor.delete(key)
    if (index < floor)
      this.#fail('R16', `read ${key} is answered with ${index}, ${floor} was committed before it was asked`)
  }

  #observeLog(id: NodeId, node: RawNode, seen: Seen, ledBefore: boolean): void {
    const { terms } = seen
    const lastIndex = node.lastIndex
    // From the end to the first entry that is still the same: only what changed is looked at.
    let changed = lastIndex + 1
    for (let index = lastIndex; index >= node.firstIndex; index--) {
      if (index <= seen.lastIndex && terms[index] === node.termAt(index)) break
      changed = index
    }
    const replaced = Math.min(changed, lastIndex + 1) <= seen.lastIndex
    if (replaced && ledBefore) this.#fail('R3', `leader ${id} replaces its entry ${changed} of ${seen.lastIndex}`)
    if (replaced && changed <= seen.commitIndex) {
      this.#fail('R12', `member ${id} replaces ${changed}, it knows that ${seen.commitIndex} is committed`)
    }
    for (let index = changed; index <= lastIndex; index++) {
      const term = node.termAt(index)
      const previousTerm = node.termAt(index - 1)
      terms[index] = term
      if (term === undefined || previousTerm === undefined) continue
      const key = `${index}@${term}`
      const known = this.#previousTermOf.get(key) ?? previousTerm
      if (known !== previousTerm) {
        this.#fail(
          'R2',
          `entry ${key} of member ${id} follows an entry of term ${previousTerm}, elsewhere of term ${known}`,
        )
      }
      this.#previousTermOf.set(key, previousTerm)
    }
    seen.lastIndex = lastIndex
    terms[node.firstIndex - 1] = node.termAt(node.firstIndex - 1)
  }

  #observeConfiguration(id: NodeId, node: RawNode, seen: Seen): void {
    const { configuration, configurationIndex } = node
    const term = node.termAt(configurationIndex) ?? 0
    if (configurationIndex === seen.configurationIndex && term === seen.configurationTerm) return
    const isNewer = configurationIndex > seen.configurationIndex
    seen.configurationIndex = configurationIndex
    seen.configurationTerm = term
    if (configurationIndex < node.firstIndex) return
    const text = describeConfiguration(configuration)
    const key = `${configurationIndex}@${term}`
    const known = this.#configurationOf.get(key) ?? text
    if (known !== text) this.#fail('R14', `configuration ${key} of member ${id} is ${text}, elsewhere ${known}`)
    this.#configurationOf.set(key, text)
    const before = node.configurationAt(configurationIndex - 1)
    if (before.voters.length > 0 && !quorumsIntersect(before, configuration)) {
      this.#fail('R14', `quorums of ${describeConfiguration(before)} and of ${text} miss each other`)
    }
    if (node.role === 'leader' && isNewer && term === node.term && node.termAt(node.commitIndex) !== term) {
      this.#fail('R14', `${id} changes the membership in term ${term} before it has committed anything in it`)
    }
  }

  #observeElection(id: NodeId, node: RawNode): void {
    const before = this.#leaderOf.get(node.term) ?? id
    if (before !== id) this.#fail('R1', `${before} and ${id} both lead in term ${node.term}`)
    this.#leaderOf.set(node.term, id)
    const voted = (voter: NodeId): boolean => voter === id || this.#votesGiven.has(`${voter} ${node.term} ${id}`)
    if (!isQuorum(node.configuration, voted)) {
      this.#fail(
        'R15',
        `${id} leads in term ${node.term} without the votes of ${describeConfiguration(node.configuration)}`,
      )
    }
    for (let index = node.firstIndex; index <= this.committedIndex; index++) {
      // Late votes may still elect a leader of a term that is over; it commits nothing, and owes nothing to later ones.
      if ((this.#committedIn[index] ?? 0) >= node.term) break
      if (node.termAt(index) !== this.#committed[index]) {
        this.#fail(
          'R4',
          `${id} leads in term ${node.term} with ${node.termAt(index) ?? 'nothing'} at ${index}, committed is term ${this.#committed[index]}`,
        )
      }
    }
  }

  #observeCommit(id: NodeId, node: RawNode, seen: Seen, disks: ReadonlyMap<NodeId, Disk>): void {
    const { commitIndex } = node
    if (commitIndex < seen.commitIndex)
      this.#fail('R8', `commit of ${id} falls from ${seen.commitIndex} to ${commitIndex}`)
    for (let index = seen.commitIndex + 1; index <= commitIndex; index++) {
      const term = node.termAt(index)
      const known = this.#committed[index]
      // Or held before it lost its promises: see `lost`.
      const holds = (voter: NodeId): boolean =>
        term !== undefined &&
        (termOnDisk(disks.get(voter) as Disk, index) === term || this.#lost.get(voter)?.[index] === term)
      if (known !== undefined) {
        // A snapshot stands for it; its own position is looked at.
        if (index < node.firstIndex - 1) continue
        if (known !== term) this.#fail('R5', `${id} commits ${index}@${term ?? '?'}, committed is ${index}@${known}`)
        // By the configuration that this member goes by, too, no quorum may be without it.
        if (isQuorum(node.configuration, (voter) => !holds(voter) && !isCompacted(disks.get(voter) as Disk, index))) {
          this.#fail('R9', `${index}@${term}: a quorum of ${describeConfiguration(node.configuration)} lacks it`)
        }
        continue
      }
      if (term === undefined) this.#fail('R8', `${id} commits ${index}, which it does not have`)
      if (!isQuorum(node.configuration, holds)) {
        const holders = [...disks.keys()].filter(holds).join(' ')
        this.#fail(
          'R9',
          `${id} commits ${index}@${term}, of ${describeConfiguration(node.configuration)} it has ${holders}`,
        )
      }
      this.#committed.push(term)
      this.#committedIn.push(Math.max(node.term, this.#committedIn.at(-1) ?? 0))
    }
    seen.commitIndex = commitIndex
  }

  #requireCommitted(id: NodeId, { index, term }: LogPosition): void {
    const known = this.#committed[index]
    if (known !== term) this.#fail('R13', `a snapshot of ${id} is at ${index}@${term}, committed is ${known ?? 'less'}`)
  }

  #recordData(id: NodeId, entry: Entry): void {
    const key = `${entry.index}@${entry.term}`
    const known = this.#dataOf.get(key) ?? entry.data
    if (known !== entry.data) this.#fail('R2', `entry ${key} of member ${id} has another content than elsewhere`)
    this.#dataOf.set(key, entry.data)
  }

  #fail(invariant: string, what: string): never {
    throw new SafetyViolation(`${invariant}: ${what}`)
  }
}

/** What a member without promises has no right to say. */
function promises(message: Message): boolean {
  if (message.type === 'pre-vote-reply' || message.type === 'vote-reply') return message.granted
  return ['pre-vote', 'vote', 'append-accepted', 'heartbeat-reply'].includes(message.type)
}

function isCompacted(disk: Disk, index: Index): boolean {
  return index <= disk.compacted.index
}
