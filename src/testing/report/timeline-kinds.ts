/** Into what kinds a timeline sorts the events of a run, and how each looks. */
import type { RecordedEvent } from './run-record.js'
import type { TimelineKind } from './page/timeline-data.js'

/** Colours that meet in the drawing are told apart by dashes and signs as well. */
export const TIMELINE_KINDS = {
  entries: { name: 'entries', color: 'blue', dash: [], sign: 'arrow', hidden: false },
  elections: { name: 'elections', color: 'purple', dash: [7, 3], sign: 'arrow', hidden: false },
  heartbeats: { name: 'heartbeats', color: 'gray', dash: [2, 3], sign: 'arrow', hidden: false },
  reads: { name: 'read indexes', color: 'green', dash: [5, 2, 1, 2], sign: 'arrow', hidden: false },
  forwards: { name: 'proposals, calls', color: 'orange', dash: [10, 3, 2, 3], sign: 'arrow', hidden: false },
  decisions: { name: 'decisions', color: 'purple', dash: [], sign: 'mark', hidden: false },
  steps: { name: 'small steps', color: 'gray', dash: [], sign: 'mark', hidden: true },
  progress: { name: 'commits, applied', color: 'green', dash: [], sign: 'tick', hidden: false },
  disks: { name: 'disks', color: 'sky', dash: [], sign: 'tick', hidden: true },
  processes: { name: 'processes', color: 'vermilion', dash: [], sign: 'mark', hidden: false },
  faults: { name: 'faults', color: 'orange', dash: [], sign: 'shade', hidden: false },
  calls: { name: 'client calls', color: 'sky', dash: [], sign: 'bar', hidden: false },
  /** Always shown. */
  violation: { name: 'violation', color: 'violation', dash: [], sign: 'line', hidden: false },
} as const satisfies Readonly<Record<string, TimelineKind>>

export type KindName = keyof typeof TIMELINE_KINDS

const KIND_NAMES = Object.keys(TIMELINE_KINDS) as KindName[]

export function kindNumber(name: KindName): number {
  return KIND_NAMES.indexOf(name)
}

export function kindOf(event: RecordedEvent): KindName {
  switch (event.subject) {
    case 'message':
      return kindOfMessage(event.frame.type)
    case 'process':
      return 'processes'
    case 'disk':
      return 'disks'
    case 'decision':
      return kindOfDecision(event.event.type)
    case 'member':
      return kindOfDecision(event.event)
    case 'fault':
      return 'faults'
    case 'call':
      return 'calls'
  }
}

function kindOfMessage(type: string): KindName {
  if (type.includes('vote') || type === 'timeout-now') return 'elections'
  if (type.startsWith('heartbeat')) return 'heartbeats'
  if (type.startsWith('read-index')) return 'reads'
  if (type === 'propose' || type === 'call' || type === 'reply') return 'forwards'
  return 'entries'
}

/** What is done for each read, each watch and each proposal: too much to look at unless one looks for it. */
const SMALL_STEPS = /^(read|watch|ranged|answered|proposed|forwarded|lease-renewed|progress-)/

function kindOfDecision(type: string): KindName {
  if (type === 'commit-advanced' || type === 'applied') return 'progress'
  if (SMALL_STEPS.test(type)) return 'steps'
  if (type.includes('write') || type.includes('durable')) return 'disks'
  return 'decisions'
}
