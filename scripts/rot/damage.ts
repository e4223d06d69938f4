/**
 * Damage to the files of a data directory, as media do it: drawn over all their bytes alike, so that a large file is hit
 * as often as it is large.
 *
 * Always: the same random numbers and the same files give the same damage, and a damage is plain data: a trial that failed
 * is made again from its record.
 */
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, relative } from 'node:path'
import { below, type Random } from '../../src/base/random.js'

export type Damage =
  | { readonly type: 'bit-flip'; readonly file: string; readonly offset: number; readonly bit: number }
  | { readonly type: 'zeroed-page'; readonly file: string; readonly offset: number }
  | { readonly type: 'truncation'; readonly file: string; readonly length: number }
  /** Two files of the directory have each other's content. */
  | { readonly type: 'swapped'; readonly file: string; readonly other: string }
  /** A file has the content of the file of the same name in the directory of another member. */
  | { readonly type: 'foreign'; readonly file: string; readonly from: string }

/** Two faults at once, which one member cannot notice by itself (docs/DISK-FAULTS.md). */
export type Twofold =
  /** The newest marks of the high-water file were not synced when the power went, and the log is damaged besides. */
  | { readonly type: 'power-and-rot'; readonly marksLost: number; readonly rot: Damage }
  /** An older copy of the whole directory was put back. */
  | { readonly type: 'rolled-back' }

export type DamageType = (Damage | Twofold)['type']

export interface SizedFile {
  /** From the directory on. */
  readonly file: string
  readonly bytes: number
}

const PAGE_BYTES = 4096
const SLOTS = 3
/** LevelDB gives up a whole block of its log when something in it is damaged. */
const LOG_BLOCK_BYTES = 32 * 1024
const TYPES: readonly Damage['type'][] = [
  ...['bit-flip', 'bit-flip', 'bit-flip', 'bit-flip'],
  ...['zeroed-page', 'zeroed-page', 'zeroed-page'],
  ...['truncation', 'truncation'],
  ...['swapped', 'foreign'],
] as Damage['type'][]

/** In the order of their names. */
export function filesOf(directory: string): SizedFile[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ file: relative(directory, path), bytes: statSync(path).size }))
    .sort((a, b) => (a.file < b.file ? -1 : 1))
}

/** `lastBlock`: where the log ends, instead of anywhere. */
export function drawDamage(
  random: Random,
  files: readonly SizedFile[],
  others: readonly string[],
  lastBlock: boolean,
): Damage {
  const type = TYPES[below(random, TYPES.length)] ?? 'bit-flip'
  const { file, offset } = lastBlock ? placeAtTheEndOfTheLog(random, files) : placeAnywhere(random, files)
  switch (type) {
    case 'bit-flip':
      return { type, file, offset, bit: below(random, 8) }
    case 'zeroed-page':
      return { type, file, offset: offset - (offset % PAGE_BYTES) }
    case 'truncation':
      return { type, file, length: offset }
    case 'swapped': {
      const rest = files.filter((each) => each.file !== file && each.bytes > 0)
      return { type, file, other: rest[below(random, rest.length)]?.file ?? file }
    }
    case 'foreign':
      // A cluster of one has no other members.
      if (others.length === 0) return { type: 'truncation', file, length: offset }
      return { type, file, from: others[below(random, others.length)] ?? '' }
  }
}

/** What is tried and reported apart: no promise holds for it. */
export function drawTwofold(random: Random, files: readonly SizedFile[]): Twofold {
  if (below(random, 2) === 0) return { type: 'rolled-back' }
  const rot = drawDamage(random, files, [], true)
  return { type: 'power-and-rot', marksLost: 1 + below(random, SLOTS - 1), rot }
}

/** `others`: where the directories of the other members are, by their names. */
export function inflict(directory: string, damage: Damage | Twofold, others: (name: string) => string): void {
  if (damage.type === 'rolled-back') {
    rmSync(directory, { recursive: true })
    cpSync(others(`earlier/${basename(directory)}`), directory, { recursive: true })
    return
  }
  if (damage.type === 'power-and-rot') {
    for (let lost = 0; lost < damage.marksLost; lost++) rewrite(join(directory, 'high-water'), forgetNewestMark)
    inflict(directory, damage.rot, others)
    return
  }
  const path = join(directory, damage.file)
  switch (damage.type) {
    case 'bit-flip':
      return rewrite(path, (content) => {
        content[damage.offset] = (content[damage.offset] ?? 0) ^ (1 << damage.bit)
      })
    case 'zeroed-page':
      return rewrite(path, (content) =>
        content.fill(0, damage.offset, Math.min(damage.offset + PAGE_BYTES, content.length)),
      )
    case 'truncation':
      truncateSync(path, damage.length)
      return
    case 'swapped': {
      const other = join(directory, damage.other)
      renameSync(path, `${path}.swapping`)
      renameSync(other, path)
      renameSync(`${path}.swapping`, other)
      return
    }
    case 'foreign':
      copyForeign(join(others(damage.from), damage.file), path)
  }
}

export function describeDamage(damage: Damage | Twofold): string {
  switch (damage.type) {
    case 'bit-flip':
      return `bit ${damage.bit} of byte ${damage.offset} of ${damage.file} flipped`
    case 'zeroed-page':
      return `the page at ${damage.offset} of ${damage.file} zeroed`
    case 'truncation':
      return `${damage.file} cut to ${damage.length} bytes`
    case 'swapped':
      return `${damage.file} and ${damage.other} exchanged`
    case 'foreign':
      return `${damage.file} replaced by that of ${damage.from}`
    case 'power-and-rot':
      return `the ${damage.marksLost} newest marks lost, and ${describeDamage(damage.rot)}`
    case 'rolled-back':
      return 'an older copy of the directory put back'
  }
}

function placeAnywhere(random: Random, files: readonly SizedFile[]): { file: string; offset: number } {
  let at = below(
    random,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  )
  for (const { file, bytes } of files) {
    if (at < bytes) return { file, offset: at }
    at -= bytes
  }
  throw new Error('there is not a byte to damage')
}

function placeAtTheEndOfTheLog(random: Random, files: readonly SizedFile[]): { file: string; offset: number } {
  const logs = files.filter(({ file, bytes }) => /^log\/\d+\.log$/.test(file) && bytes > 0)
  const last = logs.at(-1)
  // Just opened and closed: LevelDB has put everything into tables.
  if (last === undefined)
    return placeAnywhere(
      random,
      files.filter(({ file }) => file.startsWith('log/')),
    )
  const start = last.bytes - 1 - ((last.bytes - 1) % LOG_BLOCK_BYTES)
  return { file: last.file, offset: start + below(random, last.bytes - start) }
}

/** The slots lie in pages of their own, behind the first; each begins with its generation. */
function forgetNewestMark(file: Buffer): void {
  const pages = Array.from({ length: SLOTS }, (_, slot) =>
    file.subarray((1 + slot) * PAGE_BYTES, (2 + slot) * PAGE_BYTES),
  )
  pages.sort((a, b) => Buffer.compare(b.subarray(0, 8), a.subarray(0, 8)))
  pages[0]?.fill(0)
}

function rewrite(path: string, change: (content: Buffer) => unknown): void {
  const content = readFileSync(path)
  change(content)
  writeFileSync(path, content)
}

/** Where the other has no such file, this one is emptied: a file of another is never the right one. */
function copyForeign(from: string, to: string): void {
  try {
    copyFileSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    truncateSync(to, 0)
  }
}
