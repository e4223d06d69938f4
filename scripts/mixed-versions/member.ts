/** One member out of the sources of some version, under writes of its own: told what to do, and telling, by its parent. */
import { pathToFileURL } from 'node:url'
import type { ErrorCode } from '../../src/base/errors.js'
import type * as Quorate from '../../src/index.js'

/** How it is started. */
export interface Start {
  readonly sources: string
  readonly name: string
  readonly dataDir: string
  readonly cluster: Readonly<Record<string, string>>
}

export type Order =
  | { readonly type: 'stop-writing' | 'close' | 'status' | 'keys' }
  /** Adds a learner that never comes. */
  | { readonly type: 'add'; readonly address: string }

export type Told =
  | { readonly type: 'opened' | 'stop-writing' | 'close' }
  | { readonly type: 'acknowledged'; readonly key: string }
  | {
      readonly type: 'status'
      readonly leader: string | undefined
      readonly appliedIndex: number
      readonly digest: string
    }
  | { readonly type: 'keys'; readonly keys: readonly string[] }
  | { readonly type: 'add'; readonly refused: ErrorCode | undefined }

const { sources, name, dataDir, cluster } = JSON.parse(process.argv[2] ?? '{}') as Start
const { open, isStoreError } = (await import(pathToFileURL(`${sources}/src/index.ts`).href)) as typeof Quorate
// Small, so that the state is written and the log trimmed while it runs.
const small = { stateBufferBytesMax: 50_000, logRetainBytes: 100_000 }
const store = await open({ name, dataDir, cluster, electionTimeoutMs: 500, ...small })
let writes = true
const writing = write()

process.on('message', (order: Order) => {
  void obey(order).then(tell)
})
// Not without its parent.
process.on('disconnect', () => {
  process.exit()
})
tell({ type: 'opened' })

async function obey(order: Order): Promise<Told> {
  switch (order.type) {
    case 'stop-writing':
      writes = false
      await writing
      return { type: 'stop-writing' }
    case 'close':
      writes = false
      await store.close()
      setImmediate(() => {
        process.disconnect()
      })
      return { type: 'close' }
    case 'status': {
      const { leader, appliedIndex, digest } = store.status()
      return { type: 'status', leader, appliedIndex, digest }
    }
    case 'keys': {
      const { items } = await store.range({ prefix: 'key/' }, { keysOnly: true })
      return { type: 'keys', keys: items.map(({ key }) => key) }
    }
    case 'add': {
      const newcomer = { name: 'newcomer', address: order.address, role: 'learner' } as const
      try {
        await store.cluster.add(newcomer)
        return { type: 'add', refused: undefined }
      } catch (error) {
        if (!isStoreError(error)) throw error
        return { type: 'add', refused: error.code }
      }
    }
  }
}

/** One after the other; what fails is written under the next key. */
async function write(): Promise<void> {
  for (let nth = 0; writes; nth++) {
    const key = `key/${name}/${process.pid}/${nth}`
    try {
      await store.put(key, 'x'.repeat(200))
      tell({ type: 'acknowledged', key })
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
  }
}

function tell(told: Told): void {
  if (process.connected) process.send?.(told)
}
