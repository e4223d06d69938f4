import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { del, Election, put, StoreError, type KeyValue, type Leadership, type Store } from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const NAME = 'scheduler'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const electionOf = (store: Store = stage.store): Election => new Election(store, NAME)

async function leaderText(): Promise<string | undefined> {
  return (await stage.settle(electionOf().leader()))?.text()
}

/** A candidate who stands in the line when this returns. */
async function candidate(value: string, store?: Store): Promise<Promise<Leadership>[]> {
  const campaign = electionOf(store).campaign(value)
  campaign.catch(() => undefined)
  await stage.pass(50)
  // In an array, since an async function cannot return a promise that has not settled.
  return [campaign]
}

describe('an election', () => {
  it('lets one lead after the other, in the order they came', async () => {
    expect(await leaderText()).toBeUndefined()
    const a = await stage.settle(electionOf().campaign('a'))
    const [campaignOfB] = await candidate('b')
    const [campaignOfC] = await candidate('c')
    expect(await leaderText()).toBe('a')

    await stage.settle(a.resign())
    const b = await stage.settle(campaignOfB!)
    expect(await leaderText()).toBe('b')
    expect(b.token).toBeGreaterThan(a.token)
    expect((await stage.settle(electionOf().leader()))?.createRevision).toBe(b.token)

    await stage.settle(b[Symbol.asyncDispose]())
    const c = await stage.settle(campaignOfC!)
    expect(c.token).toBeGreaterThan(b.token)
    await stage.settle(c.resign())
    expect(await leaderText()).toBeUndefined()
    expect(await stage.keys()).toEqual([])
  })

  it('refuses a second campaign through one object', async () => {
    const election = electionOf()
    await stage.settle(election.campaign('a'))
    expect(await stage.failure(election.campaign('a'))).toMatchObject({ code: 'LOCK_BUSY' })
  })

  it('leaves no candidate behind who gave up', async () => {
    await stage.settle(electionOf().campaign('a'))
    expect(await stage.failure(electionOf().campaign('b', { timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    await stage.pass(10)
    expect(await stage.keys()).toHaveLength(1)
  })

  it('passes to the next one when the leader is stopped, and keeps the old one from acting', async () => {
    const process = new Process(stage)
    const old = await stage.settle(electionOf(process.store).campaign('old'))
    const [campaign] = await candidate('new')
    process.stop()
    const leadership = await stage.settle(campaign!)
    process.continue()
    expect(leadership.token).toBeGreaterThan(old.token)
    expect(await stage.failure(old.proclaim('still me'))).toMatchObject({ code: 'LOCK_LOST' })
    const guarded = stage.store.txn(old.guard({ success: [put('plan', 'of the old one')] }))
    expect((await stage.settle(guarded)).succeeded).toBe(false)
    expect(await leaderText()).toBe('new')
  })
})

describe('a proclamation', () => {
  it('changes what others see, and keeps the place and the lease', async () => {
    const leadership = await stage.settle(electionOf().campaign('one'))
    await stage.settle(leadership.proclaim('two'))
    await stage.settle(leadership.proclaim('three'))
    expect(await leaderText()).toBe('three')
    expect(leadership.signal.aborted).toBe(false)
    await stage.settle(leadership.resign())
    expect(await leaderText()).toBeUndefined()
    expect(await stage.failure(leadership.proclaim('four'))).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('is refused when the key is not there any more', async () => {
    const store = decorated(stage.store, { watch: () => stage.store.watch('nothing') })
    const leadership = await stage.settle(electionOf(store).campaign('one'))
    await stage.settle(stage.store.delete(leadership.key))
    expect(await stage.failure(leadership.proclaim('two'))).toMatchObject({ code: 'LOCK_LOST' })
    expect(await stage.keys()).toEqual([])
    expect(leadership.signal.aborted).toBe(true)
  })

  it.each([
    ['took effect', true],
    ['comes late', false],
  ])('of unknown outcome that %s does not undo a later one', async (_, applied) => {
    let late: (() => Promise<unknown>) | undefined
    let losing = false
    const txn: Store['txn'] = async (...given) => {
      if (!losing) return stage.store.txn(...given)
      losing = false
      if (applied) await stage.store.txn(...given)
      late = () => stage.store.txn(given[0])
      throw unknownOutcome()
    }
    const leadership = await stage.settle(electionOf(decorated(stage.store, { txn })).campaign('one'))
    losing = true
    expect(await stage.failure(leadership.proclaim('two'))).toMatchObject({ outcome: 'unknown' })
    await stage.settle(leadership.proclaim('three'))
    await stage.settle(late!())
    expect(await leaderText()).toBe('three')
    await stage.settle(leadership.proclaim('four'))
    expect(await leaderText()).toBe('four')
  })

  it('may be made while another one is under way', async () => {
    const leadership = await stage.settle(electionOf().campaign('one'))
    await stage.settle(Promise.all(['two', 'three', 'four'].map((value) => leadership.proclaim(value))))
    expect(['two', 'three', 'four']).toContain(await leaderText())
    await stage.settle(leadership.proclaim('five'))
    expect(await leaderText()).toBe('five')
  })
})

describe('observing an election', () => {
  /** What an observer has seen so far; '-' for nobody. */
  function observer(
    store: Store = stage.store,
    options: { signal?: AbortSignal; slow?: Promise<void> } = {},
  ): { seen: string[]; done: Promise<void> } {
    const seen: string[] = []
    const observe = async (): Promise<void> => {
      for await (const leader of electionOf(store).observe({ signal: options.signal })) {
        seen.push(leader?.text() ?? '-')
        await options.slow
      }
    }
    const done = observe()
    done.catch(() => undefined)
    return { seen, done }
  }

  async function history(): Promise<Leadership> {
    const a = await stage.settle(electionOf().campaign('a'))
    const [campaign] = await candidate('b')
    await stage.settle(a.proclaim('a, still'))
    await stage.settle(a.resign())
    const b = await stage.settle(campaign!)
    await stage.settle(b.resign())
    return stage.settle(electionOf().campaign('c'))
  }

  it('shows who leads, and every change', async () => {
    const early = observer()
    await stage.pass(10)
    const last = await history()
    await stage.pass(10)
    expect(early.seen).toEqual(['-', 'a', 'a, still', 'b', '-', 'c'])
    const late = observer()
    await stage.pass(10)
    expect(late.seen).toEqual(['c'])
    await stage.settle(last.resign())
    await stage.pass(10)
    expect(late.seen).toEqual(['c', '-'])
  })

  it('never misses the last one: a slow observer sees everything later', async () => {
    let hurry: () => void = () => undefined
    const slow = new Promise<void>((resolve) => {
      hurry = resolve
    })
    const { seen } = observer(stage.store, { slow })
    await stage.pass(10)
    await history()
    expect(seen).toEqual(['-'])
    hurry()
    await stage.pass(10)
    expect(seen).toEqual(['-', 'a', 'a, still', 'b', '-', 'c'])
  })

  it('never misses the last one: where history is compacted, it sees what is now', async () => {
    let hurry: () => void = () => undefined
    const slow = new Promise<void>((resolve) => {
      hurry = resolve
    })
    const { seen } = observer(stage.store, { slow })
    await stage.pass(10)
    await history()
    await stage.settle(stage.store.compact(stage.store.status().revision))
    hurry()
    await stage.pass(10)
    expect(seen).toEqual(['-', 'c'])
  })

  it('does not show as a leader who went in the same revision as the one before', async () => {
    const a = await stage.settle(electionOf().campaign('a'))
    void (await candidate('b'))
    const { seen } = observer()
    await stage.pass(10)
    const [first, second] = await stage.keys()
    expect([first, second]).toContain(a.key)
    await stage.settle(stage.store.txn({ success: [del(first!), del(second!)] }))
    await stage.pass(10)
    expect(seen).toEqual(['a', '-'])
  })

  it('goes on after failures that pass', async () => {
    let failing = true
    const range: Store['range'] = (...given) => {
      return failing ? Promise.reject(new StoreError('NO_LEADER', 'no leader')) : stage.store.range(...given)
    }
    const { seen } = observer(decorated(stage.store, { range }))
    await history()
    failing = false
    await stage.pass(200)
    expect(seen).toEqual(['c'])
    failing = true
    const [key] = await stage.keys()
    await stage.settle(stage.store.delete(key!))
    await stage.pass(5000)
    expect(seen).toEqual(['c'])
    failing = false
    await stage.pass(200)
    expect(seen).toEqual(['c', '-'])
  })

  it('ends with the signal, without an error, and with one when the store is closed', async () => {
    const controller = new AbortController()
    const first = observer(stage.store, { signal: controller.signal })
    const second = observer()
    const third = observer(stage.store, { signal: AbortSignal.abort() })
    await stage.settle(third.done)
    expect(third.seen).toEqual([])
    await stage.pass(10)
    controller.abort()
    await stage.settle(first.done)
    await stage.settle(stage.store.close())
    expect(await stage.failure(second.done)).toMatchObject({ code: 'CLOSED' })
    expect([first.seen, second.seen]).toEqual([['-'], ['-']])
  })

  it('ends when the loop over it is left', async () => {
    const leadership = await stage.settle(electionOf().campaign('a'))
    const firstOf = async (): Promise<KeyValue | undefined> => {
      for await (const leader of electionOf().observe()) return leader
      return undefined
    }
    expect((await stage.settle(firstOf()))?.key).toBe(leadership.key)
  })
})
