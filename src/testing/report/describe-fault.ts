/** Faults in words, for transcripts, timelines and the comments of test files. */
import { assertNever } from '../../base/assert.js'
import type { Fault, Rot } from '../faults/fault.js'
import { describeMs } from './describe-time.js'

/** `power fails at b; a new process starts after 1.2 s` */
export function describeFault(fault: Fault): string {
  switch (fault.type) {
    case 'crash': {
      const what =
        fault.disk === 'power' ? `power fails at ${fault.member}` : `the process of ${fault.member} is killed`
      return `${what}; ${anew(fault.downMs)}`
    }
    case 'crash-loop':
      return `${fault.member} crashes ${times(fault.times)}, each time ${describeMs(fault.everyMs)} after it was started`
    case 'crash-at':
      return `power fails at ${fault.member} in the moment of its next ${fault.event}; ${anew(fault.downMs)}`
    case 'restart':
      return `${fault.member} is closed; ${anew(fault.downMs)}`
    case 'rolling-restart': {
      const gap = `the next one ${describeMs(fault.pauseMs)} after the last one is back`
      return `each member in turn is closed and started anew after ${describeMs(fault.downMs)}, ${gap}`
    }
    case 'old-version':
      return `${fault.member} runs a program of an older version for ${describeMs(fault.forMs)}`
    case 'pause':
      return `${fault.member} stands still for ${describeMs(fault.forMs)}, and then does what was due`
    case 'lag':
      return `timers of ${fault.member} fire up to ${describeMs(fault.lateMs)} late, for ${describeMs(fault.forMs)}`
    case 'clock-drift': {
      const way = fault.perMillion < 0 ? 'slow' : 'fast'
      const rate = `${percent(Math.abs(fault.perMillion))} too ${way}`
      return `the clock of ${fault.member} runs ${rate} for ${describeMs(fault.forMs)}`
    }
    case 'clock-freeze':
      return `the clock of ${fault.member}, and its timers, stand still for ${describeMs(fault.forMs)}`
    case 'wall-jump': {
      const way = fault.byMs < 0 ? 'back' : 'forward'
      return `the wall clock of ${fault.member} is set ${way} by ${describeMs(Math.abs(fault.byMs))}`
    }
    case 'wall-swing': {
      const swing = `swings by ${describeMs(fault.byMs)} every ${describeMs(fault.periodMs)}`
      return `the wall clock of ${fault.member} ${swing}, for ${describeMs(fault.forMs)}`
    }
    case 'cut':
      return `nothing passes between ${fault.from} and ${fault.to} for ${describeMs(fault.forMs)}`
    case 'cut-one-way':
      return `nothing passes from ${fault.from} to ${fault.to} for ${describeMs(fault.forMs)}; the other way is open`
    case 'partition': {
      const groups = fault.groups.map((group) => group.join(' ')).join(' | ')
      return `the network falls apart into ${groups} for ${describeMs(fault.forMs)}`
    }
    case 'ring':
      return `each member reaches only its two neighbours, for ${describeMs(fault.forMs)}`
    case 'clog':
      return `what ${fault.from} sends to ${fault.to} waits on the way for ${describeMs(fault.forMs)}, then arrives together`
    case 'swizzle': {
      const step = describeMs(fault.stepMs)
      return `the ways of ${list(fault.members)} are clogged one by one, ${step} apart, and freed in another order`
    }
    case 'slow-link': {
      const rate = `${fault.bytesPerSecond.toLocaleString('en-US')} bytes/s`
      return `the way from ${fault.from} to ${fault.to} carries ${rate} for ${describeMs(fault.forMs)}`
    }
    case 'reset':
      return `the connections between ${fault.from} and ${fault.to} break, with what is on the way`
    case 'bit-flips': {
      const share = `${percent(fault.perMillion)} of the frames`
      return `bits flip in ${share} from ${fault.from} to ${fault.to}, for ${describeMs(fault.forMs)}`
    }
    case 'disk-slow':
      return `the disk of ${fault.member} is ${times(fault.factor)} slower for ${describeMs(fault.forMs)}`
    case 'disk-hang':
      return `the disk of ${fault.member} answers nothing for ${describeMs(fault.forMs)}`
    case 'sync-failure':
      return `the next sync of the disk of ${fault.member} fails, and may have written or not; ${anew(fault.downMs)}`
    case 'disk-full':
      return `the disk of ${fault.member} is full for ${describeMs(fault.forMs)}; then a new process starts`
    case 'disk-low':
      return `the disk of ${fault.member} is nearly full for ${describeMs(fault.forMs)}`
    case 'disk-rot': {
      return `while ${fault.member} is down, ${ROT[fault.rot]}; ${anew(fault.downMs)}`
    }
    case 'state-rot':
      return `in the state of ${fault.member}, which runs, ${ROT[fault.rot]}`
    case 'disk-wipe':
      return `everything on the disk of ${fault.member} is gone; ${anew(fault.downMs)}`
    default:
      return assertNever(fault, 'fault')
  }
}

/** How long it is from the beginning to the end of a fault by itself; 0 for what is over at once. */
export function faultMs(fault: Fault): number {
  if ('forMs' in fault) return fault.forMs
  if ('downMs' in fault) return fault.downMs
  return fault.type === 'crash-loop' ? fault.times * fault.everyMs : 0
}

/** Whom a fault touches, out of `members`: where a timeline shades it. */
export function membersOf(fault: Fault, members: readonly string[]): readonly string[] {
  if ('member' in fault) return [fault.member]
  if ('members' in fault) return fault.members
  if ('groups' in fault) return fault.groups.flat()
  if ('from' in fault) return [fault.from, fault.to]
  return members
}

const ROT: Readonly<Record<Rot, string>> = {
  'torn-tail': 'the end of a file on its disk is torn off',
  hole: 'a record that was synced disappears from its disk',
  'bit-flip': 'a bit flips in a value on its disk',
  unopenable: 'a database on its disk becomes one that does not open',
}

function anew(downMs: number): string {
  return downMs === 0 ? 'a new process starts at once' : `a new process starts after ${describeMs(downMs)}`
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`
}

function percent(perMillion: number): string {
  return `${Number((perMillion / 10_000).toPrecision(3))} %`
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1] ?? ''}`
}
