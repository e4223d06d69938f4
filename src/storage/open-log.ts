/**
 * The log and its high-water file: opened together, each judged by the other, and what becomes of them where they are damaged.
 *
 *     new member         nothing in the log; then the high-water file, before anything is written anywhere
 *     all is well        the mark becomes durable, so that what it shows does not change; then the log is read against it
 *     damage             without `recover`: refused, and everything stays as it is
 *                        with it: a mark that says `lost`, durably; then the log is made anew, unless it is whole in itself
 *                        and only behind its mark, or without one
 *
 * Always: nothing of a damaged log is thrown away before the mark says that promises are lost, in a generation that no head
 * of that log has. So a crash in the middle leaves a log that is behind its mark, or none, and the next open does the rest.
 * Always: records without a high-water file are damage, not a new directory. Therefore the file is made before the first
 * record is, whole or not at all (generation 0).
 */
import { isStoreError, type StoreError } from '../base/errors.js'
import type { FormerCluster } from '../base/former-cluster.js'
import { NOBODY, type HardState } from '../raft/types.js'
import { damaged } from './damage.js'
import type { Database, DatabaseName, Disk, SlotFile, StateSlot } from './disk.js'
import type { DiskHealth } from './disk-health.js'
import {
  HighWater,
  type HighWaterContent,
  type HighWaterMark,
  markOf,
  NO_MARK,
  readHighWater,
  salvageMark,
} from './high-water.js'
import { FORMAT_VERSION, type Identity, refuseForeign } from './identity.js'
import type { LogHead } from './log-head.js'
import { type LoadedLog, type LogFinding, type LogProof, loadLog, unopenedLog } from './log-loader.js'
import { readFailure } from './read-failure.js'
import { STATE_SLOTS } from './state-slots.js'

/** What the high-water file holds: `content`; or why it does not; neither: there is no such file. */
export interface FoundMark {
  readonly content: HighWaterContent | undefined
  readonly damage: StoreError | undefined
  /** The newest mark that any slot still shows. */
  readonly mark: HighWaterMark
}

export interface OpeningParts {
  readonly disk: Disk
  readonly identity: Identity
  readonly file: SlotFile
  readonly health: DiskHealth
  /** Of which databases there is anything. */
  readonly there: readonly DatabaseName[]
  /** Closes it when the open fails, and at the end. */
  readonly opened: (database: Database) => void
  /** Called with everything that is wrong before anything of it is given up; throws where it must not be. */
  readonly giveUp: (damage: StoreError, finding: LogFinding) => void
  /** The least number that an open may have when it is not known which were used. */
  readonly incarnationFloor: number
}

export interface OpenedLog {
  readonly database: Database
  readonly highWater: HighWater
  readonly loaded: LoadedLog
  /** Whether there was anything of this member before. */
  readonly used: boolean
  /** False where nothing is known of the state: which of two databases held it. */
  readonly slotKnown: boolean
  /** What the directory belonged to before. */
  readonly former: readonly FormerCluster[]
}

/** Throws `FORMAT_TOO_NEW`, and `WRONG_CLUSTER` or `WRONG_MEMBER` for what this member must not touch. */
export function findMark(bytes: Uint8Array | undefined, identity: Identity, location: string): FoundMark {
  if (bytes === undefined) return { content: undefined, damage: undefined, mark: NO_MARK }
  try {
    const content = readHighWater(bytes, location)
    refuseForeign(content.identity, identity, location)
    return { content, damage: undefined, mark: content.mark }
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    return { content: undefined, damage: error, mark: salvageMark(bytes) ?? NO_MARK }
  }
}

/** Whether a member may be opened for the first time where this is found. */
export function mayBeNew({ content, damage }: FoundMark): boolean {
  return content === undefined ? damage === undefined : content.mark.generation === 0
}

export async function openLog(parts: OpeningParts): Promise<OpenedLog> {
  const { disk, identity, file } = parts
  const found = findMark(await file.read(), identity, disk.location)
  const { content, mark } = found
  const missing = content === undefined && found.damage === undefined
  if (missing && parts.there.length === 0) return openNew(parts)
  const highWater = content && (await resume(parts, content))
  // Whoever was ended while it left its cluster (former-cluster.ts) finds its log still with its old name.
  const proof = { identity, formerly: content?.former.at(-1), mark }
  const { database, finding } = await openAndLoad(parts, proof, content !== undefined && mark.generation === 0)
  if (content === undefined && finding.identity !== undefined) refuseForeign(finding.identity, identity, disk.location)
  const nothing = finding.loaded === undefined && finding.damage === undefined
  if (missing && nothing && !(await holdsState(parts))) {
    await database?.close()
    return openNew(parts)
  }
  const damage = [missing ? damaged(disk.location, 'the high-water file is missing') : found.damage, finding.damage]
  if (highWater !== undefined && database !== undefined && finding.damage === undefined) {
    const { former } = content ?? { former: [] }
    return { database, highWater, loaded: finding.loaded ?? emptyLog(), used: !nothing, slotKnown: true, former }
  }
  for (const each of damage) if (each !== undefined) parts.giveUp(each, finding)
  return goOnWithoutPromises(parts, { highWater, mark, database, finding, former: content?.former ?? [] })
}

