import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DoubleBarrier, Session, type Party, type Store } from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const NAME = 'shuffle'
const TTL_MS = 5_000

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const barrierOf = (parties: number, store: Store = stage.store): DoubleBarrier =>
  new DoubleBarrier(store, NAME, { parties, ttlMs: TTL_MS })

/** Something that is under way, and what became of it. */
interface Pending<T> {
  readonly end: Promise<T>
  readonly value: () => T | undefined
}

async function pending<T>(end: Promise<T>): Promise<Pending<T>> {
  let value: T | undefined
  end.then(
    (result) => (value = result),
    () => undefined,
  )
  await stage.pass(20)
  return { end, value: () => value }
}

const enters = (parties: number, store?: Store): Promise<Pending<Party>> => pending(barrierOf(parties, store).enter())
const leaves = (party: Party | undefined): Promise<Pending<true>> => pending(party!.leave().then(() => true as const))

/** A round of so many, who are all inside. */
async function round(parties: number): Promise<Party[]> {
  return stage.settle(Promise.all(Array.from({ length: parties }, () => barrierOf(parties).enter())))
}

describe('a double barrier', () => {
  it('lets nobody in before all are there, and then all', async () => {
    const first = await enters(3)
    const second = await enters(3)
    await stage.pass(60_000)
    expect([first.value(), second.value()]).toEqual([undefined, undefined])
    const third = await enters(3)
    expect([first, second, third].map(({ value }) => value()?.round)).toEqual([1, 1, 1])
    expect(first.value()?.signal.aborted).toBe(false)
  })

  it('lets nobody go before all have left, and then all', async () => {
    const [a, b, c] = await round(3)
    const first = await leaves(a)
    const second = await leaves(b)
    await stage.pass(60_000)
    expect(a?.signal.aborted).toBe(true)
    expect([first.value(), second.value()]).toEqual([undefined, undefined])
    const third = await leaves(c)
    expect([first, second, third].map(({ value }) => value())).toEqual([true, true, true])
    await stage.settle(a!.leave())
    expect(await stage.keys()).toEqual([`${NAME}/round`])
  })

  it('is used again and again, by whoever is the quickest', async () => {
    const rounds: number[][] = [[], [], []]
    let inside = 0
    const work = async (number: number): Promise<void> => {
      const barrier = barrierOf(3)
      for (let time = 0; time < 10; time++) {
        const party = await barrier.enter()
        rounds[number]?.push(party.round)
        expect(++inside).toBeLessThanOrEqual(3)
        await new Promise<void>((resolve) => stage.environment.timers.after(7 * (number + 1), resolve))
        inside--
        await party.leave()
      }
    }
    await stage.settle(Promise.all([work(0), work(1), work(2)]))
    const all = Array.from({ length: 10 }, (_, at) => at + 1)
    expect(rounds).toEqual([all, all, all])
  })

  it('keeps one too many for the next round, which begins when this one is over', async () => {
    const [a, b] = await round(2)
    const third = await enters(2)
    const fourth = await enters(2)
    await leaves(a)
    expect(third.value()).toBeUndefined()
    const { inside, waiting, round: number } = await stage.settle(barrierOf(2).parties())
    expect([number, inside.length, waiting.length]).toEqual([1, 1, 2])
    await leaves(b)
    expect([third.value()?.round, fourth.value()?.round]).toEqual([2, 2])
  })

  it('may have a single party, and many', async () => {
    const [only] = await round(1)
    await stage.settle(only!.leave())
    const many = await stage.settle(
      Promise.all(Array.from({ length: 40 }, () => new DoubleBarrier(stage.store, 'many', { parties: 40 }).enter())),
    )
    await stage.settle(Promise.all(many.map((party) => party.leave())))
  })

  it('wakes nobody to look before all are there', async () => {
    let looks = 0
    const range: Store['range'] = (...given) => {
      looks++
      return stage.store.range(...given)
    }
    const store = decorated(stage.store, { range })
    const all = []
    for (let party = 0; party < 5; party++) all.push((await enters(5, store)).end)
    await stage.settle(Promise.all(all))
    // Each when it enters, those who wait when the last one comes, and each when the round has begun.
    expect(looks).toBe(5 + 4 + 5)
  })

  it('refuses whoever comes with another number, and leaves the others be', async () => {
    const first = await enters(2)
    const wrong = await enters(3)
    await expect(wrong.end).rejects.toThrow("parties of 'shuffle' is 3 here and '2'")
    const second = await enters(2)
    expect([first.value()?.round, second.value()?.round]).toEqual([1, 1])
  })

  it('refuses options that make no sense', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    for (const parties of [0, 1.5, 101, NaN]) expect(() => barrierOf(parties)).toThrow(RangeError)
    expect(() => barrierOf('3' as unknown as number)).toThrow(TypeError)
    expect(() => new DoubleBarrier(stage.store, '', { parties: 2 })).toThrow(TypeError)
    expect(() => new DoubleBarrier(stage.store, NAME, { parties: 2, ttlMs: 1_000, session })).toThrow('takes no ttlMs')
  })

  it('says so when its record was written by somebody else', async () => {
    await stage.settle(stage.store.put(`${NAME}/round`, 'full'))
    expect(await stage.failure(barrierOf(1).enter())).toMatchObject({ code: 'MALFORMED' })
  })
})

