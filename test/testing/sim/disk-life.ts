/**
 * Lives of a member's storage on a disk that fails in every way it can, against a naive twin of what must and what may be
 * there.
 *
 * What is written is recorded as it is begun and as it is acknowledged. Each open must then give what was acknowledged, with
 * or without what was under way; or refuse with DATA_DAMAGED, but only where the disk did lose or change something, and then
 * again on the next try; or fail with DISK_FAILED, but only while the disk is made to fail.
 *
 * Only where log and high-water file were both robbed, or the whole disk was put back, may an older state come up: that no
 * single member can notice. Even then it must be a state that once was.
 *
 * A member of several goes on instead of refusing (`recover`): then it must say that its promises are lost, or that the state was
 * given up, whenever it lacks anything acknowledged; what it has must still be what once was; and it must not say so where the
 * disk did nothing wrong. That its promises are lost it says until it is told otherwise.
 *
 * The state carries what the product's carries: the applied position and a digest of all records, in every commit.
 */
import { expect } from 'vitest'
import { crc32 } from '../../../src/base/checksum.js'
import { present } from '../../../src/base/assert.js'
import { type ErrorCode, isStoreError } from '../../../src/base/errors.js'
import type { Entry, HardState } from '../../../src/raft/types.js'
import { drainMicrotasks } from '../../../src/runtime/event-loop.js'
import { damaged } from '../../../src/storage/damage.js'
import { type Storage, openStorage } from '../../../src/storage/storage.js'
import { SimScheduler } from '../../../src/testing/sim/scheduler.js'
import type { FailingOperation } from '../../../src/testing/sim/sim-condition.js'
import {
  type CrashKind,
  type DiskPart,
  type Rot,
  SimDisk,
  type SimDiskCopy,
  type SimDiskEvent,
} from '../../../src/testing/sim/sim-disk.js'
import { IDENTITY, describeEntries, entries } from '../../storage/disks.js'
import { LogTwin } from '../../storage/log-twin.js'

export type Step =
  | { readonly type: 'append'; readonly back: number; readonly count: number; readonly newTerm: boolean }
  /** Down to so many entries before what is applied. */
  | { readonly type: 'trim'; readonly back: number }
  | { readonly type: 'commit'; readonly keys: readonly string[]; readonly appending: boolean }
  | { readonly type: 'reopen' }
  | { readonly type: 'fail'; readonly operation: FailingOperation }
  | { readonly type: 'full' | 'lie' | 'copy' }
  | { readonly type: 'hang'; readonly forMs: number }
  | { readonly type: 'slow'; readonly factor: number }

export interface Life {
  readonly steps: readonly Step[]
  /** Events after which it crashes, if it is not done by then. */
  readonly events: number
  readonly end: CrashKind
  /** What happens to the disk while nobody uses it. */
  readonly decay: readonly (readonly [Rot, DiskPart])[]
  /** Whether the last copy that was made is put back. */
  readonly restore: boolean
}

export type Verdict = 'intact' | 'refused' | 'recovered' | 'undetectable'

/** One state of the log, and when it was written; or of the records. */
interface Claimed<T> {
  readonly value: T
  readonly described: string
}

interface StateClaim {
  readonly records: ReadonlyMap<string, string>
  readonly applied: { readonly index: number; readonly term: number }
}

interface Found {
  readonly storage: Storage
  readonly log: LogTwin
  readonly state: StateClaim
}

const META = 'a'
const EMPTY_STATE: StateClaim = { records: new Map(), applied: { index: 0, term: 0 } }

