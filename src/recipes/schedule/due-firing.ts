/**
 * Which firing of a job is due, and what is decided once it is begun. Pure.
 *
 * Always: a firing is named by the time at which it is due, never by when somebody got to it. What is decided is a time up to
 * which every firing is, and so none is begun twice, whatever the clocks of those say who begin them.
 *
 *              skipped                                                     upTo
 *     ────────(●───●───●───)●────────────●────────────●────────────────────●┊──────── ○ ──────── ○
 *              never begun   begun and over                                  ┊ not decided
 *
 * Always: what was left out on the way is written down (`skipped`), and only what is in there may be begun below `upTo`. A
 * clock that is a day ahead begins the firing of tomorrow and leaves out a day; with `upTo` alone, nothing would fire until
 * tomorrow, and nobody would know. Whoever sees that by its own clock these firings had yet to come when they were left out,
 * begins them in their time. It may be wrong, its clock being the one that is behind: then a firing that was left out comes
 * late, but none comes twice.
 *
 * Not here: the too early firing of the clock that is ahead. Nothing in the store tells which of two clocks is right.
 */
import { LIMITS } from '../../base/limits.js'
import type { Schedule } from './schedule.js'

/** What becomes of firings that were due while none could begin; `graceMs` is set with `skip`. */
export type MissedPolicy =
  { readonly type: 'latest' } | { readonly type: 'all' } | { readonly type: 'skip'; readonly graceMs: number }

/** Firings between two times, both excluded. */
export interface Span {
  readonly afterMs: number
  readonly beforeMs: number
}

export interface Decided {
  readonly upToMs: number
  /** What was left out below, as far back as it is remembered: the last `LIMITS.jobSkippedSpansMax`, in their order. */
  readonly skipped: readonly Span[]
}

/** What this process saw of the spans that were left out, by its own clock. */
export interface Sightings {
  /** The lowest time that the clock showed since the span was seen first. */
  lowestMs(span: Span): number
}

export interface DueFiring {
  readonly scheduledMs: number
  /** As it is once this firing is begun. */
  readonly decided: Decided
}

/** What is decided when a job is started for the first time: nothing before is made up for. */
export function decidedAtStart(nowMs: number): Decided {
  const upToMs = Math.floor(nowMs)
  // Left out, and not only decided: where this clock is ahead, the others begin what they see come.
  return { upToMs, skipped: [{ afterMs: 0, beforeMs: upToMs }] }
}

/** The firing to begin now; undefined: none is due. */
export function dueFiring(
  schedule: Schedule,
  decided: Decided,
  missed: MissedPolicy,
  nowMs: number,
  sightings: Sightings,
): DueFiring | undefined {
  const { upToMs, skipped } = decided
  for (const [at, span] of skipped.entries()) {
    const open = openPart(span, sightings)
    if (open === undefined) continue
    const scheduledMs = pick(schedule, missed, open.afterMs, Math.min(nowMs, open.beforeMs - 1), nowMs)
    if (scheduledMs === undefined) continue
    const rest = { afterMs: scheduledMs, beforeMs: span.beforeMs }
    return {
      scheduledMs,
      decided: {
        upToMs,
        skipped: spans(schedule, skipped.slice(0, at), span.afterMs, scheduledMs, [rest, ...skipped.slice(at + 1)]),
      },
    }
  }
  const scheduledMs = pick(schedule, missed, upToMs, nowMs, nowMs)
  if (scheduledMs === undefined) return undefined
  return { scheduledMs, decided: { upToMs: scheduledMs, skipped: spans(schedule, skipped, upToMs, scheduledMs, []) } }
}

/** When, by the clock that shows `nowMs`, the next firing will be due. */
export function nextFiringMs(
  schedule: Schedule,
  decided: Decided,
  nowMs: number,
  sightings: Sightings,
): number | undefined {
  const times = [schedule.next(Math.max(nowMs, decided.upToMs))]
  for (const span of decided.skipped) {
    const open = openPart(span, sightings)
    const time = open && schedule.next(Math.max(nowMs, open.afterMs))
    if (open !== undefined && time !== undefined && time < open.beforeMs) times.push(time)
  }
  return times.reduce((least, each) => (least === undefined || (each ?? Infinity) < least ? each : least))
}

/** Those before, what is left out between the two times, and those after: the last ones of them. */
function spans(
  schedule: Schedule,
  before: readonly Span[],
  afterMs: number,
  beforeMs: number,
  after: readonly Span[],
): readonly Span[] {
  const leftOut = (schedule.next(afterMs) ?? beforeMs) < beforeMs ? [{ afterMs, beforeMs }] : []
  return [...before, ...leftOut, ...after].slice(-LIMITS.jobSkippedSpansMax)
}

/** Of what was left out, that which had yet to come by the clock of this process, or had just come and not been begun. */
function openPart(span: Span, sightings: Sightings): Span | undefined {
  const lowestMs = sightings.lowestMs(span)
  // Clocks differ a little, and news take time: what lay ahead by so little was left out rightly.
  if (span.beforeMs - lowestMs <= LIMITS.jobClockToleranceMs) return undefined
  return { afterMs: Math.max(span.afterMs, lowestMs - LIMITS.jobClockToleranceMs), beforeMs: span.beforeMs }
}

/** The firing to begin of those after the one time and until the other. */
function pick(
  schedule: Schedule,
  missed: MissedPolicy,
  afterMs: number,
  untilMs: number,
  nowMs: number,
): number | undefined {
  const last = schedule.last(untilMs)
  if (last === undefined || last <= afterMs) return undefined
  switch (missed.type) {
    case 'latest':
      return last
    case 'skip':
      return nowMs - last <= missed.graceMs ? last : undefined
    case 'all':
      return oldestOf(schedule, afterMs, last)
  }
}

/** Of the last `LIMITS.jobMissedFiringsMax`, the first. */
function oldestOf(schedule: Schedule, afterMs: number, last: number): number {
  let oldest = last
  for (let count = 1; count < LIMITS.jobMissedFiringsMax; count++) {
    const before = schedule.last(oldest - 1)
    if (before === undefined || before <= afterMs) break
    oldest = before
  }
  return oldest
}