describe('a party that dies', () => {
  it('before the round begins is not counted once its lease has ended', async () => {
    const process = new Process(stage)
    const dead = await enters(2, process.store)
    process.stop()
    await stage.pass(3 * TTL_MS)
    const second = await enters(2)
    await stage.pass(60_000)
    expect(second.value()).toBeUndefined()
    const third = await enters(2)
    expect([second.value()?.round, third.value()?.round]).toEqual([1, 1])
    process.continue()
    expect(await stage.failure(dead.end)).toMatchObject({ code: 'LOCK_LOST' })
  })

  it('between entering and leaving has left when its lease has ended, and is told when it wakes', async () => {
    const process = new Process(stage)
    const first = await enters(2, process.store)
    const second = await enters(2)
    process.stop()
    const left = await leaves(second.value())
    expect(left.value()).toBeUndefined()
    const next = await enters(2)
    await stage.pass(3 * TTL_MS)
    expect(left.value()).toBe(true)
    await enters(2)
    expect(next.value()?.round).toBe(2)
    process.continue()
    const dead = first.value()!
    expect(dead.signal.aborted).toBe(true)
    expect(await stage.failure(dead.leave())).toMatchObject({ code: 'LOCK_LOST' })
    await stage.settle(dead[Symbol.asyncDispose]())
  })

  it('while it leaves holds nobody up', async () => {
    const process = new Process(stage)
    const first = await enters(2, process.store)
    const second = await enters(2)
    const leaving = await leaves(first.value())
    process.stop()
    await stage.settle(second.value()!.leave())
    process.continue()
    await stage.settle(leaving.end)
  })

  it('leaves the others a round to enter also where it was the one that opened it', async () => {
    const process = new Process(stage)
    const first = await enters(2)
    // Its transaction opens the round; the answer finds it stopped.
    const txn: Store['txn'] = (...given) => {
      const answer = process.store.txn(...given)
      if (given[0].success?.[0]?.type === 'put' && given[0].success[0].key === `${NAME}/round`) process.stop()
      return answer
    }
    await enters(2, decorated(process.store, { txn }))
    expect(first.value()?.round).toBe(1)
    await stage.settle(first.value()!.leave())
  })

  it('or whose key is removed by an operator, is told', async () => {
    const [a, b] = await round(2)
    await stage.settle(stage.store.delete(a!.key))
    await stage.pass(20)
    expect(a!.signal.aborted).toBe(true)
    await stage.settle(b!.leave())
  })
})

describe('waiting at a double barrier', () => {
  it('ends by signal and by time-out, and leaves no party behind', async () => {
    expect(await stage.failure(barrierOf(2).enter({ timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    const controller = new AbortController()
    const entering = await pending(barrierOf(2).enter({ signal: controller.signal }))
    controller.abort()
    expect(await stage.failure(entering.end)).toMatchObject({ code: 'ABORTED' })
    await stage.pass(20)
    expect(await stage.keys()).toEqual([])
    const [a, b] = await round(2)
    expect(await stage.failure(a!.leave({ timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    const again = await leaves(a)
    await stage.settle(b!.leave())
    await stage.settle(again.end)
  })

  it('goes on when history was compacted', async () => {
    let compacts = true
    const range: Store['range'] = async (...given) => {
      const looked = await stage.store.range(...given)
      if (!compacts) return looked
      compacts = false
      for (const value of ['1', '2']) await stage.store.put('other', value)
      await stage.store.compact(stage.store.status().revision)
      return looked
    }
    const store = decorated(stage.store, { range })
    const first = await enters(2, store)
    const second = await enters(2)
    expect([first.value()?.round, second.value()?.round]).toEqual([1, 1])
    compacts = true
    const left = await leaves(first.value())
    await leaves(second.value())
    await stage.settle(left.end)
  })

  it('goes on with a shared session, whose parties come and go alone', async () => {
    const session = await stage.settle(Session.open(stage.store, { ttlMs: TTL_MS }))
    const barrier = new DoubleBarrier(stage.store, NAME, { parties: 2, session })
    for (let time = 1; time <= 2; time++) {
      const parties = await stage.settle(Promise.all([barrier.enter(), barrier.enter()]))
      expect(parties.map((party) => party.round)).toEqual([time, time])
      await stage.settle(Promise.all(parties.map((party) => party.leave())))
    }
    expect(session.signal.aborted).toBe(false)
    expect(await stage.keys()).toEqual([`${NAME}/round`])
  })

  it.each([
    ['took effect', true],
    ['never did', false],
  ])('goes on when it is unknown whether the round was opened, and it %s', async (_, applied) => {
    let losing = true
    const txn: Store['txn'] = async (...given) => {
      const [first] = given[0].success ?? []
      if (!losing || first?.type !== 'put' || first.key !== `${NAME}/round`) return stage.store.txn(...given)
      losing = false
      if (applied) await stage.store.txn(...given)
      throw unknownOutcome()
    }
    const store = decorated(stage.store, { txn })
    const parties = await stage.settle(Promise.all([barrierOf(2, store).enter(), barrierOf(2, store).enter()]))
    expect(parties.map((party) => party.round)).toEqual([1, 1])
  })
})
