/**
 * A simulated cluster of pure cores: one seed gives one run. The network loses, repeats, delays, reorders and splits;
 * disks take their time; processes pause, fall and come back with what their disk holds, the write under way on it or
 * not. After every event checker.ts looks at everything.
 *
 * `Plant` is where a test puts a bug in, outside the core, to see that the checks find it.
 */
import { describeEvent, describeMessage } from '../../src/raft/describe.js'
import type { ConfigurationChange } from '../../src/raft/confchange/change.js'
import { decodeConfiguration } from '../../src/raft/confchange/codec.js'
import { isJoint, membersOf, type CompleteConfiguration } from '../../src/raft/configuration.js'
import type { Message, Snapshot } from '../../src/raft/message.js'
import { RawNode } from '../../src/raft/raw-node.js'
import type { RaftOptions } from '../../src/raft/options.js'
import type { Ready, Restore, SnapshotRequest } from '../../src/raft/ready.js'
import type { RaftEvent } from '../../src/raft/trace.js'
import type {
  Configuration,
  Entry,
  HardState,
  Index,
  NodeId,
  Promises,
  StoredState,
  Term,
} from '../../src/raft/types.js'
import { drawChange } from './churn.js'
import { isQuorum } from '../../src/testing/checkers/quorum.js'
import { Checker, lastOnDisk, termOnDisk, type Disk } from './checker.js'
import { Seeded } from './seeded.js'

export const ELECTION_TIMEOUT_MS = 150
export const HEARTBEAT_INTERVAL_MS = 30
/** Clocks run too fast or too slow by at most this share. */
const CLOCK_DRIFT_MAX = 0.1

/** A bug, in terms of what the core takes in and hands out. */
export interface Plant {
  /** What a restarted member reads from its disk. */
  readonly stored?: (stored: StoredState) => StoredState
  /** What the driver makes of the output. */
  readonly ready?: (ready: Ready, node: RawNode) => Ready
  /** What the core is given for a message. */
  readonly incoming?: (message: Message, node: RawNode) => Message
  /** Writes are reported as durable when they begin. */
  readonly reportsWritesEarly?: boolean
  /** A leader answers reads by itself, without asking anybody. */
  readonly readsWithoutRound?: boolean
  /** Up to where a leader's snapshot is said to go. */
  readonly snapshotIndex?: (node: RawNode) => Index
  /** What a leader's snapshot says about who belongs to the cluster. */
  readonly snapshotConfiguration?: (node: RawNode) => Configuration
  /** What the disk is given in place of a received state. */
  readonly restores?: (restore: Restore) => Restore
  /** How much faster or slower than true time clocks run, at most. */
  readonly clockDriftMax?: number
}

export type Fault = 'crash' | 'restart' | 'split' | 'cut-links' | 'mend-links' | 'mute' | 'pause'

const FAULTS: readonly Fault[] = [
  'crash',
  'crash',
  'restart',
  'restart',
  'restart',
  'split',
  'cut-links',
  'mend-links',
  'mute',
  'pause',
]

export interface SimulationOptions {
  /** What to draw faults from. Default: all kinds. */
  readonly faults?: readonly Fault[]
  readonly plant?: Plant
  /** Keep a transcript. */
  readonly records?: boolean
  /** Told of every event of every core. */
  readonly trace?: (event: RaftEvent) => void
  /** In place of what the seed draws. */
  readonly core?: Partial<RaftOptions>
  /** Two more members, at first outside, and a membership and leadership that change all the time. */
  readonly churn?: boolean
  /** The core itself, where it is to be one with a bug. */
  readonly Core?: typeof RawNode
}

interface Member {
  readonly id: NodeId
  readonly disk: Disk
  node: RawNode | undefined
  /** Counts the lives of this member: events of an earlier one mean nothing. */
  life: number
  write: PendingWrite | undefined
  /** What its clock shows: `offsetMs + rate * true time`. */
  readonly clock: { readonly offsetMs: number; readonly rate: number }
  applied: Index
  pausedUntilMs: number
  /** What is sent to it takes this much longer. */
  lagMs: number
  ledTerm: Term
  tickAtMs: number
  /** It campaigns no more, and will be stopped. */
  resigned: boolean
}

