/** Puts together what a network told of each message: when it was sent, and when it arrived or what became of it. */
import { describeMs } from './describe-time.js'
import { kindNumber, kindOf } from './timeline-kinds.js'
import type { Fate, MessageShape } from './page/timeline-data.js'
import type { RecordedEvent } from './run-record.js'

type MessageEvent = Extract<RecordedEvent, { subject: 'message' }>

interface Path {
  readonly row: number
  readonly sent: MessageEvent
  readonly ends: { readonly atMs: number; readonly fate: Fate; readonly word: string }[]
}

/** What ends a message's way. Undefined: it only tells how a message travels, or that it did not set out. */
const ENDS: Readonly<Record<MessageEvent['event'], Fate | undefined>> = {
  sent: undefined,
  overflow: undefined,
  duplicated: undefined,
  reordered: undefined,
  delivered: 'arrived',
  lost: 'lost',
  cut: 'lost',
  reset: 'lost',
  flipped: 'refused',
  undeliverable: 'refused',
}

export class MessagePaths {
  readonly #lanes: ReadonlyMap<string, number>
  readonly #paths: Path[] = []
  readonly #byName = new Map<string, Path>()

  constructor(lanes: ReadonlyMap<string, number>) {
    this.#lanes = lanes
  }

  /** True: it belongs to a message that has a row. False: it needs one of its own, which will be `row`. */
  takes(event: MessageEvent, row: number): boolean {
    const name = `${event.from} ${event.to} ${event.channel} ${event.frameKind} ${event.nth}`
    if (event.event === 'sent') {
      const path: Path = { row, sent: event, ends: [] }
      this.#paths.push(path)
      this.#byName.set(name, path)
      return false
    }
    const path = this.#byName.get(name)
    if (path === undefined) return event.event !== 'overflow'
    const fate = ENDS[event.event]
    if (fate === undefined) return event.event !== 'overflow'
    const again = fate === 'arrived' && path.ends.some((end) => end.fate === 'arrived')
    path.ends.push({ atMs: event.atMs, fate: again ? 'arrived-again' : fate, word: event.event })
    return true
  }

  /** `tell` gets the words to add to the row of each message. */
  shapes(tell: (row: number, words: string) => void): MessageShape[] {
    const usualMs = this.#usualMs()
    return this.#paths.flatMap(({ row, sent, ends }) => {
      const from = this.#lanes.get(sent.from)
      const to = this.#lanes.get(sent.to)
      if (from === undefined || to === undefined) return []
      const kind = kindNumber(kindOf(sent))
      if (ends.length === 0) {
        tell(row, '→ on its way')
        return [[row, kind, from, to, sent.atMs, sent.atMs + usualMs, 'on-the-way'] as const]
      }
      tell(row, `→ ${ends.map(({ atMs, fate, word }) => words(atMs - sent.atMs, fate, word)).join(', ')}`)
      return ends.map(({ atMs, fate }): MessageShape => {
        // One that is lost at once is drawn as if it had been on its way for a while: else there would be nothing to see.
        const endMs = fate === 'lost' ? Math.max(atMs, sent.atMs + usualMs) : atMs
        return [row, kind, from, to, sent.atMs, endMs, fate]
      })
    })
  }

  /** The median of how long messages take. */
  #usualMs(): number {
    const times = this.#paths.flatMap(({ sent, ends }) =>
      ends.filter(({ fate }) => fate === 'arrived').map(({ atMs }) => atMs - sent.atMs),
    )
    times.sort((a, b) => a - b)
    return times[times.length >> 1] ?? 1
  }
}

function words(tookMs: number, fate: Fate, word: string): string {
  switch (fate) {
    case 'arrived':
      return `arrives after ${describeMs(tookMs)}`
    case 'arrived-again':
      return `and again after ${describeMs(tookMs)}`
    case 'lost':
    case 'refused':
    case 'on-the-way':
      return tookMs === 0 ? word : `${word} after ${describeMs(tookMs)}`
  }
}
