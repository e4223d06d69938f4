/** A run made up by hand: an election, a write, a lost message, a crash, a call that nobody answers, a violation. */
import { encodeMessage } from '../../../src/member/wire/raft-codec.js'
import type { MemberEvent } from '../../../src/member/event.js'
import type { Message } from '../../../src/raft/message.js'
import type { RaftEvent } from '../../../src/raft/trace.js'
import type { Fault } from '../../../src/testing/faults/fault.js'
import type { Headline, RunRecord, Violation } from '../../../src/testing/report/run-record.js'
import { RunRecorder } from '../../../src/testing/report/run-recorder.js'
import type { NetworkEvent } from '../../../src/testing/sim/sim-network.js'
import type { WorldEvent } from '../../../src/testing/sim/world-event.js'

type Decision = RaftEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'node'> : never) : never
type Content = Message extends infer Each ? (Each extends unknown ? Omit<Each, 'from' | 'to'> : never) : never

/** As large as those of real members. */
export const IDS = { a: 1507792848115488, b: 4188567051881997, c: 6522303990361931 } as const
export type Name = keyof typeof IDS

export const HEADLINE: Headline = {
  seed: 7,
  verdict: 'invariant',
  faults: 2,
  operations: 2,
  replay: 'npm run sim -- --seed 7',
}

/** Tells a recorder what a world would, in the order of time. */
export class Teller {
  readonly #told: WorldEvent[] = []
  #nth = 0

  record(headline: Headline, violation?: Violation, eventsMax?: number): RunRecord {
    const recorder = new RunRecorder({ members: ['a', 'b', 'c'], ...(eventsMax === undefined ? {} : { eventsMax }) })
    this.#told.sort((one, other) => one.atMs - other.atMs)
    for (const event of this.#told) recorder.world(event)
    return recorder.record(headline, violation)
  }

  process(atMs: number, node: Name, event: Extract<WorldEvent, { subject: 'process' }>['event'], detail = ''): void {
    this.#told.push({ atMs, subject: 'process', node, event, detail })
  }

  recovered(atMs: number, node: Name): void {
    const digest = { high: 0, low: 0 }
    const event = {
      type: 'recovered',
      member: IDS[node],
      name: node,
      configuration: { voters: Object.values(IDS) },
      incarnation: 1,
      stored: { hardState: { term: 0, vote: 0 }, log: [] },
      applied: { index: 0, term: 0 },
      revision: 1,
      compactRevision: 0,
      digest,
      leases: [],
    } as unknown as MemberEvent
    this.#told.push({ atMs, subject: 'member', node, event })
  }

  decided(atMs: number, node: Name, decision: Decision): void {
    const event = { node: IDS[node], ...decision } as RaftEvent
    this.#told.push({ atMs, subject: 'member', node, event: { type: 'decided', event } })
  }

  /** `fates`: what becomes of it, and when. */
  message(atMs: number, from: Name, to: Name, content: Content, ...fates: [NetworkEvent['type'], number][]): void {
    const bytes = encodeMessage({ ...content, from: IDS[from], to: IDS[to] })
    const frame = { from, to, kind: 1, nth: this.#nth++, bytes: bytes.byteLength, channel: 'main' as const }
    this.#told.push({ atMs, subject: 'network', event: { type: 'sent', ...frame }, bytes })
    for (const [type, endMs] of fates) {
      this.#told.push({ atMs: endMs, subject: 'network', event: { type, ...frame }, bytes: undefined })
    }
  }

  fault(atMs: number, event: 'begin' | 'end', fault: Fault): void {
    this.#told.push({ atMs, subject: 'fault', event, fault })
  }

  call(atMs: number, node: Name, event: 'invoke' | 'return', id: number, detail: string): void {
    this.#told.push({ atMs, subject: 'call', node, event, id, detail })
  }
}

export function story(): RunRecord {
  const tell = new Teller()
  for (const node of ['a', 'b', 'c'] as const) {
    tell.process(0, node, 'start', 'life 1')
    tell.recovered(1.5, node)
  }
  tell.decided(300, 'a', { type: 'became-candidate', term: 1 })
  tell.message(300, 'a', 'b', { type: 'vote', term: 1, lastIndex: 0, lastTerm: 0 }, ['delivered', 302.25])
  tell.message(300, 'a', 'c', { type: 'vote', term: 1, lastIndex: 0, lastTerm: 0 }, ['lost', 300])
  tell.decided(302.25, 'b', { type: 'vote-granted', term: 1, to: IDS.a })
  tell.message(302.25, 'b', 'a', { type: 'vote-reply', term: 1, granted: true }, ['delivered', 304])
  tell.decided(304, 'a', { type: 'became-leader', term: 1, lastIndex: 1 })
  tell.decided(306, 'b', { type: 'became-follower', term: 1, leader: IDS.a })
  tell.call(310, 'a', 'invoke', 1, 'client 1 puts 10 bytes to "x"')
  const entries = [{ index: 2, term: 1, kind: 'normal', data: new Uint8Array(10) }] as const
  const append = { type: 'append', term: 1, previousIndex: 1, previousTerm: 1, commit: 1, entries } as const
  tell.message(311, 'a', 'b', append, ['duplicated', 311], ['delivered', 313], ['delivered', 350.125])
  tell.message(313.5, 'b', 'a', { type: 'append-accepted', term: 1, matchIndex: 2 }, ['delivered', 315])
  tell.decided(315, 'a', { type: 'commit-advanced', index: 2 })
  tell.call(315.5, 'a', 'return', 1, 'ok  revision 2')
  const cut: Fault = { type: 'cut', atMs: 400, from: 'b', to: 'c', forMs: 300 }
  tell.fault(400, 'begin', cut)
  tell.call(410, 'b', 'invoke', 2, 'client 2 reads "x"')
  const crash: Fault = { type: 'crash', atMs: 500, member: 'b', disk: 'power', downMs: 200 }
  tell.fault(500, 'begin', crash)
  tell.process(500, 'b', 'crash', 'power')
  tell.process(600, 'c', 'pause')
  tell.process(650, 'c', 'resume')
  tell.process(700, 'b', 'start', 'life 2')
  tell.fault(700, 'end', crash)
  tell.fault(700, 'end', cut)
  tell.decided(720, 'b', { type: 'leader-changed', term: 1, leader: IDS.a })
  return tell.record(HEADLINE, {
    atMs: 720.5,
    message: 'R5 violated: b applied 2@1 again\nbefore: revision 2\nnow: revision 3',
  })
}
