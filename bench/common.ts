/** What several benchmarks need. */
import { join } from 'node:path'
import { open, type Store } from 'quorate'
import { freePorts } from '../demo/processes/free-ports.js'

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

/** Members of one cluster, over TCP, each with its data in a folder of this one. */
export async function three(path: string): Promise<Store[]> {
  const ports = await freePorts(3)
  const cluster = Object.fromEntries(['a', 'b', 'c'].map((name, at) => [name, `127.0.0.1:${ports[at]}`]))
  const stores: Store[] = []
  for (const name of Object.keys(cluster)) stores.push(await open({ name, dataDir: join(path, name), cluster }))
  await Promise.all(stores.map((store) => store.ready()))
  return stores
}
