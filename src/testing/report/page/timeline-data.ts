/**
 * What the script of the timeline is given: rows to read and shapes to draw. Plain data, and short, since it stands in the
 * page as JSON: shapes are tuples, names that repeat are indexes.
 *
 * Always: every shape knows its row, by its index; rows and messages are in the order of time.
 */
import type { ColorName } from '../page-style.js'

export interface TimelineData {
  readonly members: readonly string[]
  readonly endMs: number
  /** Messages before this time were not kept; 0: all were. */
  readonly messagesFromMs: number
  readonly violation: { readonly atMs: number; readonly message: string; readonly row: number } | null
  /** What can be shown and hidden, in the order of the legend. */
  readonly kinds: readonly TimelineKind[]
  readonly words: readonly string[]
  readonly rows: readonly TimelineRow[]
  readonly bands: readonly Band[]
  readonly pauses: readonly (readonly [lane: number, fromMs: number, toMs: number])[]
  readonly faults: readonly FaultShape[]
  readonly messages: readonly MessageShape[]
  readonly calls: readonly CallShape[]
  readonly marks: readonly MarkShape[]
}

export interface TimelineKind {
  readonly name: string
  readonly color: ColorName
  /** Of the line of a message; empty for a full one. */
  readonly dash: readonly number[]
  /** What the legend draws. */
  readonly sign: 'arrow' | 'mark' | 'tick' | 'bar' | 'shade' | 'line'
  /** Hidden until asked for. */
  readonly hidden: boolean
}

/** `who` and `what` are indexes into `words`. */
export type TimelineRow = readonly [atMs: number, kind: number, who: number, what: number, detail: string]

/** What a member is for a while. */
export type BandState = 'down' | 'starting' | 'follower' | 'pre-candidate' | 'candidate' | 'leader'
/** Term 0: not known. */
export type Band = readonly [lane: number, fromMs: number, toMs: number, state: BandState, term: number]

export type FaultShape = readonly [row: number, lanes: readonly number[], fromMs: number, toMs: number, label: string]

export type Fate = 'arrived' | 'arrived-again' | 'lost' | 'refused' | 'on-the-way'
export type MessageShape = readonly [
  row: number,
  kind: number,
  from: number,
  to: number,
  sentMs: number,
  endMs: number,
  fate: Fate,
]

/** `track`: calls at one time at one member lie beside each other. */
export type CallShape = readonly [
  row: number,
  lane: number,
  track: number,
  fromMs: number,
  toMs: number,
  outcome: 'ok' | 'refused' | 'unknown' | 'open',
]

/** `high`: above the band; else below it. */
export type MarkShape = readonly [row: number, kind: number, lane: number, atMs: number, sign: 'tick' | 'dot' | 'sign']
