import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { del, Election, put, Session, StoreError, type KeyValue, type Leadership, type Store } from 'quorate'
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

describe('a leadership', () => {
  it('proves that it leads by a revision, and that it does not', async () => {
    const leadership = await stage.settle(electionOf().campaign('a'))
    await stage.settle(stage.store.put('other', '1'))
    const { revision } = stage.store.status()
    expect(await stage.settle(leadership.isLeader())).toEqual({ leads: true, revision })
    await stage.settle(leadership.resign())
    expect(await stage.settle(leadership.isLeader())).toEqual({ leads: false })
  })

  it('finds by a look that it was lost, whatever watches say', async () => {
    const store = decorated(stage.store, { watch: () => stage.store.watch('nothing') })
    const leadership = await stage.settle(electionOf(store).campaign('a'))
    await stage.settle(stage.store.delete(leadership.key))
    expect(leadership.signal.aborted).toBe(false)
    expect(await stage.settle(leadership.isLeader())).toEqual({ leads: false })
    expect(leadership.signal.aborted).toBe(true)
  })

  it('is not proved by an answer that came after the lease may have ended', async () => {
    const process = new Process(stage)
    const leadership = await stage.settle(electionOf(process.store).campaign('a'))
    const proof = leadership.isLeader()
    process.stop()
    await stage.pass(9_000)
    process.continue()
    expect(await stage.settle(proof)).toEqual({ leads: false })
  })

  it('is not forgotten when resigning fails: it can be tried again', async () => {
    let failing = true
    const revoke: Store['leases']['revoke'] = (...given) =>
      failing ? Promise.reject(unknownOutcome()) : stage.store.leases.revoke(...given)
    const store = decorated(stage.store, { leases: { revoke } })
    const leadership = await stage.settle(electionOf(store).campaign('a'))
    expect(await stage.failure(leadership.resign())).toMatchObject({ outcome: 'unknown' })
    expect(await leaderText()).toBe('a')
    failing = false
    await stage.settle(leadership.resign())
    expect(await leaderText()).toBeUndefined()
  })

  it('is not won by a campaign whose session was lost meanwhile', async () => {
    const a = await stage.settle(electionOf().campaign('a'))
    const process = new Process(stage)
    const [campaign] = await candidate('b', process.store)
    process.stop()
    await stage.pass(30_000)
    await stage.settle(a.resign())
    process.continue()
    expect(await stage.failure(campaign!)).toMatchObject({ code: 'LOCK_LOST' })
    expect(await stage.keys()).toEqual([])
  })

  it('may stand on a session that others share', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 10_000 }))
    const election = new Election(stage.store, NAME, { session })
    const a = await stage.settle(election.campaign('a', { priority: 1 }))
    const [campaign] = await candidate('b')
    await stage.settle(a.resign())
    const b = await stage.settle(campaign!)
    expect(session.signal.aborted).toBe(false)
    await stage.settle(b.resign())
    const again = await stage.settle(election.campaign('a'))
    await stage.settle(session.close())
    expect(again.signal.aborted).toBe(true)
    expect(await leaderText()).toBeUndefined()
  })
})

