/** From the events of a run to what its timeline shows: rows, and the shapes that a row alone does not give. */
import type { RaftEventType } from '../../raft/trace.js'
import { describeFault, faultMs, membersOf } from './describe-fault.js'
import { TIMELINE_KINDS, kindNumber, kindOf } from './timeline-kinds.js'
import type {
  Band,
  BandState,
  CallShape,
  FaultShape,
  MarkShape,
  TimelineData,
  TimelineRow,
} from './page/timeline-data.js'
import { outcomeOf } from './run-record.js'
import type { RecordedEvent, RunRecord } from './run-record.js'
import { isPlenty } from './run-recorder.js'
import { rowOf } from './transcript.js'
import { MessagePaths } from './message-paths.js'

/** Calls that last at the same time at one member are drawn beside each other, up to so many. */
const TRACKS_MAX = 4

/** What a member is after a decision. */
const STATES: Readonly<Partial<Record<RaftEventType, BandState>>> = {
  'became-follower': 'follower',
  'became-pre-candidate': 'pre-candidate',
  'became-candidate': 'candidate',
  'became-leader': 'leader',
}

/** Decisions by which a member that has just started shows itself a follower of a term it knew before. */
const SHOWS_TERM: readonly RaftEventType[] = ['leader-changed', 'vote-granted']

export function timelineData(record: RunRecord): TimelineData {
  return new Shapes(record).data()
}

class Shapes {
  readonly #record: RunRecord
  readonly #lanes: ReadonlyMap<string, number>
  readonly #words = new Map<string, number>()
  readonly #rows: TimelineRow[] = []
  readonly #bands: Band[] = []
  readonly #pauses: (readonly [number, number, number])[] = []
  readonly #faults: FaultShape[] = []
  readonly #calls: CallShape[] = []
  readonly #marks: MarkShape[] = []
  readonly #paths: MessagePaths
  /** What each member is at the moment, since when. */
  readonly #now: { state: BandState; term: number; sinceMs: number; pausedMs: number | undefined }[]
  readonly #openFaults = new Map<string, { row: number; fromMs: number }>()
  readonly #openCalls = new Map<string, { row: number; lane: number; track: number; fromMs: number }>()
  readonly #tracks: (string | undefined)[][]

  constructor(record: RunRecord) {
    this.#record = record
    this.#lanes = new Map(record.members.map((name, at) => [name, at]))
    this.#paths = new MessagePaths(this.#lanes)
    this.#now = record.members.map(() => ({ state: 'down', term: 0, sinceMs: 0, pausedMs: undefined }))
    this.#tracks = record.members.map(() => [])
  }

  data(): TimelineData {
    const { members, endMs, events, violation } = this.#record
    let violationRow = -1
    for (const event of events) {
      if (violationRow === -1 && violation !== undefined && event.atMs > violation.atMs)
        violationRow = this.#violation()
      this.#take(event)
    }
    if (violationRow === -1 && violation !== undefined) violationRow = this.#violation()
    this.#close()
    return {
      members,
      endMs,
      messagesFromMs: this.#record.omitted === 0 ? 0 : (events.find(isPlenty)?.atMs ?? endMs),
      violation: violation === undefined ? null : { ...violation, row: violationRow },
      kinds: Object.values(TIMELINE_KINDS),
      words: [...this.#words.keys()],
      rows: this.#rows,
      bands: this.#bands,
      pauses: this.#pauses,
      faults: this.#faults,
      messages: this.#paths.shapes((row, words) => this.#append(row, words)),
      calls: this.#calls,
      marks: this.#marks,
    }
  }

  #take(event: RecordedEvent): void {
    // What became of a message stands in the row of its sending.
    if (event.subject === 'message' && this.#paths.takes(event, this.#rows.length)) return
    const row = this.#addRow(event)
    switch (event.subject) {
      case 'process':
        this.#process(event)
        this.#mark(event, row, event.node, 'sign')
        return
      case 'decision':
        this.#decision(event)
        this.#mark(event, row, event.node, event.event.type === 'commit-advanced' ? 'tick' : 'sign')
        return
      case 'member':
        this.#mark(event, row, event.node, event.event === 'applied' ? 'dot' : 'sign')
        return
      case 'disk':
        this.#mark(event, row, event.node, 'tick')
        return
      case 'fault':
        this.#fault(event, row)
        return
      case 'call':
        this.#call(event, row)
        return
      case 'message':
        return
    }
  }

  #violation(): number {
    const { atMs = 0, message = '' } = this.#record.violation ?? {}
    const text = message.split('\n', 1).join('')
    return this.#rows.push([atMs, kindNumber('violation'), this.#word('✖'), this.#word('violation'), text]) - 1
  }

  #addRow(event: RecordedEvent): number {
    const { atMs, who, what, detail } = rowOf(event, this.#record)
    return this.#rows.push([atMs, kindNumber(kindOf(event)), this.#word(who), this.#word(what), detail]) - 1
  }

