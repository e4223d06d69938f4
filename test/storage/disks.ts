/** The three disks that everything in this folder runs on, and what the tests put on them. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Timers } from '../../src/base/clock.js'
import type { Entry, HardState } from '../../src/raft/types.js'
import type { Write } from '../../src/raft/ready.js'
import type { Disk } from '../../src/storage/disk.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'

export const IDENTITY = { clusterId: 0xc1, memberId: 0xa1, name: 'a' }

export interface DiskCase {
  readonly name: string
  readonly permanent: boolean
  /** One disk; each call of what it returns is one process's way to it. */
  readonly make: () => () => Disk
}

export const DISKS: readonly DiskCase[] = [
  {
    name: 'memory',
    permanent: false,
    make: () => {
      const disk = memoryDisk()
      return () => disk
    },
  },
  {
    name: 'simulated',
    permanent: true,
    make: () => {
      const disk = new SimDisk({ timers: PROMPT, seed: 1 })
      return () => disk.mount()
    },
  },
  {
    name: 'classic-level',
    permanent: true,
    make: () => {
      const folder = temporaryFolder()
      return () => levelDisk(folder)
    },
  },
]

/** Whatever waits happens in the next turn, in order: for a simulated disk on which nothing crashes. */
export const PROMPT: Timers = { after: (_delayMs, action) => soon(action), soon }

function soon(action: () => void): () => void {
  const handle = setImmediate(action)
  return () => clearImmediate(handle)
}

/** As {@link temporaryFolder}, in memory where there is such a folder: for many opens, where the disk is not what is tried. */
export function quickFolder(): string {
  return temporaryFolder(existsSync('/dev/shm') ? '/dev/shm' : tmpdir())
}

/** Gone when the test is over; not there yet. */
export function temporaryFolder(within = tmpdir()): string {
  const parent = mkdtempSync(join(within, 'quorate-storage-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'data')
}

/** `count` entries of `term` from `index` on; their content says which they are. */
export function entries(index: number, count: number, term: number, dataBytes = 8): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    index: index + at,
    term,
    kind: 'normal',
    data: Buffer.from(`${term}/${index + at} `.padEnd(dataBytes, 'x')),
  }))
}

export function write(written: readonly Entry[], hardState: Partial<HardState> = {}): Write {
  const term = hardState.term ?? written[written.length - 1]?.term ?? 0
  return { id: 1, hardState: { term, vote: hardState.vote ?? 0 }, entries: written }
}

/** Entries in a form that is quick to compare and to read. */
export function describeEntries(listed: readonly Entry[]): string[] {
  return listed.map(
    (entry) => `${entry.index}@${entry.term} ${entry.kind} ${Buffer.from(entry.data).toString('latin1')}`,
  )
}

export const ORIGIN = { index: 0, term: 0 }