describe('candidates with priorities', () => {
  const campaigns: { readonly value: string; readonly campaign: Promise<Leadership> }[] = []
  beforeEach(() => (campaigns.length = 0))

  /** Each stands in the line before the next one comes. */
  async function candidates(
    ...all: readonly (readonly [value: string, priority: number | undefined])[]
  ): Promise<void> {
    for (const [value, priority] of all) {
      const campaign = electionOf().campaign(value, { priority })
      campaign.catch(() => undefined)
      campaigns.push({ value, campaign })
      await stage.pass(50)
    }
  }
  const leadershipOf = (value: string): Promise<Leadership> =>
    stage.settle(campaigns.find((each) => each.value === value)!.campaign)

  /** Who leads, one after the other, until nobody is left; each resigns. */
  async function order(first: Leadership): Promise<string[]> {
    const seen: string[] = []
    const controller = new AbortController()
    const observing = (async () => {
      for await (const leader of electionOf().observe({ signal: controller.signal })) {
        if (leader !== undefined) seen.push(leader.text())
      }
    })()
    await stage.pass(10)
    let { token } = first
    await stage.settle(first.resign())
    await stage.pass(50)
    for (let left = campaigns.length; left > 0; left--) {
      const text = await leaderText()
      const leadership = await leadershipOf(text!)
      expect(leadership.token).toBeGreaterThan(token)
      expect(leadership.signal.aborted).toBe(false)
      ;({ token } = leadership)
      await stage.settle(leadership.resign())
      await stage.pass(50)
    }
    controller.abort()
    await stage.settle(observing)
    return seen.slice(1)
  }

  it('lead in the order of their priorities, and of equal ones who came first', async () => {
    const first = await stage.settle(electionOf().campaign('first'))
    await candidates(['one', 1], ['two', 2], ['other one', 1], ['nine', 9], ['other two', 2], ['zero', 0])
    expect(await order(first)).toEqual(['nine', 'two', 'other two', 'one', 'other one', 'zero'])
    expect(await stage.keys(`${NAME}/`)).toEqual([])
  })

  it('do not drive out who leads', async () => {
    await candidates(['low', 1], ['high', 2])
    const low = await leadershipOf('low')
    await stage.pass(30_000)
    expect(low.signal.aborted).toBe(false)
    expect(await leaderText()).toBe('low')
  })

  it('stand in one line with those who have none, who lead as soon as they are in front', async () => {
    const first = await stage.settle(electionOf().campaign('first'))
    await candidates(['none', undefined], ['one', 1], ['zero', 0], ['also none', undefined])
    expect(await order(first)).toEqual(['none', 'one', 'zero', 'also none'])
  })

  it('cost a write more, and nothing where nobody has one', async () => {
    const before = stage.store.status().revision
    await candidates(['none', undefined])
    expect(stage.store.status().revision - before).toBe(1)
    await stage.settle((await leadershipOf('none')).resign())
    const between = stage.store.status().revision
    await candidates(['one', 1])
    await leadershipOf('one')
    expect(stage.store.status().revision - between).toBe(2)
  })

  it('are listed for operators', async () => {
    const first = await stage.settle(electionOf().campaign('first'))
    await candidates(['one', 1], ['none', undefined])
    const listed = await stage.settle(electionOf().candidates())
    expect(listed.map(({ owner, holds, priority }) => [owner, holds, priority])).toEqual([
      ['first', true, 0],
      ['one', false, 1],
      ['none', false, 0],
    ])
    expect(listed[0]).toMatchObject({ token: first.token, key: first.key })
  })

  it('may proclaim what they like', async () => {
    await candidates(['one', 1])
    const leadership = await leadershipOf('one')
    await stage.settle(leadership.proclaim('two'))
    expect(await leaderText()).toBe('two')
  })

  it('are refused where they are none', async () => {
    for (const priority of [-1, 1.5, NaN]) {
      await expect(electionOf().campaign('a', { priority })).rejects.toThrow(RangeError)
    }
    await expect(electionOf().campaign('a', { priority: 'high' as never })).rejects.toThrow(TypeError)
    await expect(electionOf().campaign('a', { prio: 1 } as never)).rejects.toThrow('did you mean priority?')
  })

  /** Loses one transaction of a kind, which takes effect before it is lost, late, or never. */
  function losing(isLost: (given: Parameters<Store['txn']>[0]) => boolean, applied: boolean) {
    let late: (() => Promise<unknown>) | undefined
    const txn = (async (transaction: Parameters<Store['txn']>[0], options: object) => {
      if (late !== undefined || !isLost(transaction)) return stage.store.txn(transaction, options)
      late = () => stage.store.txn(transaction)
      if (applied) await late()
      throw unknownOutcome()
    }) as Store['txn']
    return { store: decorated(stage.store, { txn }), late: () => stage.settle(late!()) }
  }
  const givesWay = ({ success }: Parameters<Store['txn']>[0]): boolean =>
    success?.some(({ type }) => type === 'delete') === true
  const claims = ({ success }: Parameters<Store['txn']>[0]): boolean =>
    success?.[0]?.type === 'put' && success[0].ignoreValue === true

  it.each([
    ['way is given', givesWay, true],
    ['way is given late', givesWay, false],
    ['it is claimed', claims, true],
    ['it is claimed late', claims, false],
  ])('lead once and leave nothing behind when it is unknown whether %s', async (_, isLost, applied) => {
    for (const shared of [false, true]) {
      const first = await stage.settle(electionOf().campaign('first'))
      const { store, late } = losing(isLost, applied)
      const session = shared ? await stage.settle(Session.open(stage.store, { ttlMs: 10_000 })) : undefined
      const low = new Election(store, NAME, { session }).campaign('low', { priority: 1 })
      await stage.pass(50)
      const high = electionOf().campaign('high', { priority: 2 })
      await stage.pass(50)
      await stage.settle(first.resign())
      await stage.settle((await stage.settle(high)).resign())
      const leadership = await stage.settle(low)
      await late()
      expect(await leaderText()).toBe('low')
      await stage.settle(leadership.resign())
      await late()
      expect(await stage.keys(`${NAME}/`)).toEqual([])
      expect(await stage.settle(electionOf().candidates())).toEqual([])
    }
  })

  it('who give up while they give way leave no key behind in a session that lives on', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: 10_000 }))
    for (const applied of [true, false]) {
      const first = await stage.settle(electionOf().campaign('first'))
      const { store, late } = losing(givesWay, applied)
      const controller = new AbortController()
      const low = new Election(store, NAME, { session }).campaign('low', { priority: 1, signal: controller.signal })
      await stage.pass(50)
      const high = electionOf().campaign('high', { priority: 2 })
      await stage.pass(50)
      await stage.settle(first.resign())
      await stage.pass(20)
      controller.abort()
      expect(await stage.failure(low)).toMatchObject({ code: 'ABORTED' })
      await stage.pass(20)
      await late()
      expect((await stage.settle(electionOf().candidates())).map(({ owner }) => owner)).toEqual(['high'])
      await stage.settle((await stage.settle(high)).resign())
    }
    expect(session.signal.aborted).toBe(false)
  })

  it('are not brought back by an entry that comes late, after way was given', async () => {
    const first = await stage.settle(electionOf().campaign('first'))
    const enters = ({ success }: Parameters<Store['txn']>[0]): boolean =>
      success?.[0]?.type === 'put' && success[0].key.endsWith('-p1')
    const { store, late } = losing(enters, false)
    const low = electionOf(store).campaign('low', { priority: 1 })
    await stage.pass(200)
    const high = electionOf().campaign('high', { priority: 2 })
    await stage.pass(50)
    await stage.settle(first.resign())
    const leadership = await stage.settle(high)
    await late()
    expect((await stage.settle(electionOf().candidates())).map(({ owner }) => owner)).toEqual(['high', 'low'])
    await stage.settle(leadership.resign())
    await stage.settle((await stage.settle(low)).resign())
  })
})
