/**
 * What lies in a directory, by its names alone: whether it is that of a member at all, and what else is in it. Opens nothing,
 * changes nothing.
 */
import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { BEFORE_OPEN } from './damage.js'
import { asStoreError } from './disk-failure.js'
import { folderBytes } from './folder.js'
import { checkStore } from './store-marker.js'

/** What a member's data is in. */
export const DATA_NAMES = ['high-water', 'log', 'state', 'state-2'] as const
export type DataName = (typeof DATA_NAMES)[number]

/** What an open, a restore or a crash left, and what each of them means. */
const LEFTOVERS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [new RegExp(`^${BEFORE_OPEN}$`), 'the files as they were before an open that was refused, or never came to its end'],
  [new RegExp(`^${BEFORE_OPEN}\\.(new|old)$`), 'of an open that was ended in the middle; the next one removes it'],
  [/^damaged$/, 'the files as they were before an open that gave up what was damaged; for a post-mortem'],
  [/^damaged\.(new|old)$/, 'of an open that was ended in the middle; the next one removes it'],
  [/^high-water\.new$/, 'of a write that was ended in the middle; the next open removes or replaces it'],
  [/^restoring(\.new)?$/, 'a snapshot is being restored into the directory, or was and did not come to its end'],
]

/** LevelDB's own files. */
const LEVELDB = /^(CURRENT|LOCK|LOG(\.old)?|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp))$/

export interface Leftover {
  readonly name: string
  readonly meaning: string
}

export interface Survey {
  readonly location: string
  readonly data: readonly DataName[]
  readonly leftovers: readonly Leftover[]
  /** What no member makes. */
  readonly foreign: readonly string[]
  /** What each of `data` and of the leftovers takes. */
  readonly bytes: Readonly<Record<string, number>>
}

/**
 * Rejects with `NO_DATA` where there is no data of a member, saying what there is instead; with `DATA_DAMAGED` where a
 * restore did not come to its end; with `DISK_FAILED`.
 */
export async function surveyDirectory(location: string): Promise<Survey> {
  const entries = await entriesOf(location)
  await refuseOtherStores(location)
  const names = entries.map(({ name }) => name).sort()
  const data = DATA_NAMES.filter((name) => names.includes(name))
  if (names.includes('restoring') || (names.includes('restoring.new') && data.length === 0)) {
    throw new StoreError(
      'DATA_DAMAGED',
      `A restore into ${location} is under way, or failed, or was ended before it was done: there is no data to look at. ` +
        'Restore into it again (what is there is replaced), or remove the directory.',
    )
  }
  const leftovers = names.flatMap((name) => {
    const [, meaning] = LEFTOVERS.find(([pattern]) => pattern.test(name)) ?? []
    return meaning === undefined ? [] : [{ name, meaning }]
  })
  const known = new Set<string>([...data, ...leftovers.map(({ name }) => name), 'lock'])
  const foreign = names.filter((name) => !known.has(name))
  if (data.length === 0) throw noData(location, foreign, leftovers)
  const bytes: Record<string, number> = {}
  for (const entry of entries) {
    if (known.has(entry.name)) bytes[entry.name] = await bytesOf(location, entry)
  }
  return { location, data, leftovers, foreign, bytes }
}

async function entriesOf(location: string): Promise<Dirent[]> {
  try {
    return await readdir(location, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new StoreError('NO_DATA', `There is no directory ${location}.`, { cause: error })
    if (code === 'ENOTDIR') {
      const what = `${location} is a file. The data of a member is a directory.`
      throw new StoreError('NO_DATA', what, { cause: error })
    }
    throw asStoreError(`${location} cannot be read`, error, 'read')
  }
}

async function refuseOtherStores(location: string): Promise<void> {
  try {
    await checkStore(location, undefined)
  } catch (error) {
    if (error instanceof TypeError) throw new StoreError('NO_DATA', `${error.message}.`, { cause: error })
    throw asStoreError(`${location} cannot be read`, error, 'read')
  }
}

function noData(location: string, foreign: readonly string[], leftovers: readonly Leftover[]): StoreError {
  if (foreign.length === 0 && leftovers.length === 0) {
    return new StoreError('NO_DATA', `${location} is empty: no member has been opened in it.`)
  }
  if (foreign.includes('CURRENT') && foreign.every((name) => LEVELDB.test(name))) {
    const whole = `${location} is a single LevelDB database, not the directory of a member`
    return new StoreError(
      'NO_DATA',
      `${whole}: that has ${DATA_NAMES.slice(0, 3).join(', ')} in it. Is it one of these?`,
    )
  }
  const shown = [...foreign, ...leftovers.map(({ name }) => name)].slice(0, SHOWN_MAX).map(quote).join(', ')
  return new StoreError('NO_DATA', `${location} holds no data of a member; there is ${shown} in it.`)
}

const SHOWN_MAX = 5

async function bytesOf(location: string, entry: Dirent): Promise<number> {
  try {
    const path = join(location, entry.name)
    return entry.isDirectory() ? await folderBytes(path) : (await stat(path)).size
  } catch (error) {
    throw asStoreError(`${location} cannot be read`, error, 'read')
  }
}
