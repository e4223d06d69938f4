/**
 * What is known of one member from what it said: what its disk holds, what it is doing, how far it has come.
 *
 * Always: `durable` is what the member was told by its disk to be durable, over all its lives.
 */
import { EMPTY_DIGEST, type Digest } from '../../base/checksum.js'
import type { Revision } from '../../mvcc/types.js'
import { completeConfiguration, type CompleteConfiguration } from '../../raft/configuration.js'
import type { HardState, Index, LogPosition, NodeId, Role, Term } from '../../raft/types.js'
import { ROOT, type Link } from './log-ledger.js'

/** A write of the log that is under way. */
export interface BegunWrite {
  readonly hardState: HardState
  readonly links: readonly Link[]
  readonly promisesLost: boolean
}

/**
 * What became of the disk in this life: nothing; it rots, so that the member refuses to start or comes back with all that it
 * promised, its state perhaps older; or it is another one, and whatever comes back comes back.
 */
export type DiskSince = 'as-written' | 'damaged' | 'forgetful'

/** What a member told leaders to be durable in its log, by their term: up to the last of these. */
export interface Acknowledged {
  /** While it kept its promises. */
  readonly kept: Map<Term, Link>
  /** While it had lost them; with a barrier among it that was committed, that counts too. */
  readonly recovering: Map<Term, Link>
}

/** The same of a life whose promises were lost afterwards. */
export interface Forgotten extends Acknowledged {
  readonly barriers: readonly LogPosition[]
}

/** A configuration that a member goes by, and the entry or the position that brought it. */
export interface Followed {
  readonly index: Index
  configuration: CompleteConfiguration
}

/** A state of another member on its way into the place of its own. */
export interface Installing {
  readonly position: LogPosition
  /** Undefined: the log stays. */
  readonly hardState: HardState | undefined
}

/** A state on disk, or on its way there. */
export interface WrittenState extends LogPosition {
  readonly revision: Revision
  readonly digest: Digest
}

const NOBODY_KNOWN: Followed = { index: 0, configuration: completeConfiguration({ voters: [] }) }

export class MemberView {
  readonly name: string
  id: NodeId = 0
  /** Lives so far. */
  lives = 0

  // On disk.
  hardState: HardState = { term: 0, vote: 0 }
  /** The link at its index; those before `base` are of the time when they were there. */
  readonly log: Link[] = [ROOT]
  base: Index = 0
  writing: BegunWrite | undefined
  state: WrittenState = { index: 0, term: 0, revision: 1, digest: EMPTY_DIGEST }
  stateWriting: WrittenState | undefined
  /** It has no state, and waits for one. */
  awaitsState = false
  disk: DiskSince = 'as-written'
  /** A state of another member that is to take the place of its own; durable or not. */
  installing: Installing | undefined
  /** How often it came back without its promises. */
  losses = 0
  /** It has not heard yet that it counts again. */
  promisesLost = false
  /** So it stands on its disk. */
  promisesLostOnDisk = false
  /** Since it lost them last: the entries that leaders appended for it. With one of them, committed, it counts again. */
  barriers: LogPosition[] = []
  /** Since it lost them last. */
  acknowledged: Acknowledged = { kept: new Map(), recovering: new Map() }
  /** Before it lost them, each time. */
  readonly forgotten: Forgotten[] = []

  // In memory.
  /** By what it says: what it began with, and what came behind it; the last one is in force. */
  configurations: Followed[] = [NOBODY_KNOWN]
  /** Its log is to begin behind this index, with the configuration that is in force there. */
  resetsAt: Index | undefined
  role: Role = 'follower'
  /** The last term that it led. */
  ledTerm: Term = 0
  /** What it must have in its log as the leader of that term; undefined once that was looked at. */
  owed: Link | undefined
  /** Since the last write began, entries from here on were dropped from memory. */
  truncatedFrom: Index = Infinity
  commitIndex: Index = 0
  appliedIndex: Index = 0
  revision: Revision = 1
  compactRevision: Revision = 0

  constructor(name: string) {
    this.name = name
  }

  /** What it goes by. */
  get followed(): Followed {
    return this.configurations.at(-1) ?? NOBODY_KNOWN
  }

  /** The last entry on disk. */
  get last(): Link {
    return this.log[this.log.length - 1] ?? ROOT
  }

  /** Whether its disk holds `link`, and with it everything before. */
  holds(link: Link): boolean {
    return this.log[link.index] === link
  }
}
