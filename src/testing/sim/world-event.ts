/**
 * Everything that happens in a simulated world, as one stream: transcripts, timelines, coverage and checkers read it.
 *
 * Always: building an event costs nothing when nobody observes the world.
 */
import type { MemberEvent } from '../../member/event.js'
import type { Fault } from '../faults/fault.js'
import type { NetworkEvent } from './sim-network.js'

export type WorldEvent = { readonly atMs: number } & (
  | ({ readonly subject: 'network'; readonly bytes: Uint8Array | undefined } & { readonly event: NetworkEvent })
  | {
      /** A process starts, ends, stands still; or its program says something that is worth to be told. */
      readonly subject: 'process'
      readonly node: string
      readonly event:
        'start' | 'opened' | 'failed' | 'crash' | 'stop' | 'stopped' | 'pause' | 'resume' | 'lag' | ProgramEvent
      readonly detail: string
    }
  /** What the member itself says of its work (`observe` of `open()`). */
  | { readonly subject: 'member'; readonly node: string; readonly event: MemberEvent }
  | { readonly subject: 'disk'; readonly node: string; readonly event: string; readonly detail: string }
  | { readonly subject: 'fault'; readonly event: 'begin' | 'end'; readonly fault: Fault }
  | {
      readonly subject: 'call'
      readonly node: string
      readonly event: 'invoke' | 'return'
      readonly id: number
      readonly detail: string
    }
)

/** What the program of a user says, tells the outside world, reaches for the first time, or ends of. */
export type ProgramEvent = 'says' | 'reports' | 'reaches' | 'throws'