/** What is on its way to the disk: entries, or a received state in place of everything. */
interface PendingWrite {
  readonly id: number
  readonly hardState: HardState
  readonly entries: readonly Entry[]
  readonly restore: Restore | undefined
  readonly promises: Promises
}

interface Happening {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class SimulatedCluster {
  readonly checker: Checker
  readonly members = new Map<NodeId, Member>()
  nowMs = 1000
  leaseReadsAnswered = 0
  /** One line per event of a core and per message, where asked for. */
  readonly transcript: string[] = []

  readonly #random: Seeded
  readonly #plant: Plant
  readonly #records: boolean
  readonly #trace: ((event: RaftEvent) => void) | undefined
  readonly #disks = new Map<NodeId, Disk>()
  readonly #agenda: Happening[] = []
  #order = 0
  #cutLinks = new Set<string>()
  #faulty = true
  #nextRequestId = 1
  #payloads = 0

  readonly #faults: readonly Fault[]
  readonly #lossRate: number
  readonly #repeatRate: number
  readonly #slowRate: number
  readonly #writeMsMax: number
  readonly #faultMsMax: number
  readonly #leaderFallRate: number
  readonly #compactAheadRate: number
  readonly #forgetRate: number
  readonly #snapshotFailureRate: number
  readonly #snapshotMsMax: number
  readonly #options
  readonly #churns: boolean
  readonly #Core: typeof RawNode

  constructor(seed: number, options: SimulationOptions = {}) {
    const random = new Seeded(seed)
    this.#random = random
    this.#plant = options.plant ?? {}
    this.#records = options.records ?? false
    this.#trace = options.trace
    this.#faults = options.faults ?? FAULTS
    this.#lossRate = random.pick([0, 0.02, 0.1, 0.3])
    this.#repeatRate = random.pick([0, 0.05, 0.3])
    this.#slowRate = random.pick([0, 0.02, 0.1])
    this.#faultMsMax = random.pick([4, 1]) * ELECTION_TIMEOUT_MS
    this.#leaderFallRate = random.pick([0, 0, 0.5])
    this.#writeMsMax = random.pick([0, 5, 40, 200])
    this.#compactAheadRate = random.pick([0, 0.1, 1])
    this.#forgetRate = random.pick([0, 0.5])
    this.#snapshotFailureRate = random.pick([0, 0.3])
    this.#snapshotMsMax = random.pick([10, 4 * ELECTION_TIMEOUT_MS])
    const driftMax = this.#plant.clockDriftMax ?? random.pick([0, CLOCK_DRIFT_MAX])
    // Every bound may be so small that the rare paths are the usual ones.
    this.#options = {
      preVote: random.chance(0.7),
      checkQuorum: random.chance(0.7),
      appendBytesMax: random.pick([1, 200, 1_000_000]),
      inflightAppendsMax: random.pick([1, 2, 256]),
      inflightAppendBytesMax: random.pick([1, 500, 1_000_000]),
      uncommittedBytesMax: random.pick([300, 1_000_000]),
      applyBatchBytesMax: random.pick([1, 1_000_000]),
      snapshotTimeoutMs: 4 * ELECTION_TIMEOUT_MS,
      clockDriftMax: CLOCK_DRIFT_MAX,
      ...options.core,
    }
    this.#churns = options.churn ?? false
    this.#Core = options.Core ?? RawNode
    // Without either, a member that was removed deposes every leader, for ever.
    if (this.#churns && !this.#options.preVote && !this.#options.checkQuorum) this.#options.preVote = true
    const ids = random.chance(0.5) ? [1, 2, 3] : [1, 2, 3, 4, 5]
    this.checker = new Checker()
    const outside = this.#churns ? [ids.length + 1, ids.length + 2] : []
    for (const id of [...ids, ...outside]) {
      const disk: Disk = {
        hardState: { term: 0, vote: 0 },
        compacted: { index: 0, term: 0 },
        configuration: ids.includes(id) ? { voters: ids } : { voters: [], learners: [id] },
        entries: [],
        applied: 0,
        promisesLost: false,
      }
      this.#disks.set(id, disk)
      this.members.set(id, {
        id,
        disk,
        node: undefined,
        life: 0,
        write: undefined,
        clock: {
          offsetMs: random.between(0, 1000),
          rate: 1 + random.pick([-1, 1, random.between(-100, 100) / 100]) * driftMax,
        },
        applied: 0,
        pausedUntilMs: 0,
        lagMs: 0,
        ledTerm: 0,
        tickAtMs: Infinity,
        resigned: false,
      })
    }
    for (const member of this.members.values()) this.#start(member)
  }

