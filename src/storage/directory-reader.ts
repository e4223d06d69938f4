/**
 * What is in a data directory, read from a copy of it (directory-copy.ts), record by record: everything that can be read,
 * and all damage that can be found, where an open would stop at the first.
 *
 * The same code judges as at an open: the files of the databases, the high-water file, the log, each record of the state. Only
 * what follows is another: nothing is repaired, upgraded or given up.
 */
import { isStoreError } from '../base/errors.js'
import { decodeConfiguration } from '../raft/confchange/codec.js'
import type { Entry } from '../raft/types.js'
import { birthIn, birthOf, isBirth, olderLog } from './birth-record.js'
import { whatIsDamaged } from './damage.js'
import type { Database, DatabaseName, Disk, StateSlot } from './disk.js'
import { type HighWaterContent, NO_MARK, readHighWater } from './high-water.js'
import { type LogFinding, loadLog, unopenedLog } from './log-loader.js'
import type { Pair } from './merged-view.js'
import { readFailure } from './read-failure.js'
import { unsealRecord } from './sealed-record.js'
import { STATE_SLOTS } from './state-slots.js'

export interface DirectoryReading {
  /** Undefined where the file is missing or cannot be read. */
  readonly highWater: HighWaterContent | undefined
  readonly log: LogFinding
  /** Which database holds the state; undefined where that cannot be told. */
  readonly slot: StateSlot | undefined
  /** One sentence each. */
  readonly damage: readonly string[]
}

export interface StateReading {
  readonly records: number
  /** How many writes the log counted when it was received (birth-record.ts); 0 where it was not. */
  readonly born: number
  readonly damage: readonly string[]
}

const RECORDS_PER_READ = 500

/** `disk` is acquired, and stays so. Rejects with `FORMAT_TOO_NEW` and `DISK_FAILED`; damage is told and not thrown. */
export async function readDirectory(disk: Disk): Promise<DirectoryReading> {
  const damage: string[] = []
  const tell = (what: string): void => {
    damage.push(what)
  }
  const highWater = await readMark(disk, tell)
  const there = await disk.databases()
  const log = await readLog(disk, highWater, there, tell)
  const slots = STATE_SLOTS.filter((slot) => there.includes(slot))
  const slot = log.head?.slot ?? highWater?.mark.slot ?? (slots.length < 2 ? slots[0] : undefined)
  const generation = log.head?.generation
  if (generation !== undefined) {
    const beside = slots.find((each) => each !== slot)
    const born = beside === undefined ? 0 : await birthIn(disk, beside)
    if (born > generation) tell(olderLog(generation, born))
  }
  return { highWater, log, slot, damage }
}

/**
 * Every record of the state, those that can be read handed to `visit` in the order of their keys. That it throws damage is
 * noted as damage, and then it is not called any more.
 */
export async function readState(
  disk: Disk,
  slot: StateSlot,
  visit: (pair: Pair) => void,
  signal?: AbortSignal,
): Promise<StateReading> {
  const damage: string[] = []
  const failed = (error: unknown): void => {
    damage.push(damageIn(disk.location, 'the state', error))
  }
  let records = 0
  let born = 0
  let visiting = true
  const taken = (key: string, sealed: Uint8Array): void => {
    records++
    let record: Uint8Array
    try {
      record = unsealRecord(key, sealed)
    } catch (error) {
      failed(error)
      return
    }
    if (!visiting) return
    try {
      visit([key, record])
    } catch (error) {
      visiting = false
      failed(error)
    }
  }
  try {
    const database = await disk.openDatabase(slot, { create: false })
    try {
      born = birthOf(database, disk.location)
      await eachRecord(database, taken, signal)
    } finally {
      await database.close()
    }
  } catch (error) {
    failed(error)
  }
  return { records, born, damage }
}

async function eachRecord(
  database: Database,
  taken: (key: string, sealed: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const iterator = database.iterator()
  try {
    for (;;) {
      signal?.throwIfAborted()
      const records = await iterator.nextv(RECORDS_PER_READ)
      if (records.length === 0) return
      for (const record of records) if (!isBirth(record)) taken(...record)
    }
  } finally {
    await iterator.close()
  }
}

async function readMark(disk: Disk, tell: (what: string) => void): Promise<HighWaterContent | undefined> {
  const bytes = await disk.peek('high-water')
  if (bytes === undefined) {
    tell('the high-water file is missing')
    return undefined
  }
  try {
    const content = readHighWater(bytes, disk.location)
    if (content.formerDamage !== undefined) tell(content.formerDamage)
    return content
  } catch (error) {
    tell(damageIn(disk.location, 'the high-water file', error))
    return undefined
  }
}

async function readLog(
  disk: Disk,
  highWater: HighWaterContent | undefined,
  there: readonly DatabaseName[],
  tell: (what: string) => void,
): Promise<LogFinding> {
  const { mark = NO_MARK } = highWater ?? {}
  if (!there.includes('log')) {
    if (mark.generation > 0) tell(`the log is missing; the high-water mark counts ${mark.generation} writes of it`)
    return unopenedLog(undefined)
  }
  try {
    const database = await disk.openDatabase('log', { create: false })
    try {
      const proof = { identity: highWater?.identity, formerly: highWater?.former.at(-1), mark }
      return await loadLog(database, proof, disk.location, (each) => {
        tell(whatIsDamaged(each))
      })
    } finally {
      await database.close()
    }
  } catch (error) {
    tell(damageIn(disk.location, 'the log', error))
    return unopenedLog(undefined)
  }
}

/** What is damaged. Throws what is no damage. */
function damageIn(location: string, what: string, error: unknown): string {
  const failure = readFailure(location, what, error)
  if (!isStoreError(failure, 'DATA_DAMAGED')) throw failure
  return whatIsDamaged(failure)
}

/** Whom the last change of members in these entries left as voters; undefined where there is none. */
export function votersIn(entries: readonly Entry[]): readonly number[] | undefined {
  const last = entries.findLast(({ kind }) => kind === 'configuration')
  if (last === undefined) return undefined
  try {
    return decodeConfiguration(last.data).configuration.voters
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    return undefined
  }
}
