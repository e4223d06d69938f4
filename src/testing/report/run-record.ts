/** What is kept of a run for people to read: events in their order, what the run was, and what it came to. */
import type { RaftEvent } from '../../raft/trace.js'
import type { Channel } from '../../transport/transport.js'
import type { NetworkEvent } from '../sim/sim-network.js'
import type { WorldEvent } from '../sim/world-event.js'
import type { FrameText } from './describe-frame.js'

export type RecordedEvent = {
  /** Grows by one with each event of the run, those left out included. */
  readonly order: number
  readonly atMs: number
} & (
  | {
      readonly subject: 'message'
      readonly event: NetworkEvent['type']
      readonly from: string
      readonly to: string
      readonly frameKind: number
      readonly channel: Channel
      /** Of this kind and channel, from there to there: with them it names one message of the run. */
      readonly nth: number
      readonly frame: FrameText
    }
  | Extract<WorldEvent, { subject: 'process' | 'disk' | 'fault' | 'call' }>
  /** What the core decided. */
  | { readonly subject: 'decision'; readonly node: string; readonly event: RaftEvent }
  /** What the member around it did. */
  | { readonly subject: 'member'; readonly node: string; readonly event: string; readonly detail: string }
)

export type Subject = RecordedEvent['subject']

export interface Violation {
  readonly atMs: number
  /** What was to hold, and the numbers that show it did not. */
  readonly message: string
}

/** What a report says on top. */
export interface Headline {
  readonly seed: number
  /** `ok`, or the class of the failure: an invariant, linearizability, liveness, ... */
  readonly verdict: string
  readonly faults: number
  readonly operations: number
  /** The command that runs it again. */
  readonly replay: string
}

export interface RunRecord {
  readonly headline: Headline
  readonly members: readonly string[]
  /** Which member the numbers in decisions mean. */
  readonly names: ReadonlyMap<number, string>
  readonly events: readonly RecordedEvent[]
  /** Events that were left out, all of them before those of their subject that are here. */
  readonly omitted: number
  readonly endMs: number
  readonly violation: Violation | undefined
}

export type CallOutcome = 'ok' | 'refused' | 'unknown'

/** The first word of what a call returned with says how it ended. */
export function outcomeOf(detail: string): CallOutcome {
  const word = /^\w+/.exec(detail)?.[0]
  return word === 'ok' || word === 'refused' ? word : 'unknown'
}