export class DiskWorld {
  readonly scheduler = new SimScheduler()
  readonly disk: SimDisk
  readonly events: SimDiskEvent[] = []
  /** Every state that ever was begun, oldest first, and the place of the last one that was acknowledged. */
  #logs: Claimed<LogTwin>[] = [claimOf(new LogTwin(), describeLog)]
  #states: Claimed<StateClaim>[] = [claimOf(EMPTY_STATE, describeState)]
  #log = 0
  #state = 0
  #incarnation = 0
  #storage: Storage | undefined
  #appends = 0
  #copy: SimDiskCopy | undefined
  /** What happened to the disk since it was last found whole. */
  #logRobbed = false
  #stateRobbed = false
  #markRobbed = false
  /** Whether a refusal is right: something decayed, was put back, or was lied about. */
  #damaged = false
  #lying = false
  /** Something may still be only where a lie left it. */
  #lied = false
  #failing = false
  /** It said that its promises are lost, and nobody has told it otherwise. */
  #lost = false
  #opens = 0
  readonly #recover: boolean

  constructor(seed: number, recover = false) {
    this.#recover = recover
    this.disk = new SimDisk({
      timers: this.scheduler.timersOf(),
      seed,
      observe: (event) => this.events.push(event),
    })
  }

  /** One life after another, each opened on what the last one left; what came of it. */
  async live(lives: readonly Life[]): Promise<Verdict> {
    let verdict: Verdict = 'intact'
    for (const life of lives) {
      const found = await this.#one(life)
      if (found === 'refused') return found
      if (found !== 'intact' && verdict !== 'undetectable') verdict = found
    }
    const last = await this.#one({ steps: [], events: Infinity, end: 'process', decay: [], restore: false })
    return last === 'intact' ? verdict : last
  }

  async #one(life: Life): Promise<Verdict> {
    let verdict: Verdict | undefined
    let failure: unknown
    const work = this.#work(life.steps, (opened) => (verdict = opened)).catch((error: unknown) => (failure = error))
    let ended = false
    void work.then(() => (ended = true))
    await drainMicrotasks()
    for (let event = 0; !ended && event < life.events; event++) {
      if (!(await this.scheduler.step())) throw new Error('the process waits for something that never comes')
    }
    if (failure !== undefined && !(isStoreError(failure, 'DISK_FAILED') && this.#failing)) throw failure as Error
    if (verdict === 'refused') return this.#refuseAgain()
    this.#end(life)
    return verdict ?? 'intact'
  }

  #end({ end, decay, restore }: Life): void {
    if (end === 'power') {
      if (this.disk.unsynced('log') > 0) this.#logRobbed = true
      if (this.disk.unsynced('state') > 0) this.#stateRobbed = true
      if (this.disk.unsynced('high-water') > 0) this.#markRobbed = true
      if (this.#lied) this.#damaged = true
    }
    this.disk.crash(end)
    this.#storage = undefined
    for (const [rot, part] of decay) {
      if (!this.disk.rot(rot, part)) continue
      this.#damaged = true
      if (part === 'log') this.#logRobbed = true
      else if (part === 'state') this.#stateRobbed = true
      else this.#markRobbed = true
    }
    if (restore && this.#copy !== undefined) {
      this.disk.restore(this.#copy)
      this.#damaged = this.#logRobbed = this.#stateRobbed = this.#markRobbed = true
    }
    this.#heal()
  }

  #heal(): void {
    this.disk.heal()
    this.#failing = this.#lying = false
  }

  /** A refused disk stays refused: it must not lose a little more and then start. */
  async #refuseAgain(): Promise<Verdict> {
    this.disk.crash('process')
    this.#heal()
    for (const end of ['process', 'power', 'process'] as const) {
      const opening = this.#openAndRead().then(
        () => 'opened',
        (error: unknown) => (isStoreError(error) ? error.code : String(error)),
      )
      expect(await this.#run(opening)).toBe('DATA_DAMAGED')
      this.disk.crash(end)
    }
    // What was kept from before the first open, where it came to one, is no worse than what came of it.
    const kept = this.disk.beforeOpen
    if (kept === undefined) return 'refused'
    this.disk.restore(kept)
    await this.#run(this.#open())
    return 'refused'
  }