async function openNew(parts: OpeningParts): Promise<OpenedLog> {
  const { disk, file, health, identity } = parts
  const database = await openDatabase(parts, true)
  const { loaded, damage } = await loadLog(database, { identity, formerly: undefined, mark: NO_MARK }, disk.location)
  // Databases of others may lie elsewhere than in the directory.
  if (loaded !== undefined || damage !== undefined)
    throw damaged(disk.location, 'the high-water file is missing', damage)
  const highWater = await HighWater.create(file, health, identity)
  return { database, highWater, loaded: emptyLog(), used: false, slotKnown: true, former: [] }
}

/** The mark first: it may lie in the page cache only, and if it convicts the log it must do so after a power loss too. */
async function resume({ file, health, identity }: OpeningParts, content: HighWaterContent): Promise<HighWater> {
  if (content.format === FORMAT_VERSION) return HighWater.resume(file, health, content)
  // Before the log gets its first write of this format: a version that does not know it must not get that far.
  return HighWater.create(file, health, identity, content.mark, content.former)
}

interface LoadedDatabase {
  /** Undefined where it does not open. */
  readonly database: Database | undefined
  readonly finding: LogFinding
}

async function openAndLoad(parts: OpeningParts, proof: LogProof, create: boolean): Promise<LoadedDatabase> {
  const { disk, there } = parts
  let database: Database
  try {
    database = await openDatabase(parts, create)
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    const nothing = !there.includes('log') && proof.mark.generation === 0
    return { database: undefined, finding: unopenedLog(nothing ? undefined : error) }
  }
  return { database, finding: await loadLog(database, proof, disk.location) }
}

async function openDatabase({ disk, opened }: OpeningParts, create: boolean): Promise<Database> {
  const database = await disk.openDatabase('log', { create })
  opened(database)
  return database
}

/** Whether one of the databases of the state holds anything, or cannot be read. */
async function holdsState({ disk, there }: OpeningParts): Promise<boolean> {
  for (const slot of STATE_SLOTS.filter((name) => there.includes(name))) {
    try {
      const database = await disk.openDatabase(slot, { create: false })
      const keys = await database
        .keys({ limit: 1 })
        .all()
        .finally(() => database.close())
      if (keys.length > 0) return true
    } catch (error) {
      const failure = readFailure(disk.location, 'the state', error)
      if (!isStoreError(failure, 'DATA_DAMAGED')) throw failure
      return true
    }
  }
  return false
}

interface Remains extends LoadedDatabase {
  readonly highWater: HighWater | undefined
  readonly mark: HighWaterMark
  readonly former: readonly FormerCluster[]
}

async function goOnWithoutPromises(parts: OpeningParts, remains: Remains): Promise<OpenedLog> {
  const { disk, file, health, identity, there } = parts
  const { mark, database, finding, former } = remains
  const slots = STATE_SLOTS.filter((name) => there.includes(name))
  const slotKnown = finding.head !== undefined || mark.generation > 0 || slots.length < 2
  const head = headWithoutPromises(finding, mark, parts.incarnationFloor, slots[0] ?? 'state')
  let { highWater } = remains
  if (highWater === undefined) highWater = await HighWater.create(file, health, identity, markOf(head))
  else await highWater.writeLost(markOf(head))
  if (finding.loaded !== undefined && database !== undefined) {
    return { database, highWater, loaded: { ...finding.loaded, head }, used: true, slotKnown, former }
  }
  await database?.close()
  await disk.discardDatabase('log')
  const anew = await openDatabase(parts, true)
  return { database: anew, highWater, loaded: emptyLog(head), used: true, slotKnown, former }
}

/**
 * The best that is known: a term and a vote that still show are no harm. The generation is above that of every head there
 * was, as far as can be known. The incarnation must be: proposals are told apart by it.
 */
function headWithoutPromises(
  { head, loaded }: LogFinding,
  mark: HighWaterMark,
  incarnationFloor: number,
  slotFound: StateSlot,
): LogHead {
  const known = head === undefined ? mark : markOf(head)
  const newest = known.generation >= mark.generation ? known : mark
  const origin = { index: 0, term: 0, chain: 0 }
  return {
    generation: newest.generation + 1,
    incarnation: Math.max(known.incarnation, mark.incarnation, incarnationFloor),
    hardState: newestHardState(known, mark),
    base: loaded?.head.base ?? origin,
    last: loaded?.head.last ?? origin,
    promises: 'lost',
    slot: newest.generation === 0 ? slotFound : newest.slot,
    awaitsState: (loaded?.head ?? head)?.awaitsState ?? false,
    joined: (loaded?.head ?? head)?.joined ?? false,
  }
}

function newestHardState(a: HardState, b: HardState): HardState {
  const [newest, other] = a.term >= b.term ? [a, b] : [b, a]
  const sameTerm = newest.term === other.term && newest.vote === NOBODY
  return { term: newest.term, vote: sameTerm ? other.vote : newest.vote }
}

/** Before the first write. */
const NO_HEAD: LogHead = {
  ...{ generation: 0, incarnation: 0, hardState: { term: 0, vote: 0 } },
  ...{ base: { index: 0, term: 0, chain: 0 }, last: { index: 0, term: 0, chain: 0 } },
  ...{ promises: 'kept', slot: 'state', awaitsState: false, joined: false },
}

function emptyLog(head = NO_HEAD): LoadedLog {
  return { head, spans: [], entries: [] }
}
