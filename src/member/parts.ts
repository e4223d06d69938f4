/**
 * The parts of one member, made and put together: what each of them is given is said here, and nowhere else.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import { LIMITS } from '../base/limits.js'
import { MEMBER, type Identity } from '../machine/identity.js'
import type { MemberBook } from '../machine/member-book.js'
import type { Machine } from '../machine/machine.js'
import type { RaftOptions } from '../raft/options.js'
import { RawNode } from '../raft/raw-node.js'
import type { RaftEvent } from '../raft/trace.js'
import type { Index, NodeId, StoredState } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'
import type { AddressBook } from './address-book.js'
import { AlarmRaiser } from './alarm-raiser.js'
import { answerAsLeader, type Answer } from './answers.js'
import { AutoCompactor } from './auto-compactor.js'
import { Backlog } from './backlog.js'
import { BookExchange } from './book-exchange.js'
import { Calls } from './calls.js'
import { Conditions } from './conditions.js'
import { Deadlines, type CallLimits } from './deadlines.js'
import { DiskGuard } from './disk-guard.js'
import { Drain } from './drain.js'
import { Elsewhere } from './elsewhere.js'
import { FreeSpace } from './free-space.js'
import { Hashes } from './hashes.js'
import { HeartbeatPace } from './heartbeat-pace.js'
import { Inbox } from './inbox.js'
import { Introduction } from './introduction.js'
import { Joins } from './joins.js'
import { LeaseDriver } from './lease-driver.js'
import { makeStates } from './make-states.js'
import type { Lifetime } from './lifetime.js'
import { Loop } from './loop.js'
import { initialConfiguration } from './initial-configuration.js'
import type { MemberOptions } from './member-options.js'
import { MembersCalls } from './members-calls.js'
import { MemberSpans } from './member-spans.js'
import { Membership } from './membership.js'
import { Pacer } from './pacer.js'
import { PastLives } from './past-lives.js'
import { PeerVersions } from './peer-versions.js'
import { Persistence } from './persistence.js'
import { Promoter } from './promoter.js'
import { Proposals } from './proposals.js'
import { Ranges } from './ranges.js'
import { Reads } from './reads.js'
import { RecordReader } from './record-reader.js'
import { ResponseReader } from './response-reader.js'
import { Scrubber } from './scrubber.js'
import { Snapshots } from './snapshots.js'
import { Space } from './space.js'
import { StallGuard } from './stall-guard.js'
import { Swept } from './swept.js'
import { SweepMeter } from './sweep-meter.js'
import { Tallies } from './tallies.js'
import type { Telemeter } from './telemeter.js'
import { TokenBook } from './token-book.js'
import { Verifier } from './verifier.js'
import { Watches } from './watches.js'
import { encodeBook } from './wire/book-codec.js'
import { encodeReplies, type Call, type CallRequest, type CallResponse, type Reply } from './wire/call-codec.js'
import { FRAME_KIND } from './wire/frame-kind.js'

/** What the parts are made over, and whom they tell. */
export interface Ground {
  readonly options: MemberOptions
  readonly telemeter: Telemeter
  readonly storage: Storage
  readonly machine: Machine
  /** As the log was found. */
  readonly stored: StoredState
  /** There is no state, and the log begins behind this index. */
  readonly needed: Index | undefined
  readonly lifetime: Lifetime
  readonly book: AddressBook
  /** Runs a step while the member is open; what it throws ends the member. */
  readonly guard: (step: () => void) => void
  readonly failed: (error: unknown) => void
  /** The disk was found not to hold what this member promised: it ends. */
  readonly forgotten: (what: string) => void
  readonly decided: (event: RaftEvent) => void
  readonly leaderChanged: (leader: NodeId, term: number) => void
  readonly membersChanged: () => void
  /** Another member says who is in the cluster, and knows more of it. */
  readonly bookHeard: (by: NodeId, book: MemberBook) => void
}

export type Parts = ReturnType<typeof makeParts>

/** Election timeouts that what a member proposes by itself waits before it is given up, to be proposed anew. */
const OWN_TIMEOUT_ELECTIONS = 10
/** What an operator is told with what is damaged. */
const DAMAGED_ALONE =
  'This member is the only one: it serves what is whole, and changes nothing any more. Before you restart it save what ' +
  'can be read, since the next open may refuse the directory: saveSnapshot(store, path), and where that meets the damage, ' +
  'what ranges still give (docs/OPERATING.md)'

