/**
 * Judges a crash run by its history: the changes of the store in revision order, against what each client was told.
 *
 * Every answer carries the revision it was given at, so the order in which the calls took effect is known, and checking it
 * takes one pass: each answer must be right at its revision, and revisions must not contradict real time.
 */
import { AssertionError } from '../../src/base/assert.js'
import type { WatchEvent } from '../../src/api/store.js'

/** What became of a call: `pending` is what a crash of the caller's process leaves. */
export type CallOutcome = 'ok' | 'refused' | 'unknown' | 'pending'

export interface Recorded {
  readonly type: 'put' | 'swap' | 'pair' | 'attach' | 'read' | 'delete'
  readonly member: string
  readonly key: string
  /** What it writes, or what it read; undefined for a deletion and for a key that does not exist. */
  value: string | undefined
  /** What a transaction writes besides. */
  readonly otherValue: string | undefined
  readonly invokedMs: number
  returnedMs: number | undefined
  outcome: CallOutcome
  /** Of the write, or at which it was read. */
  revision: number | undefined
  /** A swap whose compare did not hold wrote nothing; a deletion may find nothing. */
  changed: boolean
}

export interface Watched {
  /** Whose and which. */
  readonly name: string
  readonly wants: (event: WatchEvent) => boolean
  readonly events: readonly WatchEvent[]
}

/** Throws AssertionError naming what was promised and not kept. `events` is everything from revision 2 on, in order. */
export function checkHistory(
  events: readonly WatchEvent[],
  calls: readonly Recorded[],
  watches: readonly Watched[],
): void {
  checkOrder(events)
  const places = placesOf(events)
  for (const call of calls) checkEffect(call, places)
  checkReads(events, calls)
  checkRealTime(calls)
  for (const watched of watches) checkWatch(watched, events)
}

/** Which revision wrote a value. */
type Places = ReadonlyMap<string, WatchEvent>

function checkOrder(events: readonly WatchEvent[]): void {
  let last = 1
  for (const { revision } of events) {
    if (revision !== last && revision !== last + 1) violation(`history goes from revision ${last} to ${revision}`)
    last = revision
  }
}

function placesOf(events: readonly WatchEvent[]): Places {
  const places = new Map<string, WatchEvent>()
  for (const event of events) {
    if (event.type !== 'put') continue
    const value = event.keyValue.text()
    const before = places.get(value)
    if (before !== undefined)
      violation(`${value} was written twice, at revisions ${before.revision} and ${event.revision}`)
    places.set(value, event)
  }
  return places
}

/** R22: what was acknowledged is there, exactly once; what was refused is not. */
function checkEffect(call: Recorded, places: Places): void {
  if (call.type === 'read' || call.type === 'delete') return
  const written = places.get(call.value ?? '')
  if (call.outcome === 'ok' && call.changed && written?.revision !== call.revision) {
    violation(`${describe(call)} was acknowledged at revision ${call.revision}, history has it at ${written?.revision}`)
  }
  // All of a transaction, or nothing, whatever its caller was told.
  if (call.otherValue !== undefined && places.get(call.otherValue)?.revision !== written?.revision) {
    const other = places.get(call.otherValue)?.revision
    violation(`half of ${describe(call)} is at revision ${written?.revision}, the other half at ${other}`)
  }
  const mustBeAbsent = call.outcome === 'refused' || (call.outcome === 'ok' && !call.changed)
  if (mustBeAbsent && written !== undefined) {
    violation(`${describe(call)} had no effect by its answer, history has it at ${written.revision}`)
  }
}

/** A read is what the last change of its key up to its revision made it. */
function checkReads(events: readonly WatchEvent[], calls: readonly Recorded[]): void {
  const reads = calls.filter(({ type, outcome }) => type === 'read' && outcome === 'ok')
  reads.sort((a, b) => (a.revision ?? 0) - (b.revision ?? 0))
  const values = new Map<string, string | undefined>()
  let next = 0
  for (const read of reads) {
    for (; (events[next]?.revision ?? Infinity) <= (read.revision ?? 0); next++) {
      const event = events[next]
      if (event !== undefined) values.set(event.key, event.type === 'put' ? event.keyValue.text() : undefined)
    }
    if (values.get(read.key) !== read.value) {
      violation(`${describe(read)} at revision ${read.revision} saw ${read.value}, history has ${values.get(read.key)}`)
    }
  }
}

/** Linearizability by witness: who was called after another had its answer has no smaller revision; a change, a greater one. */
function checkRealTime(calls: readonly Recorded[]): void {
  const done = calls.filter(({ outcome }) => outcome === 'ok')
  const byReturn = [...done].sort((a, b) => (a.returnedMs ?? 0) - (b.returnedMs ?? 0))
  const byInvocation = [...done].sort((a, b) => a.invokedMs - b.invokedMs)
  let next = 0
  let newest: Recorded | undefined
  for (const call of byInvocation) {
    for (; (byReturn[next]?.returnedMs ?? Infinity) < call.invokedMs; next++) {
      const returned = byReturn[next]
      if ((returned?.revision ?? 0) > (newest?.revision ?? 0)) newest = returned
    }
    if (newest === undefined) continue
    const least = (newest.revision ?? 0) + (call.changed && call.type !== 'read' ? 1 : 0)
    if ((call.revision ?? 0) < least) {
      violation(
        `${describe(call)} is at revision ${call.revision}, though ${describe(newest)} had ${newest.revision} before`,
      )
    }
  }
}

/** R20: what a watch saw is all of history that it wants, without gap, doubling or disorder. */
function checkWatch({ name, wants, events: seen }: Watched, events: readonly WatchEvent[]): void {
  const expected = events.filter(wants)
  for (let at = 0; at < Math.max(seen.length, expected.length); at++) {
    const [mine, theirs] = [seen[at], expected[at]]
    if (mine !== undefined && theirs !== undefined && sameEvent(mine, theirs)) continue
    violation(`${name} saw ${describeEvent(mine)} where history has ${describeEvent(theirs)}`)
  }
}

function sameEvent(a: WatchEvent, b: WatchEvent): boolean {
  return a.revision === b.revision && a.key === b.key && a.type === b.type && textOf(a) === textOf(b)
}

function textOf(event: WatchEvent): string | undefined {
  return event.type === 'put' ? event.keyValue.text() : undefined
}

function describeEvent(event: WatchEvent | undefined): string {
  return event === undefined ? 'nothing' : `${event.type} ${event.key} at ${event.revision}`
}

function describe({ type, key, value, member, invokedMs }: Recorded): string {
  return `${type} ${key} ${value ?? ''} by a client of ${member} at ${invokedMs.toFixed(3)} ms`
}

function violation(what: string): never {
  throw new AssertionError(`history violated: ${what}`)
}
