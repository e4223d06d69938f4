/**
 * Listens to a run and keeps what its reports need.
 *
 *     const recorder = new RunRecorder({ members: ['a', 'b', 'c'] })
 *     await runPlan(plan, { observe: (event) => recorder.world(event) })
 *     const record = recorder.record({ seed, verdict, ... }, violation)
 *     writeFileSync('run.html', timelinePage(record))
 *
 * Always: memory is bounded. Of messages and of what disks and members do, which is most of a run, the last is kept; and
 * apart from that the last of everything else, so that what messages there were cannot push out who led when.
 */
import type { WorldEvent } from '../sim/world-event.js'
import { describeFrame } from './describe-frame.js'
import type { FrameText } from './describe-frame.js'
import { describeMemberEvent } from './describe-member-event.js'
import type { Headline, RecordedEvent, RunRecord, Violation } from './run-record.js'

export interface RunRecorderOptions {
  readonly members: readonly string[]
  /** Of the two groups of events, how many of each are kept. Default 100,000. */
  readonly eventsMax?: number
}

const EVENTS_MAX = 100_000
/** Messages whose content is remembered until they arrive; more are not on their way at once. */
const FRAMES_MAX = 20_000

/** An event without its number in the order. */
type Content = RecordedEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'order'> : never) : never

export class RunRecorder {
  readonly #members: readonly string[]
  /** By the ids that members have in each other's messages, as each tells its own when it starts. */
  readonly #names = new Map<number, string>()
  readonly #plenty: LastOnes
  readonly #telling: LastOnes
  /** By sender, receiver, kind and number: in two generations, of which the older one is forgotten as a whole. */
  #frames = new Map<string, FrameText>()
  #olderFrames: ReadonlyMap<string, FrameText> = new Map<string, FrameText>()
  #order = 0
  #endMs = 0

  constructor({ members, eventsMax = EVENTS_MAX }: RunRecorderOptions) {
    if (!Number.isSafeInteger(eventsMax) || eventsMax < 1) {
      throw new RangeError(`eventsMax is ${eventsMax}; it must be a whole number of at least 1`)
    }
    this.#members = [...members]
    this.#plenty = new LastOnes(eventsMax)
    this.#telling = new LastOnes(eventsMax)
  }

  /** Takes what a world tells its observer. */
  world(event: WorldEvent): void {
    switch (event.subject) {
      case 'network':
        return this.#network(event)
      case 'member':
        return this.#member(event)
      case 'disk':
      case 'process':
      case 'fault':
      case 'call':
        return this.#keep(event)
    }
  }

  /** What was recorded until now. Give the violation if there was one. */
  record(headline: Headline, violation?: Violation): RunRecord {
    const events = [...this.#plenty.items, ...this.#telling.items].sort((a, b) => a.order - b.order)
    return {
      headline,
      members: this.#members,
      names: new Map(this.#names),
      events,
      omitted: this.#order - events.length,
      endMs: Math.max(this.#endMs, violation?.atMs ?? 0),
      violation,
    }
  }

  #network({ atMs, event, bytes }: Extract<WorldEvent, { subject: 'network' }>): void {
    const { type, from, to, kind, nth, channel } = event
    const name = `${from} ${to} ${channel} ${kind} ${nth}`
    let frame = type === 'sent' ? undefined : (this.#frames.get(name) ?? this.#olderFrames.get(name))
    frame ??= describeFrame(kind, bytes)
    if (type === 'sent') this.#remember(name, frame)
    this.#keep({
      subject: 'message',
      atMs,
      event: type,
      from,
      to,
      frameKind: kind,
      channel,
      nth,
      frame,
    })
  }

  #member({ atMs, node, event }: Extract<WorldEvent, { subject: 'member' }>): void {
    if (event.type === 'decided') {
      return this.#keep({ subject: 'decision', node, atMs, event: event.event })
    }
    if (event.type === 'recovered') this.#names.set(event.member, event.name)
    const detail = describeMemberEvent(event, this.#names)
    if (detail !== undefined) this.#keep({ subject: 'member', node, atMs, event: event.type, detail })
  }

  #remember(name: string, frame: FrameText): void {
    if (this.#frames.size === FRAMES_MAX) {
      this.#olderFrames = this.#frames
      this.#frames = new Map()
    }
    this.#frames.set(name, frame)
  }

  #keep(content: Content): void {
    this.#endMs = Math.max(this.#endMs, content.atMs)
    const group = isPlenty(content) ? this.#plenty : this.#telling
    group.push({ ...content, order: this.#order++ })
  }
}

/** Whether an event is one of the many, of which the last are kept apart from all others. */
export function isPlenty(event: Content): boolean {
  switch (event.subject) {
    case 'message':
    case 'disk':
    case 'member':
      return true
    case 'decision':
      return event.event.type === 'commit-advanced' || event.event.type === 'write-durable'
    case 'process':
    case 'fault':
    case 'call':
      return false
  }
}

/** The last so many of the events it was given. */
class LastOnes {
  readonly #max: number
  readonly #items: RecordedEvent[] = []

  constructor(max: number) {
    this.#max = max
  }

  get items(): readonly RecordedEvent[] {
    return this.#items.slice(-this.#max)
  }

  push(item: RecordedEvent): void {
    // Moved rarely, by many at a time.
    if (this.#items.length === 2 * this.#max) this.#items.splice(0, this.#max)
    this.#items.push(item)
  }
}