  async #run<T>(promise: Promise<T>): Promise<T> {
    let done = false
    void promise.then(() => (done = true))
    await drainMicrotasks()
    await this.scheduler.runUntil(() => done, Infinity)
    return promise
  }

  async #work(steps: readonly Step[], opened: (verdict: Verdict) => void): Promise<void> {
    const verdict = await this.#open()
    opened(verdict)
    if (verdict === 'refused') return
    for (const step of steps) {
      if (step.type === 'reopen') {
        await present(this.#storage, 'the storage').close()
        const again = await this.#open()
        opened(again)
        if (again === 'refused') return
      } else {
        await this.#do(step)
      }
    }
    await present(this.#storage, 'the storage').close()
  }

  async #openAndRead(): Promise<Found> {
    const recover = this.#recover
    // Of another time of day each.
    const incarnationFloor = 1_000_000 * ++this.#opens
    const storage = await openStorage(this.disk.mount(), IDENTITY, { recover, incarnationFloor })
    let state = await readState(storage).catch(async (error: unknown) => {
      if (!recover || !isStoreError(error, 'DATA_DAMAGED')) throw error
      await storage.giveUpState(error)
      return readState(storage)
    })
    if (!(await storage.meet(state.applied))) state = await readState(storage)
    const awaiting = state.applied.index < storage.log.base.index
    const stored = storage.log.storedState(awaiting && recover ? undefined : state.applied)
    expect(stored.promisesLost ?? false).toBe(storage.promises === 'lost')
    return { storage, log: LogTwin.of(stored), state }
  }

  async #open(): Promise<Verdict> {
    let found: Found
    try {
      found = await this.#openAndRead()
    } catch (error) {
      if (this.#damaged && !this.#recover && isStoreError(error, 'DATA_DAMAGED')) return 'refused'
      throw error
    }
    const { storage, state } = found
    // An open that was ended in the middle may have done all of it but say so.
    const begun = this.#damaged && (storage.promises === 'lost' || state === EMPTY_STATE)
    if (storage.damage.length > 0 || this.#lost || begun) return this.#goOn(found)
    expect(storage.promises).toBe('kept')
    return this.#check(found)
  }

  /** It has said what it lacks: what it has must be of what once was. From here on that counts. */
  #goOn({ storage, log, state }: Found): Verdict {
    const { damage, promises, incarnation } = storage
    if (damage.length > 0) expect(this.#damaged, damage.join()).toBe(true)
    // Alone, only a state that the log brings back is given up.
    if (!this.#recover) expect([promises, log.base.index]).toEqual(['kept', 0])
    const blind = this.#logRobbed && this.#markRobbed
    if (this.#lost && !blind) expect(promises).toBe('lost')
    if (!blind) expect(incarnation).toBeGreaterThan(this.#incarnation)
    const described = describeContent(log)
    const at = this.#logs.findLastIndex(({ value }) => describeContent(value) === described)
    const behindState =
      log.entries.length === 0 && this.#states.some(({ value }) => value.applied.index === log.base.index)
    if (at < 0 && !(behindState && promises === 'lost')) expect(described).toBe('a log that once was')
    if (promises === 'kept' && !blind) expect(at).toBeGreaterThanOrEqual(this.#log)
    const stateDescribed = describeState(state)
    const stateAt = this.#states.findLastIndex((claim) => claim.described === stateDescribed)
    if (stateAt < 0 && state.applied.index > 0) expect(stateDescribed).toBe('a state that once was')
    if (stateAt < this.#state) expect(damage.length > 0 || this.#stateRobbed).toBe(true)
    this.#lost = promises === 'lost'
    this.#copy = undefined
    const kept = Object.assign(this.#logs[at]?.value.copy() ?? log, { hardState: log.hardState })
    // What was before may come up again, where the disk lied.
    this.#logs = [...this.#logs.slice(0, at < 0 ? Infinity : at), claimOf(kept, describeLog)]
    this.#states = [...this.#states.slice(0, stateAt < 0 ? Infinity : stateAt), claimOf(state, describeState)]
    this.#log = this.#logs.length - 1
    this.#state = this.#states.length - 1
    this.#noteFound(storage)
    if (damage.length > 0) return 'recovered'
    return blind ? 'undetectable' : 'intact'
  }

  #noteFound(storage: Storage): void {
    this.#incarnation = storage.incarnation
    this.#damaged = this.#logRobbed = this.#stateRobbed = this.#markRobbed = false
    this.#lied = this.#lying
    this.#storage = storage
  }

  #check(found: Found): Verdict {
    const { storage } = found
    const log = describeLog(found.log)
    const state = describeState(found.state)
    const blind = this.#logRobbed && this.#markRobbed
    const at = this.#logs.findLastIndex((claim, index) => claim.described === log && (blind || index >= this.#log))
    if (at < 0) expect(log).toBe(this.#logs[this.#log]?.described)
    const stateAt = this.#states.findLastIndex(
      (claim, index) => claim.described === state && (blind || this.#stateRobbed || index >= this.#state),
    )
    if (stateAt < 0) expect(state).toBe(this.#states[this.#state]?.described)
    if (!blind) expect(storage.incarnation).toBeGreaterThan(this.#incarnation)
    const lost = at < this.#log || storage.incarnation <= this.#incarnation
    // A copy from later than what came up would bring back what is forgotten here.
    if (lost || stateAt < this.#state) this.#copy = undefined
    this.#logs = this.#logs.slice(0, at + 1)
    this.#states = this.#states.slice(0, stateAt + 1)
    this.#log = at
    this.#state = stateAt
    this.#noteFound(storage)
    return lost ? 'undetectable' : 'intact'
  }

  async #do(step: Exclude<Step, { type: 'reopen' }>): Promise<void> {
    const storage = present(this.#storage, 'the storage')
    switch (step.type) {
      case 'append':
        return this.#writing(this.#append(step, storage))
      case 'trim':
        return this.#writing(this.#trim(step.back, storage))
      case 'commit':
        return this.#commit(step, storage)
      case 'fail':
        this.#failing = true
        return this.disk.failNext(step.operation)
      case 'full':
        this.#failing = true
        return this.disk.fill()
      case 'lie':
        this.#lying = this.#lied = true
        return this.disk.lie(true)
      case 'copy':
        this.#copy = this.disk.copy()
        return
      case 'hang':
        this.disk.hang()
        this.scheduler.timersOf().after(step.forMs, () => this.disk.goOn())
        return
      case 'slow':
        return this.disk.slow(step.factor)
    }
  }

  /** After a failure nothing is ever written again: the outcome of one write is open, not that of two. */
  async #writing(work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      const { log, state } = present(this.#storage, 'the storage')
      const { term, vote } = (this.#logs.at(-1) as Claimed<LogTwin>).value.hardState
      await expectCode(() => log.append({ id: 1, hardState: { term: term + 1, vote }, entries: [] }), 'DISK_FAILED')
      await expectCode(() => state.commit(), 'DISK_FAILED')
      throw error
    }
  }

  async #append(step: Step & { type: 'append' }, storage: Storage): Promise<void> {
    const log = this.#newest(this.#logs, this.#log).copy()
    const applied = this.#newest(this.#states, this.#state).applied.index
    const newTerm = step.newTerm || log.hardState.term === 0
    const term = log.hardState.term + (newTerm ? 1 : 0)
    const first = Math.max(applied + 1, log.base.index + 1, log.last.index + 1 - step.back)
    const written: readonly Entry[] = entries(first, step.count, term, 8 + (++this.#appends % 500))
    const hardState: HardState = { term, vote: newTerm ? (term % 3) + 1 : log.hardState.vote }
    log.append(written, hardState)
    await this.#claimLog(log, storage.log.append({ id: 1, hardState, entries: written }))
  }

  async #trim(back: number, storage: Storage): Promise<void> {
    const log = this.#newest(this.#logs, this.#log).copy()
    const applied = (this.#states[this.#state] as Claimed<StateClaim>).value.applied.index
    const index = Math.max(log.base.index, applied - back)
    const term = log.entries.find((entry) => entry.index === index)?.term ?? log.base.term
    log.trim({ index, term })
    await this.#claimLog(log, storage.log.trim({ index, term }))
  }

  async #claimLog(log: LogTwin, work: Promise<void>): Promise<void> {
    const at = this.#logs.push(claimOf(log, describeLog)) - 1
    await work
    this.#log = at
  }

  async #commit(step: Step & { type: 'commit' }, storage: Storage): Promise<void> {
    const before = this.#newest(this.#states, this.#state)
    const records = new Map(before.records)
    for (const [at, key] of step.keys.entries()) {
      const value = `${this.#states.length} of ${key}`
      if (at % 3 === 2) records.delete(key)
      else records.set(key, value)
      if (at % 3 === 2) storage.state.delete(key)
      else storage.state.set(key, Buffer.from(value))
    }
    const claim: StateClaim = { records, applied: (this.#logs[this.#log] as Claimed<LogTwin>).value.last }
    storage.state.set(META, encodeMeta(claim))
    const at = this.#states.push(claimOf(claim, describeState)) - 1
    const committed = storage.state.commit().then(() => {
      this.#state = at
    })
    const appended = step.appending
      ? this.#append({ type: 'append', back: 0, count: 1, newTerm: false }, storage)
      : undefined
    const settled = await Promise.allSettled([committed, appended])
    await this.#writing(
      Promise.resolve().then(() => {
        for (const end of settled) if (end.status === 'rejected') throw end.reason as Error
      }),
    )
  }

  /** What the process itself holds to be the state: what it has written, or begun to. */
  #newest<T>(claims: readonly Claimed<T>[], acknowledged: number): T {
    return (claims[Math.max(acknowledged, claims.length - 1)] as Claimed<T>).value
  }
}

async function expectCode(action: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  const outcome = await action().then(
    () => 'no error',
    (error: unknown) => (isStoreError(error) ? error.code : String(error)),
  )
  expect(outcome).toBe(code)
}

function claimOf<T>(value: T, describe: (value: T) => string): Claimed<T> {
  return { value, described: describe(value) }
}

function describeLog({ hardState, base, entries }: LogTwin): string {
  return describeFound(hardState, base, entries)
}

/** Without term and vote: of a damaged log the newest that can be read are kept. */
function describeContent({ base, entries }: LogTwin): string {
  return describeFound({ term: 0, vote: 0 }, base, entries)
}

function describeFound(hardState: HardState, base: object, found: readonly Entry[]): string {
  return JSON.stringify({ hardState, base, entries: describeEntries(found) }, null, 1)
}

function describeState({ records, applied }: StateClaim): string {
  return JSON.stringify({ applied, records: [...records].sort(([a], [b]) => (a < b ? -1 : 1)) })
}

function digestOf(records: ReadonlyMap<string, string>): number {
  return crc32(Buffer.from(JSON.stringify([...records].sort(([a], [b]) => (a < b ? -1 : 1)))))
}

function encodeMeta({ records, applied }: StateClaim): Uint8Array {
  return Buffer.from(JSON.stringify({ applied, digest: digestOf(records) }))
}

/** As the state machine does: all records, checked against the digest among them. */
async function readState(storage: Storage): Promise<StateClaim> {
  const records = new Map<string, string>()
  let meta: Uint8Array | undefined
  for await (const chunk of storage.state.iterateAll()) {
    for (const [key, value] of chunk) {
      if (key === META) meta = value
      else records.set(key, Buffer.from(value).toString())
    }
  }
  if (meta === undefined && records.size === 0) return EMPTY_STATE
  const { applied, digest } = JSON.parse(Buffer.from(meta ?? '{}').toString()) as {
    applied: StateClaim['applied']
    digest: number
  }
  if (digest !== digestOf(records)) throw damaged('the disk', 'the records do not come to their digest')
  return { records, applied }
}
