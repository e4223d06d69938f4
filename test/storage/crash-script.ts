/**
 * A process that works through a list of steps on a simulated disk, and what it may claim at each moment: everything
 * acknowledged, and of the step under way all or nothing.
 */
import { expect } from 'vitest'
import { present } from '../../src/base/assert.js'
import type { Entry, HardState } from '../../src/raft/types.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { type Storage, openStorage } from '../../src/storage/storage.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { type CrashKind, SimDisk } from '../../src/testing/sim/sim-disk.js'
import { IDENTITY, describeEntries, entries } from './disks.js'
import { LogTwin } from './log-twin.js'

export type Step =
  | { readonly type: 'append'; readonly back: number; readonly count: number; readonly newTerm: boolean }
  | { readonly type: 'trim'; readonly back: number }
  | { readonly type: 'commit'; readonly keys: readonly string[] }
  | { readonly type: 'reopen' }

/** What may be on the disk. */
interface Claim {
  readonly log: LogTwin
  /** What each key of the state holds; deleted ones are absent. */
  readonly state: ReadonlyMap<string, string>
  readonly incarnation: number
}

export class CrashWorld {
  readonly scheduler = new SimScheduler()
  readonly disk: SimDisk
  #storage: Storage | undefined
  /** The acknowledged one first; the step under way may have been done too. */
  #claims: Claim[] = [{ log: new LogTwin(), state: new Map(), incarnation: 0 }]
  #commits = 0
  #appends = 0

  constructor(seed: number) {
    this.disk = new SimDisk({ timers: this.scheduler.timersOf(), seed })
  }

  /**
   * Opens and works through `steps`; crashes after `events` of the simulated disk, if it is not done by then.
   * Resolves with whether it crashed.
   */
  async run(steps: readonly Step[], events: number, kind: CrashKind): Promise<boolean> {
    let ended = false
    let failure: Error | undefined
    const work = this.#work(steps).catch((error: Error) => (failure = error))
    void work.then(() => (ended = true))
    await drainMicrotasks()
    for (let event = 0; !ended && event < events; event++) {
      if (!(await this.scheduler.step())) throw new Error('the process waits for something that never comes')
    }
    if (failure !== undefined) throw failure
    if (ended) return false
    this.disk.crash(kind)
    return true
  }

  /** Opens after a crash, and checks that what is found is one of the claims. */
  async check(): Promise<void> {
    expect(await this.run([], Infinity, 'power')).toBe(false)
  }

  async #work(steps: readonly Step[]): Promise<void> {
    await this.#open()
    for (const step of steps) await this.#do(step)
    await present(this.#storage, 'the storage').close()
  }

  async #open(): Promise<void> {
    // Each open may be the one that crashes: then it has counted, or not.
    const before = [...this.#claims]
    this.#claims.push(...before.map((claim) => ({ ...claim, incarnation: claim.incarnation + 1 })))
    const storage = await openStorage(this.disk.mount(), IDENTITY)
    const found = await describeStorage(storage)
    const possible = before.map((claim) => describeClaim({ ...claim, incarnation: claim.incarnation + 1 }))
    const position = possible.findIndex((claim) => JSON.stringify(claim) === JSON.stringify(found))
    if (position < 0) expect(found).toEqual(possible[0])
    const claim = before[position] as Claim
    this.#claims = [{ ...claim, incarnation: storage.incarnation }]
    this.#storage = storage
  }

  async #do(step: Step): Promise<void> {
    const storage = present(this.#storage, 'the storage')
    if (step.type === 'reopen') {
      await storage.close()
      return this.#open()
    }
    const before = this.#claims[0] as Claim
    const log = before.log.copy()
    let after = { ...before, log }
    let work: Promise<void>
    if (step.type === 'append') {
      const [written, hardState] = nextAppend(step, log, ++this.#appends)
      log.append(written, hardState)
      work = storage.log.append({ id: 1, hardState, entries: written })
    } else if (step.type === 'trim') {
      const index = Math.max(log.base.index, log.last.index - step.back)
      const term = log.entries.find((entry) => entry.index === index)?.term ?? log.base.term
      log.trim({ index, term })
      work = storage.log.trim({ index, term })
    } else {
      after = { ...after, state: this.#stage(step.keys, before.state, storage) }
      work = storage.state.commit()
    }
    this.#claims = [before, after]
    await work
    this.#claims = [after]
  }

  /** Sets the keys, or deletes those that are there, in turn. */
  #stage(keys: readonly string[], before: ReadonlyMap<string, string>, storage: Storage): ReadonlyMap<string, string> {
    const state = new Map(before)
    const value = `commit ${++this.#commits}`
    for (const [at, key] of keys.entries()) {
      if (at % 3 === 2) {
        storage.state.delete(key)
        state.delete(key)
      } else {
        storage.state.set(key, Buffer.from(value))
        state.set(key, value)
      }
    }
    return state
  }
}

/** The content of each append is unlike any other, so that one that replaced the same entries can be told from what it replaced. */
function nextAppend(step: Step & { type: 'append' }, log: LogTwin, nth: number): [readonly Entry[], HardState] {
  const newTerm = step.newTerm || log.hardState.term === 0
  const term = log.hardState.term + (newTerm ? 1 : 0)
  const first = Math.max(log.base.index + 1, log.last.index + 1 - step.back)
  return [entries(first, step.count, term, 8 + nth), { term, vote: newTerm ? (term % 3) + 1 : log.hardState.vote }]
}

function describeClaim({ log, state, incarnation }: Claim): unknown {
  return { log: log.describe(), state: [...state].sort(([a], [b]) => (a < b ? -1 : 1)), incarnation }
}

async function describeStorage(storage: Storage): Promise<unknown> {
  const stored = storage.log.storedState(storage.log.last)
  const state = await storage.state.range('', undefined, 1000)
  return {
    log: { hardState: stored.hardState, base: stored.compacted, entries: describeEntries(stored.entries) },
    state: state.map(([key, value]) => [key, Buffer.from(value).toString()]),
    incarnation: storage.incarnation,
  }
}