export function makeParts(ground: Ground) {
  const { options, telemeter, storage, machine, lifetime, book, failed } = ground
  const { memberId, name, transport, electionTimeoutMs, environment, observe } = options
  const { clock, timers, random, logger, buggify = NEVER } = environment

  const spans = new MemberSpans(name, environment.spans)
  const pacer = new Pacer(clock, timers, turn, buggify)
  const wake = (): void => {
    pacer.wake()
  }
  const raft = makeRaft(ground)
  const deadlines = new Deadlines(clock, timers)
  const pastLives = new PastLives(memberId, storage, ground.forgotten)
  const versions = new PeerVersions()
  const states = makeStates({
    ...{ options, telemeter, storage, machine, raft, book, versions, failed, wake },
    openSnapshot: () => snapshots.openForMember(),
    stateSettled: () => persistence.settled(),
    adopted: () => {
      // It began without knowing who votes, since it had no state, and its log has not told since.
      if (raft.configuration.voters.length === 0) {
        raft.learnConfiguration(
          initialConfiguration({ options, machine, needed: undefined, joined: storage.log.joined }),
        )
      }
      pastLives.see({ member: memberId, incarnation: machine.incarnationOf(memberId) })
      persistence.adopted()
      watches.jumped()
      proposals.jumped((proposal) => machine.hasSettled(proposal))
      reads.applied(machine.appliedIndex)
    },
    damagedAlone: (what) => {
      alarms.raise('corrupt', `${what}. ${DAMAGED_ALONE}`)
    },
  })
  const { repair } = states
  const reader = new RecordReader({ machine, storage, timers, repair, wake, buggify })
  const origin = { member: memberId, incarnation: storage.incarnation }
  const proposals = new Proposals(origin, deadlines, new ResponseReader(reader), { observe, telemeter })
  const reads = new Reads(deadlines, { telemeter, buggify })
  const calls = new Calls(deadlines, random)
  const leases = new LeaseDriver({
    machine,
    electionTimeoutMs,
    checkpointIntervalMs: options.leaseCheckpointIntervalMs,
    observe,
    telemeter,
    buggify,
  })
  const tokens = new TokenBook(machine, options.simpleTokenTtlMs, raft.status().lastIndex + 1)
  const watches = new Watches({ machine, storage, timers, random, repair, observe, telemeter, spans, buggify })
  const persistence = new Persistence(
    {
      ...{ storage, machine, raft, telemeter },
      blocked: () => repair.blocked,
      pinnedIndex: () => states.sender.pinnedIndex(clock.monotonicMs()),
    },
    options,
    failed,
    observe,
    buggify,
  )
  const swept = new Swept(deadlines)
  const alarms = new AlarmRaiser({
    memberId,
    logger,
    wake,
    isActive: (alarm) => machine.alarms.has(alarm),
    votes: () => raft.configuration.voters.includes(memberId),
    // Sent until it is applied, or given up where no leader is found for long.
    propose: async (request) => {
      const deadlineMs = clock.monotonicMs() + OWN_TIMEOUT_ELECTIONS * electionTimeoutMs
      const proposed = proposals.propose(request, MEMBER, { deadlineMs })
      wake()
      return proposed
    },
  })
  const { disk, diskReserveBytes: reserveBytes } = options
  const freeSpace = new FreeSpace({ disk, reserveBytes, alarms, wake, timers, logger })
  const space = new Space(machine, alarms, freeSpace, options.quotaBytes)
  const diskGuard = new DiskGuard({ raft, electionTimeoutMs, logger, nameOf: (id) => book.nameOf(id) ?? `${id}` })
  const stallGuard = new StallGuard({
    ...{ raft, leases, clock, timers, logger, electionTimeoutMs, confirmRead, wake, observe },
    heartbeatIntervalMs: options.heartbeatIntervalMs,
    loopDelay: environment.loopDelay,
    nameOf: (id) => book.nameOf(id) ?? `${id}`,
    guard: ground.guard,
  })
  // Again and again: a member that takes one entry at a time for as long as it lives never catches up with the others.
  const backlog = new Backlog(raft, machine, () => (buggify('backlog-of-one') ? 1 : LIMITS.unappliedBytesMax))
  const { clusterId } = options
  const identity = { clusterId, memberId, name: options.name }
  const snapshots = new Snapshots({ identity, machine, storage, deadlines, repair, clock, timers, telemeter, buggify })
  const conditions = new Conditions(deadlines)
  const membership = new Membership({
    ...{ memberId, raft, machine, book, versions, conditions, clock, electionTimeoutMs, wake },
    snapshotPercent: (to) => states.sender.percentOf(to),
  })
  const members = new MembersCalls({ memberId, raft, machine, versions, conditions, confirmRead, askLeader })
  const promoter = new Promoter({
    ...{ raft, book },
    promoteCaughtUp: (id) => {
      membership.promoteCaughtUp(id)
    },
  })
  const self = { id: memberId, name, address: options.members.find(({ id }) => id === memberId)?.address ?? '' }
  const announce = (clientUrls: readonly string[] | undefined, by: Identity, limits: CallLimits): Promise<void> =>
    members.change({ type: 'announce', ...self, clientUrls }, by, limits)
  const introduction = new Introduction({
    ...{ self, raft, machine, electionTimeoutMs, logger, wake, failed },
    announce: (deadlineMs) => announce(undefined, MEMBER, { deadlineMs }),
  })
  const elsewhere = new Elsewhere({ whoElse: options.whoElse, book, raft, logger, heard: ground.membersChanged })
  const books = new BookExchange({
    ...{ raft, machine, book, versions, electionTimeoutMs, heard: ground.bookHeard },
    askElsewhere: () => {
      // Where the members never changed, as far as is known, those that are connected are no others.
      if (options.joining || machine.members !== undefined || versions.none) elsewhere.ask()
    },
    send: (to, frame) => transport?.send(to, { kind: FRAME_KIND.book, bytes: encodeBook(frame) }),
  })
  const inbox = new Inbox({
    memberId,
    raft,
    backlog,
    calls,
    states,
    books,
    logger,
    answer: (from, asked) => {
      answer(asked, (replies) => {
        reply(from, replies)
      }).catch(failed)
    },
    refuse: (from, id, message) => {
      reply(from, [{ id, response: { type: 'refused', code: 'MALFORMED', message } }])
    },
    observe,
    buggify,
  })
  const loop = new Loop({
    memberId,
    electionTimeoutMs,
    clock,
    timers,
    raft,
    backlog,
    diskGuard,
    stallGuard,
    machine,
    storage,
    transport,
    book,
    books,
    promoter,
    introduction,
    conditions,
    inbox,
    proposals,
    reads,
    calls,
    leases,
    compactor: new AutoCompactor(options.autoCompaction, clock.monotonicMs()),
    tokens,
    watches,
    alarms,
    space,
    verifier: new Verifier(alarms, options.checkIntervalMs, observe),
    pastLives,
    persistence,
    swept,
    states,
    pacer,
    answer,
    membersChanged: ground.membersChanged,
    leaderChanged: ground.leaderChanged,
    failed,
    observe,
    telemeter,
    heartbeats: new HeartbeatPace(options.heartbeatIntervalMs),
    sweeps: new SweepMeter(telemeter, machine),
    spans,
    buggify,
  })

  const step = (): void => {
    loop.turn()
  }
  function turn(): void {
    ground.guard(step)
  }

  function confirmRead(limits: CallLimits): Promise<void> {
    lifetime.checkOpen()
    const confirmed = reads.confirm(limits)
    wake()
    return confirmed
  }

  async function askLeader(request: CallRequest, identity: Identity, limits: CallLimits): Promise<CallResponse> {
    lifetime.checkOpen()
    const answered = calls.ask(request, identity, limits)
    wake()
    return answered
  }

  function answer(asked: readonly Call[], tell: Answer): Promise<void> {
    const asking = { raft, machine, leases, membership, clock, timers, deadlines, electionTimeoutMs }
    return answerAsLeader({ ...asking, confirmRead, wake, buggify }, asked, tell)
  }

  function reply(to: NodeId, replies: readonly Reply[]): void {
    if (buggify('reply-dropped')) return
    transport?.send(to, { kind: FRAME_KIND.reply, bytes: encodeReplies(replies) })
  }

  return {
    telemeter,
    storage,
    machine,
    lifetime,
    wake,
    confirmRead,
    askLeader,
    raft,
    versions,
    conditions,
    elsewhere,
    members,
    announce,
    deadlines,
    spans,
    proposals,
    reads,
    calls,
    leases,
    tokens,
    watches,
    persistence,
    swept,
    space,
    freeSpace,
    diskGuard,
    stallGuard,
    states,
    inbox,
    pacer,
    loop,
    drain: new Drain({
      raft,
      lifetime,
      clock,
      timers,
      logger,
      electionTimeoutMs,
      drainMs: options.drainMs,
      wake,
      buggify,
    }),
    joins: new Joins({ clusterId, machine, clock }),
    ranges: new Ranges(machine, reader, deadlines, repair, { observe, telemeter }),
    scrubber: new Scrubber(
      {
        ...{ storage, machine, clock, timers, memberId, logger, failed, observe, buggify },
        damaged: (error) => {
          repair.damaged(error)
        },
      },
      options.scrub,
    ),
    snapshots,
    hashes: new Hashes({ machine, storage, timers, deadlines, repair, telemeter, wake }),
    tallies: new Tallies(machine, deadlines, environment),
  }
}

function makeRaft({ options, storage, machine, stored, needed, decided }: Ground): RawNode {
  const { memberId, electionTimeoutMs, heartbeatIntervalMs, environment } = options
  const { clock, random, buggify = NEVER } = environment
  return new RawNode(
    {
      id: memberId,
      configuration: initialConfiguration({ options, machine, needed, joined: storage.log.joined || options.joining }),
      ...(machine.members && { configurationIndex: machine.members.index }),
      electionTimeoutMs,
      heartbeatIntervalMs,
      ...raftLimits(buggify),
      random,
      trace: decided,
    },
    stored,
    clock.monotonicMs(),
  )
}

/** The bounds of the core, each perhaps as small as can be. */
function raftLimits(buggify: Buggify): Partial<RaftOptions> {
  return {
    appendBytesMax: buggify('append-of-one') ? 1 : LIMITS.appendBytesMax,
    inflightAppendsMax: buggify('inflight-of-one') ? 1 : LIMITS.inflightAppendsMax,
    uncommittedBytesMax: buggify('uncommitted-of-one') ? 1 : LIMITS.uncommittedBytesMax,
    applyBatchBytesMax: buggify('apply-of-one') ? 1 : LIMITS.applyBatchBytesMax,
  }
}