  /** Lives through faults and load for `durationMs`. */
  runFaulty(durationMs: number): void {
    const endMs = this.nowMs + durationMs
    this.#scheduleFault(endMs)
    this.#scheduleLoad(endMs)
    if (this.#churns) this.#scheduleChurn(endMs)
    this.#runUntil(endMs)
  }

  /** All faults end: every member runs, every message arrives. */
  heal(): void {
    this.#faulty = false
    this.#cutLinks.clear()
    for (const member of this.members.values()) {
      member.pausedUntilMs = this.nowMs
      member.lagMs = 0
      if (member.resigned) this.#crash(member)
      if (member.node === undefined) this.#start(member)
    }
  }

  /** Runs on until `condition` holds; false if it does not within `limitMs`. */
  runUntil(condition: () => boolean, limitMs: number): boolean {
    const endMs = this.nowMs + limitMs
    while (this.nowMs < endMs) {
      if (condition()) return true
      this.#runUntil(Math.min(endMs, this.nowMs + HEARTBEAT_INTERVAL_MS))
    }
    return condition()
  }

  leader(): RawNode | undefined {
    let leader: RawNode | undefined
    for (const { node } of this.members.values()) {
      if (node?.role === 'leader' && node.term >= (leader?.term ?? 0)) leader = node
    }
    return leader
  }

  propose(id: NodeId, count: number): boolean {
    const member = this.members.get(id)
    if (member?.node === undefined) return false
    const payloads = Array.from({ length: count }, () => Buffer.from(`${id}.${++this.#payloads}`))
    const { accepted } = member.node.propose(payloads, this.#localMs(member))
    this.#settle(member)
    return accepted
  }

  read(id: NodeId): void {
    const member = this.members.get(id)
    if (member?.node === undefined) return
    const requestId = this.#nextRequestId++
    this.checker.readRequested(`${requestId}`)
    if (this.#plant.readsWithoutRound === true && member.node.role === 'leader') {
      this.checker.readAnswered(`${requestId}`, member.node.commitIndex)
      return
    }
    member.node.readIndex(requestId, this.#localMs(member))
    this.#settle(member)
  }

  /** Whoever believes that it leads is asked for a read at once. */
  leaseReads(): void {
    for (const member of this.members.values()) {
      const { id, node } = member
      if (node?.role !== 'leader' || member.pausedUntilMs > this.nowMs) continue
      const index = node.leaseRead(this.#localMs(member))
      if (index !== undefined) {
        this.leaseReadsAnswered++
        this.checker.leaseRead(id, index)
      }
      this.#settle(member)
    }
  }

  /** Whether all logs, commits and applied states are the same, of those that belong to the cluster by now. */
  converged(): boolean {
    const leader = this.leader()
    if (leader === undefined) return false
    const { configuration, lastIndex: last } = leader
    if (isJoint(configuration) && configuration.autoLeave) return false
    const belongs = new Set(membersOf(configuration))
    const nodes = [...this.members.values()].filter(({ id }) => belongs.has(id))
    return nodes.every(
      ({ node, applied }) =>
        node?.lastIndex === last && node?.commitIndex === last && applied === last && node?.promises === 'kept',
    )
  }

  /** What each member looks like, for the report of a failure. */
  describe(): string {
    return [...this.members.values()]
      .map(
        ({ id, node, applied }) =>
          `${id}: ${node === undefined ? 'down' : JSON.stringify(node.status())} applied ${applied}`,
      )
      .join('\n')
  }

  #start(member: Member): void {
    const { id, disk } = member
    const trace = this.#records
      ? (event: RaftEvent) => this.transcript.push(`${this.nowMs} ${describeEvent(event)}`)
      : this.#trace
    member.life++
    member.resigned = false
    member.write = undefined
    member.applied = disk.applied
    const stored: StoredState = {
      hardState: disk.hardState,
      compacted: disk.compacted,
      entries: disk.entries,
      applied: disk.applied,
      promisesLost: disk.promisesLost,
    }
    const node = new this.#Core(
      {
        ...this.#options,
        id,
        configuration: disk.configuration,
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
        random: new Seeded(this.#random.uint32()),
        ...(trace === undefined ? undefined : { trace }),
      },
      this.#plant.stored?.(stored) ?? stored,
      this.#localMs(member),
    )
    member.node = node
    member.tickAtMs = Infinity
    this.checker.restarted(id, node)
    this.#settle(member)
  }

  #crash(member: Member): void {
    // The write under way is on the disk, or it is not: it is atomic.
    if (member.write !== undefined && this.#random.chance(0.5)) this.#putOnDisk(member, member.write)
    member.node = undefined
    member.write = undefined
    member.life++
    if (this.#faulty && this.#random.chance(this.#forgetRate)) this.#forget(member)
  }

  /**
   * The disk of one that fell loses the end of its log, and perhaps its term and vote. Of every configuration that is in
   * any log a quorum must keep theirs: otherwise it is all over.
   */
  #forget({ id, disk }: Member): void {
    const keeps = (voter: NodeId): boolean => voter !== id && this.#disks.get(voter)?.promisesLost === false
    if (!this.#configurations().every((configuration) => isQuorum(configuration, keeps))) return
    this.checker.lost(id, disk)
    const kept = this.#random.between(Math.max(disk.applied, disk.compacted.index), lastOnDisk(disk))
    disk.entries.length = kept - disk.compacted.index
    const termMin = termOnDisk(disk, kept) ?? 0
    if (this.#random.chance(0.7)) {
      disk.hardState = { term: this.#random.between(termMin, disk.hardState.term), vote: 0 }
    }
    disk.promisesLost = true
  }

  /** All that are in any log, in memory or on a disk. */
  #configurations(): Configuration[] {
    const all: Configuration[] = []
    for (const { disk, node } of this.members.values()) {
      if (disk.configuration.voters.length > 0) all.push(disk.configuration)
      for (const { kind, data } of disk.entries) {
        if (kind === 'configuration') all.push(decodeConfiguration(data).configuration)
      }
      if (node !== undefined && node.configuration.voters.length > 0) all.push(node.configuration)
    }
    return all
  }

  #localMs({ clock }: Member): number {
    return clock.offsetMs + clock.rate * this.nowMs
  }

  /** True time at which a clock shows at least `localMs`. */
  #trueMs({ clock }: Member, localMs: number): number {
    return clock.rate === 1
      ? localMs - clock.offsetMs
      : Math.max(this.nowMs, Math.floor((localMs - clock.offsetMs) / clock.rate) + 1)
  }

  /** Does what the core asks for, looks at it, and makes sure that its next tick comes. */
  #settle(member: Member): void {
    const { id, node, disk } = member
    if (node === undefined) return
    this.checker.observe(id, node, this.#disks)
    if (node.role === 'leader' && node.term > member.ledTerm) this.#maybeFall(member, node.term)
    // A driver does not always come by at once.
    if (node.hasReady() && !this.#random.chance(0.1)) {
      for (let round = 0; round < 3 && node.hasReady(); round++) {
        const ready = node.ready()
        // Leaving a joint configuration is decided there, and may commit what is handed out with it.
        this.checker.observe(id, node, this.#disks)
        this.#perform(member, node, this.#plant.ready?.(ready, node) ?? ready)
        this.checker.observe(id, node, this.#disks)
      }
    }
    // What every member has applied durably; or whatever may be forgotten: then those that lag need a snapshot.
    const ahead = this.#random.chance(this.#compactAheadRate)
    const floor = ahead ? disk.applied : Math.min(...[...this.#disks.values()].map(({ applied }) => applied))
    if (this.#random.chance(0.05)) this.#compact(member, node, floor)
    if (this.#random.chance(0.05)) disk.applied = member.applied
    const deadlineMs = Math.max(this.#trueMs(member, node.nextDeadlineMs()), node.hasReady() ? this.nowMs + 1 : 0)
    const wakeMs = node.hasReady() ? this.nowMs + 1 : deadlineMs
    if (wakeMs < member.tickAtMs) this.#scheduleTick(member, wakeMs)
  }

  #perform(member: Member, node: RawNode, ready: Ready): void {
    const { id, disk } = member
    for (const message of ready.messages) {
      this.checker.sent(message, disk, node)
      this.#send(message)
    }
    for (const entry of ready.committed) {
      this.checker.applied(id, entry, member.applied, disk)
      member.applied = entry.index
    }
    for (const { requestId, index } of ready.reads) this.checker.readAnswered(`${requestId}`, index)
    for (const request of ready.snapshots) this.#sendSnapshot(member, node, request)
    const write = pendingWrite(ready, this.#plant.restores)
    if (write === undefined) return
    member.write = write
    const { life } = member
    const tookMs = this.#random.between(0, this.#faulty ? this.#writeMsMax : 5)
    if (this.#plant.reportsWritesEarly === true) node.advance(write.id, this.#localMs(member))
    this.#after(tookMs, () => {
      if (member.life !== life) return
      this.#putOnDisk(member, write)
      member.write = undefined
      if (write.restore !== undefined) member.applied = write.restore.position.index
      if (this.#plant.reportsWritesEarly !== true) node.advance(write.id, this.#localMs(member))
      this.#settle(member)
    })
  }

  /**
   * A state as it is now, or a somewhat older one, is on its way for as long as it takes; it may get lost, fail, or arrive
   * twice, and so may the report.
   */
  #sendSnapshot(member: Member, node: RawNode, { to, minimumIndex }: SnapshotRequest): void {
    const random = this.#random
    const anyIndex = random.chance(0.5) ? member.applied : random.between(minimumIndex, member.applied)
    const index = this.#plant.snapshotIndex?.(node) ?? anyIndex
    const position = { index, term: node.termAt(index) ?? -1 }
    this.checker.snapshotTaken(member.id, position, member.applied)
    const { life } = member
    const snapshot: Snapshot = {
      type: 'snapshot',
      from: member.id,
      to,
      term: node.term,
      position,
      configuration: this.#plant.snapshotConfiguration?.(node) ?? node.configurationAt(index),
    }
    const fails = this.#faulty && random.chance(this.#snapshotFailureRate)
    const unreported = this.#faulty && random.chance(this.#lossRate)
    const copies = this.#faulty && random.chance(this.#repeatRate) ? 2 : 1
    const durations = Array.from({ length: copies }, () => random.between(1, this.#faulty ? this.#snapshotMsMax : 10))
    if (!fails) for (const tookMs of durations) this.#after(tookMs, () => this.#deliver(snapshot))
    if (unreported) return
    this.#after(Math.max(...durations), () => {
      this.#unlessPaused(member, () => {
        if (member.life !== life || member.node === undefined) return
        const arrived = !fails && !this.#cutLinks.has(`${member.id} ${to}`)
        if (arrived) member.node.snapshotSent(to, position, this.#localMs(member))
        else member.node.snapshotFailed(to, this.#localMs(member))
        this.#settle(member)
      })
    })
  }

  #putOnDisk(member: Member, write: PendingWrite): void {
    const { disk, id } = member
    disk.promisesLost = write.promises === 'lost'
    const { restore } = write
    if (restore !== undefined) {
      this.checker.restored(id, disk, restore.position)
      disk.hardState = restore.hardState
      disk.compacted = restore.position
      disk.configuration = restore.configuration
      disk.applied = restore.position.index
      disk.entries = []
      return
    }
    this.checker.written(id, disk, write.entries, write.hardState.term)
    disk.hardState = write.hardState
    const first = write.entries[0]
    if (first === undefined) return
    disk.entries.length = first.index - disk.compacted.index - 1
    disk.entries.push(...write.entries)
  }

  #compact(member: Member, node: RawNode, floor: Index): void {
    const { disk } = member
    const index = Math.min(floor, disk.applied, lastOnDisk(disk))
    const term = termOnDisk(disk, index)
    // While a received state is on its way to the disk, the log in memory begins behind it already.
    if (index <= disk.compacted.index || index < node.firstIndex || term === undefined) return
    disk.configuration = node.configurationAt(index)
    node.compact(index)
    disk.entries.splice(0, index - disk.compacted.index)
    disk.compacted = { index, term }
  }

  #scheduleTick(member: Member, atMs: number): void {
    const { life } = member
    member.tickAtMs = atMs
    this.#after(atMs - this.nowMs, () => {
      if (member.life !== life || member.node === undefined) return
      this.#unlessPaused(member, () => {
        if (member.life !== life || member.node === undefined) return
        member.tickAtMs = Infinity
        member.node.tick(this.#localMs(member))
        this.#settle(member)
      })
    })
  }

  #send(message: Message): void {
    if (this.#records) this.transcript.push(`${this.nowMs} ${describeMessage(message)}`)
    if (this.#faulty && this.#random.chance(this.#lossRate)) return
    const copies = this.#faulty && this.#random.chance(this.#repeatRate) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const slow = this.#faulty && this.#random.chance(this.#slowRate)
      const delayMs = slow ? this.#random.between(0, 4 * ELECTION_TIMEOUT_MS) : this.#random.between(1, 8)
      const lagMs = this.members.get(message.to)?.lagMs ?? 0
      this.#after(delayMs + lagMs, () => this.#deliver(message))
    }
  }

  #deliver(message: Message | Snapshot): void {
    const member = this.members.get(message.to)
    if (member === undefined || this.#cutLinks.has(`${message.from} ${message.to}`)) return
    this.#unlessPaused(member, () => {
      if (member.node === undefined) return
      const changed = message.type === 'snapshot' ? message : this.#plant.incoming?.(message, member.node)
      member.node.step(changed ?? message, this.#localMs(member))
      this.#settle(member)
    })
  }

  #unlessPaused(member: Member, run: () => void): void {
    if (member.pausedUntilMs > this.nowMs)
      this.#after(member.pausedUntilMs - this.nowMs, () => this.#unlessPaused(member, run))
    else run()
  }

