/** What the loop turns: the parts of a member, as parts.ts makes them. */
import type { Buggify } from '../base/buggify.js'
import type { Clock, Timers } from '../base/clock.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import type { NodeId } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'
import type { Transport } from '../transport/transport.js'
import type { AddressBook } from './address-book.js'
import type { AutoCompactor } from './auto-compactor.js'
import type { AlarmRaiser } from './alarm-raiser.js'
import type { Backlog } from './backlog.js'
import type { BookExchange } from './book-exchange.js'
import type { Calls } from './calls.js'
import type { Conditions } from './conditions.js'
import type { DiskGuard } from './disk-guard.js'
import type { Observe } from './event.js'
import type { HeartbeatPace } from './heartbeat-pace.js'
import type { Inbox } from './inbox.js'
import type { Introduction } from './introduction.js'
import type { LeaseDriver } from './lease-driver.js'
import type { MemberSpans } from './member-spans.js'
import type { Pacer } from './pacer.js'
import type { PastLives } from './past-lives.js'
import type { Persistence } from './persistence.js'
import type { Promoter } from './promoter.js'
import type { Proposals } from './proposals.js'
import type { Reads } from './reads.js'
import type { Swept } from './swept.js'
import type { Space } from './space.js'
import type { StallGuard } from './stall-guard.js'
import type { States } from './states.js'
import type { SweepMeter } from './sweep-meter.js'
import type { Telemeter } from './telemeter.js'
import type { Verifier } from './verifier.js'
import type { TokenBook } from './token-book.js'
import type { Watches } from './watches.js'
import type { Answer } from './answers.js'
import type { Call } from './wire/call-codec.js'

export interface LoopParts {
  readonly memberId: NodeId
  readonly electionTimeoutMs: number
  readonly clock: Clock
  readonly timers: Timers
  readonly raft: RawNode
  readonly backlog: Backlog
  readonly diskGuard: DiskGuard
  readonly stallGuard: StallGuard
  readonly machine: Machine
  readonly storage: Storage
  readonly transport: Transport | undefined
  readonly book: AddressBook
  readonly books: BookExchange
  readonly promoter: Promoter
  readonly introduction: Introduction
  readonly conditions: Conditions
  readonly inbox: Inbox
  readonly proposals: Proposals
  readonly reads: Reads
  readonly calls: Calls
  readonly leases: LeaseDriver
  readonly compactor: AutoCompactor
  readonly tokens: TokenBook
  readonly watches: Watches
  readonly alarms: AlarmRaiser
  readonly space: Space
  readonly verifier: Verifier
  readonly pastLives: PastLives
  readonly persistence: Persistence
  readonly swept: Swept
  readonly states: States
  readonly pacer: Pacer
  /** Answers questions when this member leads; never rejects. */
  readonly answer: (calls: readonly Call[], answer: Answer) => Promise<void>
  /** Another book counts from here on, or more of it is applied. */
  readonly membersChanged: () => void
  readonly leaderChanged: (leader: NodeId, term: number) => void
  readonly failed: (error: unknown) => void
  readonly spans: MemberSpans
  readonly observe: Observe | undefined
  readonly telemeter: Telemeter
  readonly heartbeats: HeartbeatPace
  readonly sweeps: SweepMeter
  readonly buggify: Buggify
}
