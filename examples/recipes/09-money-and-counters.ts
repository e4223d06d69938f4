/**
 * Money that moves between accounts while others move it too, and a counter.
 *
 *     npx tsx examples/recipes/09-money-and-counters.ts
 */
import { Counter, open, stm } from 'quorate'

const store = await open()
await store.put('accounts/ann', '100')
await store.put('accounts/bob', '20')

const transfers = new Counter(store, 'transfers')

/** What it reads is one moment of the store, and if any of that changes before the writes take effect, it runs again. */
async function transfer(from: string, to: string, amount: number): Promise<number> {
  const left = await stm(store, async (tx) => {
    const balance = Number((await tx.get(`accounts/${from}`))?.text())
    if (balance < amount) throw new Error(`${from} has ${balance}, not ${amount}`)
    const other = Number((await tx.get(`accounts/${to}`))?.text())
    tx.put(`accounts/${from}`, String(balance - amount))
    tx.put(`accounts/${to}`, String(other + amount))
    return balance - amount
  })
  console.log(`transfer ${await transfers.add()}: ${amount} from ${from} to ${to}`)
  return left
}

console.log(`ann has ${await transfer('ann', 'bob', 30)} left`)

// Ten at the same time, in both directions: none is lost, none is done twice.
await Promise.all(Array.from({ length: 5 }, () => [transfer('ann', 'bob', 2), transfer('bob', 'ann', 1)]).flat())

// What throws writes nothing.
await transfer('bob', 'ann', 1000).catch((error: Error) => console.log(`refused: ${error.message}`))

const { items } = await store.range({ prefix: 'accounts/' })
console.log(items.map((item) => `${item.key}: ${item.text()}`).join(', '))
console.log(`${await transfers.value()} transfers`)
await store.close()