  #scheduleFault(endMs: number): void {
    const delayMs = this.#random.between(10, this.#faultMsMax)
    if (this.nowMs + delayMs >= endMs) return
    this.#after(delayMs, () => {
      this.#fault()
      this.#scheduleFault(endMs)
    })
  }

  #fault(): void {
    const random = this.#random
    const ids = [...this.members.keys()]
    const member = this.members.get(random.chance(0.4) ? (this.leader()?.id ?? 1) : random.pick(ids))
    if (member === undefined) return
    switch (random.pick(this.#faults)) {
      case 'crash':
        this.#crash(member)
        break
      case 'restart':
        for (const down of this.members.values()) if (down.node === undefined && random.chance(0.7)) this.#start(down)
        break
      case 'split': {
        const side = new Set(ids.filter(() => random.chance(0.5)))
        for (const from of ids) {
          for (const to of ids) if (side.has(from) !== side.has(to)) this.#cutLinks.add(`${from} ${to}`)
        }
        break
      }
      case 'cut-links':
        // In one direction only, each link by itself.
        for (const to of ids) if (random.chance(0.5)) this.#cutLinks.add(`${member.id} ${to}`)
        for (const from of ids) if (random.chance(0.2)) this.#cutLinks.add(`${from} ${member.id}`)
        break
      case 'mend-links':
        this.#cutLinks.clear()
        for (const each of this.members.values()) each.lagMs = 0
        break
      case 'mute':
        // It is heard no more, and goes on hearing for a while what was said before.
        member.lagMs = random.between(1, 4 * ELECTION_TIMEOUT_MS)
        this.#after(random.between(0, 100), () => {
          if (this.#faulty) for (const to of ids) this.#cutLinks.add(`${member.id} ${to}`)
        })
        break
      case 'pause':
        member.pausedUntilMs = this.nowMs + random.between(1, 4 * ELECTION_TIMEOUT_MS)
        break
    }
  }

  /** A new leader falls before it has got its first entries to the others, and is soon back: figure 3.7 of the thesis. */
  #maybeFall(member: Member, term: Term): void {
    member.ledTerm = term
    if (!this.#faulty || !this.#random.chance(this.#leaderFallRate)) return
    const { life } = member
    this.#after(this.#random.between(0, 30), () => {
      if (!this.#faulty || member.life !== life) return
      this.#crash(member)
      this.#after(this.#random.between(1, ELECTION_TIMEOUT_MS), () => {
        if (member.node === undefined) this.#start(member)
      })
    })
  }

  #scheduleLoad(endMs: number): void {
    const delayMs = this.#random.between(1, 30)
    if (this.nowMs + delayMs >= endMs) return
    this.#after(delayMs, () => {
      const id = this.#random.pick([...this.members.keys()])
      this.leaseReads()
      if (this.#random.chance(0.3)) this.read(id)
      else this.propose(this.#random.chance(0.7) ? (this.leader()?.id ?? id) : id, this.#random.between(1, 4))
      this.#scheduleLoad(endMs)
    })
  }

  #scheduleChurn(endMs: number): void {
    const delayMs = this.#random.between(1, 2 * ELECTION_TIMEOUT_MS)
    if (this.nowMs + delayMs >= endMs) return
    this.#after(delayMs, () => {
      this.#changeSomething()
      this.#scheduleChurn(endMs)
    })
  }

  #changeSomething(): void {
    const random = this.#random
    const ids = [...this.members.keys()]
    const member = this.members.get(random.chance(0.9) ? (this.leader()?.id ?? 1) : random.pick(ids))
    const node = member?.node
    if (member === undefined || node === undefined) return
    const kind = random.between(0, 9)
    if (kind === 0) {
      const { life } = member
      node.resign(this.#localMs(member))
      member.resigned = true
      this.#after(random.between(0, 2 * ELECTION_TIMEOUT_MS), () => {
        if (member.life === life) this.#crash(member)
      })
    } else if (kind <= 2) {
      node.transferLeadership(random.chance(0.5) ? 'best' : random.pick(ids), this.#localMs(member))
    } else {
      // Often several, asked for at once: all but the first are to be refused.
      for (let asked = random.between(1, 2); asked > 0; asked--) {
        const change = drawChange(random, node.configuration, node.id, ids)
        if (this.#needsWhoForgot(change, node.configuration)) continue
        node.proposeConfiguration(change, this.#localMs(member))
        this.checker.observe(member.id, node, this.#disks)
      }
    }
    this.#settle(member)
  }

  /**
   * Whether a change might need the vote of a member that lost its promises, which takes a quorum to restore: then it would
   * be all over. The leader sees that for those that it has heard of; here it may not have.
   */
  #needsWhoForgot(change: ConfigurationChange, configuration: CompleteConfiguration): boolean {
    if (change.type === 'leave-joint') return false
    const belongs = membersOf(configuration)
    const added = change.members.filter(({ type }) => type === 'voter').map(({ id }) => id)
    return [...belongs, ...added].some((id) => this.#disks.get(id)?.promisesLost === true)
  }

  #after(delayMs: number, run: () => void): void {
    const happening: Happening = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run }
    // A binary heap, the earliest on top; at the same time, what was scheduled first.
    const heap = this.#agenda
    let at = heap.push(happening) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(happening, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = happening
  }

  #runUntil(endMs: number): void {
    for (;;) {
      const next = this.#agenda[0]
      if (next === undefined || next.atMs > endMs) break
      this.#removeFirst()
      this.nowMs = next.atMs
      next.run()
    }
    this.nowMs = endMs
  }

  #removeFirst(): void {
    const heap = this.#agenda
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      let below = heap[child]
      const right = heap[child + 1]
      if (below !== undefined && right !== undefined && isBefore(right, below)) {
        child++
        below = right
      }
      if (below === undefined || !isBefore(below, last)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}

function pendingWrite(ready: Ready, restores: Plant['restores']): PendingWrite | undefined {
  const { write, promises } = ready
  if (ready.restore !== undefined) {
    const restore = restores?.(ready.restore) ?? ready.restore
    return { id: restore.writeId, hardState: restore.hardState, entries: [], restore, promises }
  }
  return write === undefined ? undefined : { ...write, restore: undefined, promises }
}

function isBefore(left: Happening, right: Happening): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order)
}