  #append(row: number, words: string): void {
    const [atMs, kind, who, what, detail] = this.#rows[row] as TimelineRow
    this.#rows[row] = [atMs, kind, who, what, `${detail}  ${words}`]
  }

  #mark(event: RecordedEvent, row: number, node: string, sign: MarkShape[4]): void {
    const lane = this.#lanes.get(node)
    if (lane !== undefined) this.#marks.push([row, kindNumber(kindOf(event)), lane, event.atMs, sign])
  }

  #process({ node, event, atMs }: Extract<RecordedEvent, { subject: 'process' }>): void {
    const lane = this.#lanes.get(node)
    if (lane === undefined) return
    if (event === 'start') this.#become(lane, 'starting', 0, atMs)
    if (event === 'crash' || event === 'stopped' || event === 'failed') this.#become(lane, 'down', 0, atMs)
    const now = this.#now[lane]
    if (now === undefined) return
    if (event === 'pause') now.pausedMs ??= atMs
    if (event === 'resume' || event === 'crash') this.#endPause(lane, atMs)
    if (event === 'crash') this.#forgetCalls(lane, atMs)
  }

  #decision({ node, event, atMs }: Extract<RecordedEvent, { subject: 'decision' }>): void {
    const lane = this.#lanes.get(node)
    const state = STATES[event.type]
    if (lane === undefined || !('term' in event)) return
    if (state !== undefined) this.#become(lane, state, event.term, atMs)
    else if (SHOWS_TERM.includes(event.type) && this.#now[lane]?.state === 'starting') {
      this.#become(lane, 'follower', event.term, atMs)
    }
  }

  #become(lane: number, state: BandState, term: number, atMs: number): void {
    const now = this.#now[lane]
    if (now === undefined || (now.state === state && now.term === term)) return
    if (atMs > now.sinceMs) this.#bands.push([lane, now.sinceMs, atMs, now.state, now.term])
    now.state = state
    now.term = term
    now.sinceMs = atMs
  }

  #endPause(lane: number, atMs: number): void {
    const now = this.#now[lane]
    if (now?.pausedMs === undefined) return
    this.#pauses.push([lane, now.pausedMs, atMs])
    now.pausedMs = undefined
  }

  #fault({ fault, event, atMs }: Extract<RecordedEvent, { subject: 'fault' }>, row: number): void {
    const key = JSON.stringify(fault)
    if (event === 'begin') {
      this.#openFaults.set(key, { row, fromMs: atMs })
      return
    }
    // One whose beginning was left out began before everything that is here.
    const open = this.#openFaults.get(key) ?? { row, fromMs: 0 }
    this.#openFaults.delete(key)
    this.#faults.push([open.row, this.#lanesOf(fault), open.fromMs, atMs, describeFault(fault)])
  }

  #lanesOf(fault: Parameters<typeof membersOf>[0]): number[] {
    return membersOf(fault, this.#record.members).flatMap((name) => this.#lanes.get(name) ?? [])
  }

  #call({ node, event, id, atMs, detail }: Extract<RecordedEvent, { subject: 'call' }>, row: number): void {
    const lane = this.#lanes.get(node)
    if (lane === undefined) return
    const key = `${node} ${id}`
    const tracks = this.#tracks[lane] ?? []
    if (event === 'invoke') {
      const free = tracks.indexOf(undefined)
      const track = free === -1 ? Math.min(tracks.length, TRACKS_MAX - 1) : free
      tracks[track] = key
      this.#openCalls.set(key, { row, lane, track, fromMs: atMs })
      return
    }
    const open = this.#openCalls.get(key)
    if (open === undefined) return
    this.#openCalls.delete(key)
    if (tracks[open.track] === key) tracks[open.track] = undefined
    this.#calls.push([open.row, lane, open.track, open.fromMs, atMs, outcomeOf(detail)])
  }

  /** Nobody will hear of the calls of a process that is gone. */
  #forgetCalls(lane: number, atMs: number): void {
    for (const [key, open] of this.#openCalls) {
      if (open.lane !== lane) continue
      this.#openCalls.delete(key)
      this.#calls.push([open.row, lane, open.track, open.fromMs, atMs, 'open'])
    }
    this.#tracks[lane] = []
  }

  /** What is still under way at the end goes on until there. */
  #close(): void {
    const { endMs } = this.#record
    this.#now.forEach(({ state, term, sinceMs }, lane) => {
      this.#bands.push([lane, sinceMs, endMs, state, term])
      this.#endPause(lane, endMs)
    })
    for (const [key, { row, fromMs }] of this.#openFaults) {
      const fault = JSON.parse(key) as Parameters<typeof membersOf>[0]
      const toMs = Math.min(endMs, fromMs + faultMs(fault))
      this.#faults.push([row, this.#lanesOf(fault), fromMs, toMs, describeFault(fault)])
    }
    for (const { row, lane, track, fromMs } of this.#openCalls.values()) {
      this.#calls.push([row, lane, track, fromMs, endMs, 'open'])
    }
  }

  #word(text: string): number {
    const known = this.#words.get(text)
    if (known !== undefined) return known
    this.#words.set(text, this.#words.size)
    return this.#words.size - 1
  }
}
