/**
 * Looks into a data directory without changing it: what is in it, and whether all of it is what was written.
 *
 * Works on a copy (storage/directory-copy.ts), reads every record of log and state, and loads the state into a machine as an
 * open does, so that its digests are compared. Takes the time and the memory of an open.
 */
import { describeDigest } from '../base/checksum.js'
import { isStoreError } from '../base/errors.js'
import { FROM_KEY_ON } from '../base/bytes.js'
import type { Alarm } from '../machine/alarms.js'
import { Machine } from '../machine/machine.js'
import { memberOfOriginKey, recordKindOf, type RecordKind } from '../machine/state-records.js'
import { olderLog } from '../storage/birth-record.js'
import { withDirectoryCopy, type CopyOptions, type DirectoryCopy } from '../storage/directory-copy.js'
import { readDirectory, readState, votersIn, type DirectoryReading } from '../storage/directory-reader.js'
import { surveyDirectory, type Survey } from '../storage/directory-survey.js'
import type { Disk, StateSlot } from '../storage/disk.js'
import type { FormerCluster } from '../base/former-cluster.js'
import type { Identity } from '../storage/identity.js'
import { copiedDisk } from '../storage/level-disk.js'
import { misfitOf, type HardState, type LogPosition, type Promises } from '../storage/log-store.js'
import { UNREAD } from './snapshot-status.js'

export interface ExaminedLog {
  /** The last entry that was trimmed. */
  readonly base: LogPosition
  readonly last: LogPosition
  /** Entries and records that were read; fewer than from base to last where some are damaged. */
  readonly entries: number
  readonly records: number
  readonly hardState: HardState
  /** Writes of the log so far, and the incarnation of the last open. */
  readonly writes: number
  readonly incarnation: number
  /** Whether the state was given up, and one of another member is waited for: there is none then. */
  readonly awaitsState: boolean
  /** Ids of the voters that the last change of members in the log left; undefined where there is none in it. */
  readonly voters: readonly number[] | undefined
}

export interface ExaminedState {
  readonly slot: StateSlot
  readonly records: number
  /** How many records there are of each kind. */
  readonly kinds: Readonly<Partial<Record<RecordKind, number>>>
  /** Ids of the members whose proposals are in it. */
  readonly proposers: readonly number[]
  /** What only a state that is whole tells. */
  readonly whole: WholeState | undefined
}

export interface WholeState {
  readonly applied: LogPosition
  readonly revision: number
  readonly compactRevision: number
  readonly digest: string
  readonly keys: number
  readonly authEnabled: boolean
  readonly alarms: readonly Alarm[]
}

export interface Examination {
  readonly location: string
  readonly format: number | undefined
  readonly identity: Identity | undefined
  readonly promises: Promises | undefined
  readonly log: ExaminedLog | undefined
  readonly state: ExaminedState | undefined
  readonly formerClusters: readonly FormerCluster[]
  readonly bytes: Survey['bytes']
  readonly leftovers: Survey['leftovers']
  readonly foreign: Survey['foreign']
  /** All that is wrong, one sentence each; empty: everything is what was written. */
  readonly damage: readonly string[]
  /** Whether it was written to while it was copied, so that what seems damaged may be whole. */
  readonly torn: boolean
}

/** Rejects with `NO_DATA`, `FORMAT_TOO_NEW`, `DISK_FAILED`, and with `DATA_DAMAGED` for a directory that is half restored. */
export async function examineDirectory(location: string, options: CopyOptions = {}): Promise<Examination> {
  const survey = await surveyDirectory(location)
  return withDirectoryCopy(location, options, (copy) => examineCopy(copy, survey, options.signal))
}

async function examineCopy(copy: DirectoryCopy, survey: Survey, signal: AbortSignal | undefined): Promise<Examination> {
  const { location, bytes, leftovers, foreign } = survey
  const disk = copiedDisk(copy.path, location)
  await disk.acquire({ create: false })
  try {
    const reading = await readDirectory(disk)
    const { highWater, log, slot } = reading
    const state = slot === undefined ? undefined : await examineState(disk, slot, signal)
    const damage = [...reading.damage, ...(state?.damage ?? []), ...damageBetween(reading, state)]
    const identity = highWater?.identity ?? log.identity
    return {
      ...{ location, bytes, leftovers, foreign, identity, damage, torn: copy.torn },
      format: highWater?.format,
      promises: log.head?.promises ?? highWater?.mark.promises,
      log: examinedLog(reading),
      state: state?.examined,
      formerClusters: highWater?.former ?? [],
    }
  } finally {
    await disk.release()
  }
}

function examinedLog({ log }: DirectoryReading): ExaminedLog | undefined {
  const { head, entries, spans } = log
  if (head === undefined) return undefined
  const { hardState, generation: writes, incarnation, awaitsState } = head
  const base = positionOf(head.base)
  const last = positionOf(head.last)
  const voters = votersIn(entries)
  return {
    base,
    last,
    hardState,
    writes,
    incarnation,
    awaitsState,
    voters,
    entries: entries.length,
    records: spans.length,
  }
}

function positionOf({ index, term }: LogPosition): LogPosition {
  return { index, term }
}

interface StateFinding {
  readonly born: number
  readonly examined: ExaminedState
  readonly damage: readonly string[]
}

async function examineState(disk: Disk, slot: StateSlot, signal: AbortSignal | undefined): Promise<StateFinding> {
  const machine = new Machine({ backend: UNREAD })
  const kinds: Partial<Record<RecordKind, number>> = {}
  const proposers: number[] = []
  const { records, born, damage } = await readState(
    disk,
    slot,
    ([key, record]) => {
      const kind = recordKindOf(key)
      kinds[kind] = (kinds[kind] ?? 0) + 1
      if (kind === 'proposals') proposers.push(memberOfOriginKey(key))
      machine.load(key, record)
    },
    signal,
  )
  const examined = { slot, records, kinds, proposers }
  if (damage.length > 0) return { born, examined: { ...examined, whole: undefined }, damage }
  try {
    machine.finishLoading()
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    return { born, examined: { ...examined, whole: undefined }, damage: [error.message] }
  }
  return { born, examined: { ...examined, whole: records === 0 ? undefined : wholeOf(machine) }, damage }
}

function wholeOf(machine: Machine): WholeState {
  const { appliedIndex: index, appliedTerm: term, revision, compactRevision, digest, store, auth, alarms } = machine
  const all = { type: 'range', key: FROM_KEY_ON, rangeEnd: FROM_KEY_ON, countOnly: true } as const
  const { count: keys } = store.planRange(all)
  return {
    ...{ applied: { index, term }, revision, compactRevision, digest: describeDigest(digest), keys },
    authEnabled: auth.enabled,
    alarms: alarms.list(),
  }
}

/** A state and a log that are whole, each in itself, may still not belong together. */
function damageBetween({ log }: DirectoryReading, state: StateFinding | undefined): string[] {
  const { loaded } = log
  if (loaded === undefined || state === undefined || state.damage.length > 0) return []
  const { whole } = state.examined
  const { generation } = loaded.head
  if (state.born > generation) return [olderLog(generation, state.born)]
  if (loaded.head.awaitsState && whole === undefined) return []
  if (whole === undefined && loaded.head.base.index > 0) {
    return [`there is no state, and the log begins at entry ${loaded.head.base.index + 1}: it cannot bring it back`]
  }
  const misfit = misfitOf(loaded, whole?.applied ?? { index: 0, term: 0 })
  return misfit === undefined ? [] : [misfit.what]
}
