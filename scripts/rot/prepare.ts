/**
 * Data directories to be damaged: of members that have led several lives, with puts, deletes, transactions and a compaction
 * in several state writes, trims and tables.
 *
 * Always: the parent is told of each write before it begins and after it was acknowledged, so that it knows what it may
 * demand when it kills this process in the middle.
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { compare, del, isStoreError, put, type RangeResult, type Store } from '../../src/index.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { valueOf } from '../crash/value.js'
import type { Change } from './facts.js'
import { Cluster } from './members.js'
import type { Preparation, Report } from './messages.js'

const LIVES = 3
const WRITES_PER_LIFE = 60
const CLIENTS = 6
const KEYS = 40
const VALUE_BYTES_MAX = 2200
/** Mostly small ones: the file would hold little else. */
const SMALL_BYTES_MAX = 120

/** Resolves when whoever is told will know of it, whatever becomes of this process. */
export type Tell = (report: Report) => Promise<void> | void

export class Preparing {
  readonly #tell: Tell
  readonly #folder: string
  readonly #random: Random
  readonly #cluster: Cluster
  readonly #oneBehind: boolean
  #stores: Store[] = []
  #writes = 0
  #closed = false

  constructor(tell: Tell, { folder, seed, members, oneBehind }: Preparation) {
    this.#tell = tell
    this.#folder = folder
    this.#random = seededRandom(seed)
    this.#cluster = new Cluster(members, folder)
    this.#oneBehind = oneBehind
  }

  /** All members stay open. */
  async run(): Promise<void> {
    for (let life = 0; life < LIVES; life++) {
      if (life > 0) await this.#closeAll()
      if (life === LIVES - 1) this.#keepEarlier()
      this.#stores = await Promise.all(this.#cluster.names.map((name) => this.#cluster.open(name)))
      await Promise.all(this.#stores.map((store) => store.ready()))
      await this.#write(WRITES_PER_LIFE)
      if (life === 1) await this.#store().compact(this.#store().status().revision - WRITES_PER_LIFE / 2)
    }
    if (this.#oneBehind) {
      await this.#stores.pop()?.close()
      await this.#write(WRITES_PER_LIFE / 3)
    }
    await this.#tell({ type: 'prepared' })
    // Until it is told to close, or killed.
    while (!this.#closed) await this.#write(CLIENTS)
  }

  /** The end: what is under way is never answered. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#closeAll()
  }

  /** What the directories are now, for trials that put it back. */
  #keepEarlier(): void {
    for (const name of this.#cluster.names)
      cpSync(this.#cluster.directory(name), join(this.#folder, 'earlier', name), { recursive: true })
  }

  async #closeAll(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
  }

  async #write(count: number): Promise<void> {
    let left = count
    const client = async (): Promise<void> => {
      while (left-- > 0) await this.#writeOne()
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
  }

  async #writeOne(): Promise<void> {
    const id = ++this.#writes
    const store = this.#store()
    const dice = below(this.#random, 10)
    const keys = dice < 3 ? [this.#key(), `${this.#key()}/other`] : [this.#key()]
    if (dice === 9) return this.#delete(id, store, keys[0] ?? '')
    const changes = keys.map((key, at) => ({ key, id: `w${id}.${at}` }))
    const operations = changes.map((change) => put(change.key, valueOf(change.id, this.#bytes())))
    await this.#attempt(id, changes, async () => {
      const { revision } = await store.txn({ success: operations })
      return { revision, changed: true }
    })
  }

  /** In a transaction with a put, so that there is something to see when the key was not there. */
  async #delete(id: number, store: Store, key: string): Promise<void> {
    const marker = { key: 'deletions', id: `w${id}.0` }
    const items = await itemsOf(store, key)
    if (items === undefined) return
    const changes = [...items.map(() => ({ key, id: undefined })), marker]
    const transaction = {
      compare: [compare(key).modRevision('=', items[0]?.modRevision ?? 0)],
      success: [del(key), put(marker.key, valueOf(marker.id, this.#bytes()))],
    }
    await this.#attempt(id, changes, async () => {
      const { revision, succeeded } = await store.txn(transaction)
      return { revision, changed: succeeded }
    })
  }

  async #attempt(
    id: number,
    changes: readonly Change[],
    write: () => Promise<{ revision: number; changed: boolean }>,
  ): Promise<void> {
    await this.#tell({ type: 'begun', id, changes })
    try {
      await this.#tell({ type: 'acknowledged', id, ...(await write()) })
    } catch (error) {
      if (!isStoreError(error, 'CLOSED')) throw error
    }
  }

  #store(): Store {
    const store = this.#stores[below(this.#random, this.#stores.length)]
    if (store === undefined) throw new Error('no member is open')
    return store
  }

  #key(): string {
    return `key/${below(this.#random, KEYS)}`
  }

  #bytes(): number {
    return below(this.#random, below(this.#random, 4) === 0 ? VALUE_BYTES_MAX : SMALL_BYTES_MAX) + 24
  }
}

/** Undefined when the store was closed meanwhile. */
async function itemsOf(store: Store, key: string): Promise<RangeResult['items'] | undefined> {
  try {
    return (await store.range(key)).items
  } catch (error) {
    if (isStoreError(error, 'CLOSED')) return undefined
    throw error
  }
}
