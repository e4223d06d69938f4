/** What several benchmarks need. */
import type { Store } from 'quorate'

/** They take turns. */
export function storeAt(stores: readonly Store[], at: number): Store {
  const store = stores[at % stores.length]
  if (store === undefined) throw new Error('no store')
  return store
}

export async function closeAll(stores: readonly Store[]): Promise<void> {
  await Promise.all(stores.map((store) => store.close()))
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
