/** Transactions in memory and counters: each takes effect once, whoever does the same meanwhile. */
import { Counter } from '../../recipes/stm/counter.js'
import { stm } from '../../recipes/stm/stm.js'
import { check, equal, failureOf, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

export const numbers: StoreTests = {
  'a counter gives each addition a number of its own': async (store) => {
    const [counter, same] = [new Counter(store, 'visits'), new Counter(store, 'visits')]
    equal(await counter.value(), 0, 'a counter to which nothing was added')
    const given = await Promise.all(Array.from({ length: 10 }, (_, nth) => (nth % 2 === 0 ? counter : same).add()))
    const sorted = given.sort((a, b) => a - b)
    equal(sorted, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 'the numbers given')
    equal(await same.add(-4), 6, 'after a negative addition')
    equal(await counter.value(), 6, 'the value')
  },

  'a counter leaves alone what is none': async (store) => {
    await store.put('visits/value', 'many')
    await rejectsWith('NOT_A_COUNTER', () => new Counter(store, 'visits').add(), 'an addition')
    equal((await store.get('visits/value'))?.text(), 'many', 'what was there')
  },

  'transactions in memory that are in the way of each other all take effect, one after the other': async (store) => {
    await Promise.all([store.put('a', '50'), store.put('b', '50')])
    const move = (from: string, to: string, amount: number): Promise<number> =>
      stm(store, async (transaction) => {
        const left = Number((await transaction.get(from))?.text()) - amount
        const there = Number((await transaction.get(to))?.text())
        transaction.put(from, String(left))
        transaction.put(to, String(there + amount))
        return left
      })
    await Promise.all(Array.from({ length: 6 }, (_, nth) => (nth % 2 === 0 ? move('a', 'b', 5) : move('b', 'a', 3))))
    equal([(await store.get('a'))?.text(), (await store.get('b'))?.text()], ['44', '56'], 'what is there afterwards')
  },

  'a transaction in memory sees the store at one revision, and what it wrote itself': async (store) => {
    await store.put('a', '1')
    await store.put('b', '1')
    let runs = 0
    const seen = await stm(store, async (transaction) => {
      const a = (await transaction.get('a'))?.text()
      // Somebody else changes both in the middle of the first run: it may not see one of them.
      if (runs++ === 0) await Promise.all([store.put('a', '2'), store.put('b', '2')])
      const b = (await transaction.get('b'))?.text()
      check(a === b, `it saw a = ${a} and b = ${b}`)
      transaction.put('c', 'own')
      return [a, b, (await transaction.get('c'))?.text()]
    })
    equal(seen, ['2', '2', 'own'], 'what was seen by the run that counts')
    equal(runs, 2, 'runs')
  },

  'a transaction in memory whose work fails writes nothing': async (store) => {
    const error = await failureOf(() =>
      stm(store, (transaction) => {
        transaction.put('a', 'x')
        return Promise.reject(new Error('not enough'))
      }),
    )
    check(error instanceof Error && error.message === 'not enough', `it failed with ${String(error)}`)
    equal(await store.get('a'), undefined, 'what was written')
  },
}
