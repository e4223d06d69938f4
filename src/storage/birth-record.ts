/**
 * When a received state came to be: how many writes the log counted then. One record beside those of the machine, in the
 * same batch as the applied position.
 *
 *     copied      log at write 40, its state in `state`
 *     later       log at write 90: a state is received, born at 90, into `state-2`; `state` is removed
 *     put back    the log and its mark at write 40: they name `state`
 *                 a log at write 40 has not seen a state that was born at 90: it is the older one
 *
 * Always: a log is at or above the birth of every state beside it, since its writes were durable before. So a log below one
 * has lost what it held, whichever database it names, and whichever position the states are at: a state that was received
 * and not installed may well be beyond the end of its log.
 * Always: nobody but storage sees the record.
 */
import { Reader, Writer } from '../base/codec.js'
import { isStoreError } from '../base/errors.js'
import type { Database, Disk, StateSlot } from './disk.js'
import type { Pair } from './merged-view.js'
import { readFailure } from './read-failure.js'
import { sealRecord, unsealRecord } from './sealed-record.js'

/** No key of the machine: those begin with a letter (machine/state-records.ts). */
const BIRTH_KEY = '\x01'

const VERSION = 1
const RECORD_BYTES = 9

/** `generation`: of the head of the log (log-head.ts). */
export function encodeBirth(generation: number): Uint8Array {
  return new Writer(RECORD_BYTES).uint8(VERSION).uint53(generation).finish()
}

/** Throws `MALFORMED`. */
export function decodeBirth(bytes: Uint8Array): number {
  const reader = new Reader(bytes, 'the birth record')
  const version = reader.uint8()
  if (version !== VERSION) throw reader.malformed(`record version ${version} is unknown`)
  const generation = reader.uint53()
  reader.end()
  return generation
}

/** As {@link Pair}s go to disk. */
export function sealedBirth(generation: number): Pair {
  return [BIRTH_KEY, sealRecord(BIRTH_KEY, encodeBirth(generation))]
}

export function isBirth([key]: Pair): boolean {
  return key === BIRTH_KEY
}

/** 0 where the state was not received, or the record cannot be read: it proves nothing then. Rejects with `DISK_FAILED`. */
export function birthOf(database: Database, location: string): number {
  // Whoever makes a state of it says that this is needed.
  if ((database.supports as { getSync?: boolean }).getSync !== true) return 0
  try {
    const sealed = database.getSync(BIRTH_KEY)
    return sealed === undefined ? 0 : decodeBirth(unsealRecord(BIRTH_KEY, sealed))
  } catch (error) {
    const failure = readFailure(location, 'the state', error)
    if (isStoreError(failure, 'DATA_DAMAGED')) return 0
    throw failure
  }
}

/** The same of the database in `slot`, which is not open; 0 too where it does not open, as the remains of one do not. */
export async function birthIn(disk: Disk, slot: StateSlot): Promise<number> {
  let database: Database
  try {
    database = await disk.openDatabase(slot, { create: false })
  } catch (error) {
    if (isStoreError(error, 'DATA_DAMAGED')) return 0
    throw error
  }
  try {
    return birthOf(database, disk.location)
  } finally {
    await database.close()
  }
}

/** What is wrong where a state that was born at write `born` lies beside a log that counts `generation`. */
export function olderLog(generation: number, born: number): string {
  return (
    `the log and the high-water file are older than the state: it was received at write ${born} of the log, ` +
    `which counts ${generation}`
  )
}
