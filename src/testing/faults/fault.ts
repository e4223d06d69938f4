/**
 * What can go wrong in a simulated world, as data: what a seed draws, what a failing run is shrunk to, what a test spells out.
 *
 * Always: a fault stands for itself. It says when it begins and when it is over, and taking it out of a plan changes
 * nothing else of the plan.
 */
import type { CrashKind, DiskPart, Rot } from '../sim/sim-disk.js'

export type { Rot }

export type Fault = { readonly atMs: number } & FaultKind

export type FaultKind =
  // Processes.
  /** The process is gone at once, with `power` also what its disk had not synced; a new one starts after `downMs`. */
  | { readonly type: 'crash'; readonly member: string; readonly disk: CrashKind; readonly downMs: number }
  /** Crashes `times` times, each `everyMs` after the last start. */
  | { readonly type: 'crash-loop'; readonly member: string; readonly times: number; readonly everyMs: number }
  /** Crashes with loss of power in the very moment of the next event of this kind at the member (a failpoint). */
  | { readonly type: 'crash-at'; readonly member: string; readonly event: string; readonly downMs: number }
  /** `close()`, and a new process after `downMs`. */
  | { readonly type: 'restart'; readonly member: string; readonly downMs: number }
  /** Every member in turn, the next one `pauseMs` after the last one is back. */
  | { readonly type: 'rolling-restart'; readonly downMs: number; readonly pauseMs: number }
  /** SIGSTOP and SIGCONT: nothing runs, time goes on, everything that was due is done afterwards. */
  | { readonly type: 'pause'; readonly member: string; readonly forMs: number }
  /** An event loop under load: whatever is due runs up to `lateMs` late, in bulk. */
  | { readonly type: 'lag'; readonly member: string; readonly lateMs: number; readonly forMs: number }
  /** Started anew with a program that speaks protocol version 1, and afterwards with this one. */
  | { readonly type: 'old-version'; readonly member: string; readonly forMs: number }
  // Clocks.
  /** The monotonic clock (and with it the timers) runs this much faster, or slower if negative. */
  | { readonly type: 'clock-drift'; readonly member: string; readonly perMillion: number; readonly forMs: number }
  /** The monotonic clock stands still, and its timers with it. */
  | { readonly type: 'clock-freeze'; readonly member: string; readonly forMs: number }
  /** The wall clock is set, forward or back. */
  | { readonly type: 'wall-jump'; readonly member: string; readonly byMs: number }
  /** The wall clock swings to and fro around the right time. */
  | {
      readonly type: 'wall-swing'
      readonly member: string
      readonly byMs: number
      readonly periodMs: number
      readonly forMs: number
    }
  // The network.
  | { readonly type: 'cut'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly type: 'cut-one-way'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly type: 'partition'; readonly groups: readonly (readonly string[])[]; readonly forMs: number }
  /** Each member reaches only its two neighbours: not transitive. */
  | { readonly type: 'ring'; readonly forMs: number }
  /** Frames queue up on the way and arrive together afterwards. */
  | { readonly type: 'clog'; readonly from: string; readonly to: string; readonly forMs: number }
  /** The ways of these members are clogged one after the other, and freed in another order. */
  | { readonly type: 'swizzle'; readonly members: readonly string[]; readonly stepMs: number }
  | {
      readonly type: 'slow-link'
      readonly from: string
      readonly to: string
      readonly bytesPerSecond: number
      readonly forMs: number
    }
  /** The connections between two members break: what is on the way is lost, in the middle of a frame. */
  | { readonly type: 'reset'; readonly from: string; readonly to: string }
  /** Bits flip in frames: the receiver's checksum finds it and drops the connection. */
  | {
      readonly type: 'bit-flips'
      readonly from: string
      readonly to: string
      readonly perMillion: number
      readonly forMs: number
    }
  // Disks.
  | { readonly type: 'disk-slow'; readonly member: string; readonly factor: number; readonly forMs: number }
  /** Nothing the disk was asked for comes back until it is over. */
  | { readonly type: 'disk-hang'; readonly member: string; readonly forMs: number }
  /** The next sync fails, and it is open what it wrote (M6); the process, which must stop, is started anew after `downMs`. */
  | { readonly type: 'sync-failure'; readonly member: string; readonly downMs: number }
  /** No space left (M8): writes fail; the process is started anew when it is over. */
  | { readonly type: 'disk-full'; readonly member: string; readonly forMs: number }
  /** Less is free than the reserve: the member has nothing added any more, until somebody disarms the alarm. */
  | { readonly type: 'disk-low'; readonly member: string; readonly forMs: number }
  /** What lies on the disk changes while the process is down: rot that the next start must find (M2 to M5). */
  | {
      readonly type: 'disk-rot'
      readonly member: string
      readonly rot: Rot
      readonly part: DiskPart
      readonly downMs: number
    }
  /** The same to the state under a running member, which finds it when it reads there (M3, M4). */
  | { readonly type: 'state-rot'; readonly member: string; readonly rot: 'hole' | 'bit-flip' }
  /** Everything on it is gone. The process is started anew with an empty directory, to get back what it had from the others. */
  | { readonly type: 'disk-wipe'; readonly member: string; readonly downMs: number }

export type FaultType = FaultKind['type']

/** Every kind of fault, in words for tables of coverage. */
export const FAULT_TYPES: Readonly<Record<FaultType, string>> = {
  crash: 'a process ends without a word, or its machine loses power',
  'crash-loop': 'a process that ends again and again, soon after each start',
  'crash-at': 'loss of power in the moment of a certain decision',
  restart: 'a process is closed in order and started again',
  'rolling-restart': 'all processes are closed and started, one after the other',
  'old-version': 'a member of an older version, which is upgraded later',
  pause: 'a process is stopped (SIGSTOP, garbage collection, a moved machine) and goes on',
  lag: 'an event loop under load: whatever is due runs late, in bulk',
  'clock-drift': 'a monotonic clock that is too fast, or too slow',
  'clock-freeze': 'a monotonic clock that stands still',
  'wall-jump': 'a wall clock that is set',
  'wall-swing': 'a wall clock that swings to and fro',
  cut: 'nothing passes between two members',
  'cut-one-way': 'nothing passes from one member to another, but the other way',
  partition: 'groups of members that do not reach each other',
  ring: 'each member reaches its two neighbours only',
  clog: 'frames wait on the way and arrive together',
  swizzle: 'the ways of members are clogged one after the other, and freed in another order',
  'slow-link': 'few bytes per second from one member to another',
  reset: 'connections break in the middle of a frame',
  'bit-flips': 'bits flip in frames',
  'disk-slow': 'a disk that takes many times as long',
  'disk-hang': 'a disk that does not answer',
  'sync-failure': 'a sync that fails, and it is open what it wrote',
  'disk-full': 'a disk without space',
  'disk-low': 'a disk that is nearly full',
  'disk-rot': 'what lies on a disk is torn, missing, flipped or cannot be opened',
  'state-rot': 'records of the state go bad under a running member',
  'disk-wipe': 'everything on a disk is gone, and its member comes back with an empty directory',
}
