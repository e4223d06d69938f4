/**
 * What happened in a run: a rolling hash of all of it and, if asked for, lines for people. Two runs of one seed must agree.
 *
 * Always: numbers are mixed into the hash as numbers; a line is built only for somebody who keeps it.
 */
import type { NetworkEvent } from './sim-network.js'

/** Numbers are part of every hash. */
const NETWORK_EVENTS: Readonly<Record<NetworkEvent['type'], number>> = {
  sent: 1,
  lost: 2,
  cut: 3,
  reordered: 4,
  duplicated: 5,
  delivered: 6,
  undeliverable: 7,
  overflow: 8,
  flipped: 9,
  reset: 10,
}

/** Part of every hash too. Main has no mark: hashes recorded before there were channels hold. */
const BULK = 0x62_75_6c_6b

/** What the trace looks at in the world. */
export interface TracedTime {
  readonly nowMs: number
  /** Events run so far. */
  readonly events: number
}

export class Trace {
  readonly #time: TracedTime
  readonly #lines: string[] | undefined
  /** Two halves: 64 bits, and no numbers beyond 32 in the arithmetic. */
  #high = 0x9e3779b9
  #low = 0x85ebca6b
  #count = 0

  constructor(time: TracedTime, keep: boolean) {
    this.#time = time
    this.#lines = keep ? [] : undefined
  }

  /** Something happened that words say. */
  note(what: string): void {
    this.#mixText(what)
    this.#count++
    this.#keep(what)
  }

  /** An event begins: when it was due, and how many were scheduled before it. */
  event(atUs: number, order: number): void {
    this.#mix(atUs)
    this.#mix(order)
  }

  network(event: NetworkEvent): void {
    const { type, from, to, kind, nth, bytes, channel } = event
    this.#mix(NETWORK_EVENTS[type])
    this.#mixText(from)
    this.#mixText(to)
    this.#mix(kind)
    this.#mix(nth)
    this.#mix(bytes)
    if (channel === 'bulk') this.#mix(BULK)
    this.#count++
    if (this.#lines !== undefined)
      this.#keep(`${from} → ${to}  ${type}  kind ${kind}  #${nth}  ${bytes} B${channel === 'bulk' ? '  bulk' : ''}`)
  }

  /** Of everything so far, with how much of it can be read. */
  get hash(): string {
    return `${hex(this.#high)}${hex(this.#low)}/${this.#count}`
  }

  /** Empty unless the lines are kept. Each begins with the time and the number of the event in which it happened. */
  get lines(): readonly string[] {
    return this.#lines ?? []
  }

  #keep(what: string): void {
    const { nowMs, events } = this.#time
    this.#lines?.push(`${nowMs.toFixed(3).padStart(12)} ${String(events).padStart(8)}  ${what}`)
  }

  #mixText(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at))
  }

  /** Whole numbers up to 2^53; each step is a bijection of what was there before. */
  #mix(value: number): void {
    const low = (this.#low ^ value) >>> 0
    const high = this.#high ^ (value / 0x1_0000_0000)
    this.#low = (Math.imul(low ^ (low >>> 15), 0x2c1b3c6d) + high) | 0
    this.#high = Math.imul(high ^ (high >>> 13), 0x297a2d39) ^ (this.#low >>> 16)
  }
}

/** Where two runs part: the first line that one has and the other has not in its place, and what came before in both. */
export interface Difference {
  readonly one: string | undefined
  readonly other: string | undefined
  readonly before: readonly string[]
}

const LINES_BEFORE = 5

/** Undefined when the runs are the same. Compares the kept lines, which show an event too many by their numbers. */
export function firstDifference(one: readonly string[], other: readonly string[]): Difference | undefined {
  const length = Math.max(one.length, other.length)
  for (let at = 0; at < length; at++) {
    if (one[at] === other[at]) continue
    return { one: one[at], other: other[at], before: one.slice(Math.max(0, at - LINES_BEFORE), at) }
  }
  return undefined
}

export function describeDifference({ one, other, before }: Difference): string {
  const line = (mark: string, text = '(the run has ended)'): string => `${mark} ${text}`
  return [...before.map((text) => line(' ', text)), line('1', one), line('2', other)].join('\n')
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, '0')
}
