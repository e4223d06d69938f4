import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Election, Session, StoreError, type Leadership, type Logger, type Store } from 'quorate'
import { SILENT } from '../../src/base/logger.js'
import { decorated, Process, Stage } from './stage.js'

const NAME = 'billing'
const TTL_MS = 5_000

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const electionOf = (store: Store = stage.store): Election => new Election(store, NAME)
const leaderText = async (): Promise<string | undefined> => (await stage.settle(electionOf().leader()))?.text()

/** A promise to be settled from outside. */
function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((whenDone, whenFailed) => ([resolve, reject] = [whenDone, whenFailed]))
  return { promise, resolve, reject }
}

/** Runs of a work that end as they are told to. */
class Runs {
  readonly leaderships: Leadership[] = []
  readonly #ends: ReturnType<typeof pending<string>>[] = []
  #running = 0

  readonly work = async (leadership: Leadership): Promise<string> => {
    expect(++this.#running).toBe(1)
    const end = pending<string>()
    this.leaderships.push(leadership)
    this.#ends.push(end)
    try {
      return await end.promise
    } finally {
      this.#running--
    }
  }

  get last(): Leadership {
    return this.leaderships.at(-1)!
  }

  async return(value: string): Promise<void> {
    this.#ends.at(-1)?.resolve(value)
    await stage.pass(50)
  }

  async throw(error: unknown): Promise<void> {
    this.#ends.at(-1)?.reject(error)
    await stage.pass(50)
  }
}

/** What is under way, its end seen to. */
async function begun<T>(promise: Promise<T>): Promise<{ readonly end: Promise<T> }> {
  promise.catch(() => undefined)
  await stage.pass(50)
  return { end: promise }
}

describe('leading while a work runs', () => {
  it('resolves with what it returns, and resigns before', async () => {
    const runs = new Runs()
    const { end } = await begun(electionOf().leaderWhile(runs.work, { value: 'a' }))
    expect(await leaderText()).toBe('a')
    expect(runs.last.signal.aborted).toBe(false)
    await runs.return('done')
    expect(await leaderText()).toBeUndefined()
    expect(await stage.settle(end)).toBe('done')
    expect(await stage.settle(electionOf().leaderWhile(() => 7))).toBe(7)
    expect(await stage.keys()).toEqual([])
  })

  it('rejects with what it throws while it leads, and resigns before', async () => {
    const runs = new Runs()
    const { end } = await begun(electionOf().leaderWhile(runs.work))
    await runs.throw(new Error('no money'))
    expect(await leaderText()).toBeUndefined()
    await expect(end).rejects.toThrow('no money')
    const throwing = electionOf().leaderWhile(() => {
      throw new Error('at once')
    })
    await expect(stage.settle(throwing)).rejects.toThrow('at once')
  })

  it('waits until a work has ended whose leadership was lost, and runs it again when elected again', async () => {
    const runs = new Runs()
    const { end } = await begun(electionOf().leaderWhile(runs.work, { value: 'a', ttlMs: TTL_MS }))
    const first = runs.last
    await stage.settle(stage.store.delete(first.key))
    await stage.pass(60_000)
    expect(first.signal.aborted).toBe(true)
    expect(runs.leaderships).toHaveLength(1)
    expect(await leaderText()).toBeUndefined()
    await runs.return('of no leader')
    expect(runs.leaderships).toHaveLength(2)
    expect(runs.last.token).toBeGreaterThan(first.token)
    await stage.settle(stage.store.delete(runs.last.key))
    await stage.pass(50)
    await runs.throw(runs.last.signal.reason)
    expect(runs.leaderships).toHaveLength(3)
    await runs.return('done')
    expect(await stage.settle(end)).toBe('done')
  })

  it('takes a result for none that came after the lease may have ended', async () => {
    const process = new Process(stage)
    const runs = new Runs()
    const { end } = await begun(electionOf(process.store).leaderWhile(runs.work, { ttlMs: TTL_MS }))
    process.stop()
    await stage.pass(3 * TTL_MS)
    process.continue()
    await runs.return('late')
    await stage.pass(1_000)
    expect(runs.leaderships).toHaveLength(2)
    await runs.return('done')
    expect(await stage.settle(end)).toBe('done')
  })

  it('stops when it is told to: aborts the work, waits for it, and only then lets the next one lead', async () => {
    const runs = new Runs()
    const controller = new AbortController()
    const { end } = await begun(
      electionOf().leaderWhile(runs.work, { value: 'a', ttlMs: TTL_MS, signal: controller.signal }),
    )
    const next = await begun(electionOf().campaign('b'))
    controller.abort('enough')
    expect(runs.last.signal.aborted).toBe(true)
    expect(runs.last.signal.reason).toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await stage.pass(60_000)
    expect(await leaderText()).toBe('a')
    await runs.return('wound down')
    expect(await stage.failure(end)).toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await stage.settle(next.end)
    expect(await leaderText()).toBe('b')
    expect(runs.leaderships).toHaveLength(1)
  })

  it('stops when it is told to before it is elected, and runs nothing', async () => {
    const runs = new Runs()
    await stage.settle(electionOf().campaign('b'))
    const controller = new AbortController()
    const { end } = await begun(electionOf().leaderWhile(runs.work, { signal: controller.signal }))
    controller.abort()
    expect(await stage.failure(end)).toMatchObject({ code: 'ABORTED' })
    const never = electionOf().leaderWhile(runs.work, { signal: AbortSignal.abort() })
    expect(await stage.failure(never)).toMatchObject({ code: 'ABORTED' })
    await stage.pass(50)
    expect(runs.leaderships).toEqual([])
    expect(await stage.keys()).toHaveLength(1)
  })

  it('leaves no leader behind when it is told to stop in the moment in which it is elected', async () => {
    const controller = new AbortController()
    const range: Store['range'] = async (...given) => {
      const found = await stage.store.range(...given)
      controller.abort()
      return found
    }
    const first = await stage.settle(electionOf().campaign('first'))
    const store = decorated(stage.store, { range })
    const { end } = await begun(electionOf(store).leaderWhile(() => 1, { signal: controller.signal }))
    await stage.settle(first.resign())
    expect(await stage.failure(end)).toMatchObject({ code: 'ABORTED' })
    await stage.pass(50)
    expect(await stage.keys()).toEqual([])
  })

  it('campaigns on while the store fails for reasons that pass or are for operators, and rejects with the others', async () => {
    let failure: StoreError | undefined = new StoreError('NO_LEADER', 'no leader')
    const grant: Store['leases']['grant'] = (...given) =>
      failure === undefined ? stage.store.leases.grant(...given) : Promise.reject(failure)
    const runs = new Runs()
    const store = decorated(stage.store, { leases: { grant } })
    const { end } = await begun(electionOf(store).leaderWhile(runs.work))
    await stage.pass(60_000)
    expect(runs.leaderships).toEqual([])
    failure = undefined
    await stage.pass(1_000)
    expect(runs.leaderships).toHaveLength(1)
    for (const code of ['NO_SPACE', 'PERMISSION_DENIED'] as const) {
      await stage.settle(stage.store.delete(runs.last.key))
      await stage.pass(50)
      failure = new StoreError(code, 'refused')
      await runs.return('')
      await stage.pass(10_000)
      failure = undefined
      await stage.pass(2_000)
    }
    expect(runs.leaderships).toHaveLength(2)
    expect(await stage.failure(end)).toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('warns in the log of a work that goes on although its leadership is over', async () => {
    const warnings: unknown[] = []
    const logger: Logger = { ...SILENT, warn: (message, fields) => warnings.push([message, fields]) }
    const store = decorated(stage.store, { environment: { ...stage.environment, logger } })
    const runs = new Runs()
    await begun(electionOf(store).leaderWhile(runs.work, { ttlMs: TTL_MS }))
    await stage.settle(stage.store.delete(runs.last.key))
    await stage.pass(TTL_MS / 2)
    expect(warnings).toEqual([])
    await stage.pass(5 * TTL_MS)
    const said = ['a work goes on although its leadership is over', { election: "'billing'" }]
    expect(warnings).toMatchObject([said, said])
    await runs.throw(new Error('stopped in the middle'))
    expect(warnings).toHaveLength(3)
    expect(warnings[2]).toMatchObject([
      'a work ended with an error after its leadership was over',
      { reason: 'Error: stopped in the middle' },
    ])
    await stage.pass(60_000)
    expect(warnings).toHaveLength(3)
  })

  it('says nothing of a work that ends because its signal did', async () => {
    const warnings: string[] = []
    const logger: Logger = { ...SILENT, warn: (message) => warnings.push(message) }
    const store = decorated(stage.store, { environment: { ...stage.environment, logger } })
    const runs = new Runs()
    await begun(electionOf(store).leaderWhile(runs.work))
    await stage.settle(stage.store.delete(runs.last.key))
    await stage.pass(50)
    // As setTimeout() of node:timers/promises does.
    await runs.throw(
      new DOMException('The operation was aborted', { name: 'AbortError', cause: runs.last.signal.reason }),
    )
    await stage.pass(1_000)
    expect(runs.leaderships).toHaveLength(2)
    expect(warnings).toEqual([])
  })

  it('refuses to work, campaign or lead twice through one object', async () => {
    const election = electionOf()
    const runs = new Runs()
    await begun(election.leaderWhile(runs.work))
    expect(await stage.failure(election.leaderWhile(() => 1))).toMatchObject({ code: 'LOCK_BUSY' })
    await stage.settle(stage.store.delete(runs.last.key))
    await stage.pass(50)
    // Lost, and the work has not ended.
    expect(await stage.failure(election.leaderWhile(() => 1))).toMatchObject({ code: 'LOCK_BUSY' })
    expect(await stage.failure(election.campaign('a'))).toMatchObject({ code: 'LOCK_BUSY' })
    const other = electionOf()
    await stage.settle(other.campaign('a'))
    expect(await stage.failure(other.leaderWhile(() => 1))).toMatchObject({ code: 'LOCK_BUSY' })
  })

  it('ends with a session that was given, when that ends', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    const runs = new Runs()
    const { end } = await begun(new Election(stage.store, NAME, { session }).leaderWhile(runs.work))
    await stage.settle(session.close())
    await runs.return('')
    expect(await stage.failure(end)).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('prefers a higher priority each time', async () => {
    const order: string[] = []
    const first = await stage.settle(electionOf().campaign('first'))
    const all = []
    for (const [value, priority] of [
      ['low', 1],
      ['high', 3],
      ['middle', 2],
    ] as const) {
      all.push((await begun(electionOf().leaderWhile(() => order.push(value), { value, priority }))).end)
    }
    await stage.settle(first.resign())
    await stage.settle(Promise.all(all))
    expect(order).toEqual(['high', 'middle', 'low'])
  })

  it('refuses what makes no sense', async () => {
    await expect(electionOf().leaderWhile('work' as never)).rejects.toThrow(TypeError)
    await expect(electionOf().leaderWhile(() => 1, { timeoutMs: 1 } as never)).rejects.toThrow('takes no timeoutMs')
    await expect(electionOf().leaderWhile(() => 1, { priority: -1 })).rejects.toThrow(RangeError)
    await expect(electionOf().leaderWhile(() => 1, { ttlMs: 0 })).rejects.toThrow(RangeError)
  })
})
