/** A watch of a plan: it takes events as they come, or slowly, until its time is over. */
import type { Selection } from '../../api/key-value.js'
import type { Store, StoreStatus, WatchOptions } from '../../api/store.js'
import type { Operation } from './operation.js'
import { sleep, type PerformOptions, type WatchBegun } from './performing.js'

type WatchOperation = Operation & { readonly type: 'watch' }

export async function watch(
  store: Store,
  operation: WatchOperation,
  options: PerformOptions,
  status: () => StoreStatus,
): Promise<void> {
  const { timers } = store.environment
  const { back, fromOldest, forMs } = operation
  const { revision, compactRevision } = status()
  // What is kept may be less by the time the watch begins: one that starts at the oldest races with compactions.
  const startRevision = Math.max(
    1,
    fromOldest === undefined ? Math.max(compactRevision + 1, revision + 1 - back) : compactRevision + fromOldest,
  )
  const begun = { startRevision, compactRevision, compactRevisionNow: () => status().compactRevision }
  const over = new AbortController()
  const cancel = timers.after(forMs, () => {
    over.abort()
  })
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([over.signal, options.signal])
  try {
    await consume(store, operation, options, begun, { ...optionsOf(operation), startRevision, signal })
  } catch (error) {
    options.watchFailed(error, begun)
    throw error
  } finally {
    cancel()
  }
}

async function consume(
  store: Store,
  operation: WatchOperation,
  { watched, progressed }: PerformOptions,
  begun: WatchBegun,
  options: WatchOptions,
): Promise<void> {
  const { slowMs, progressMs, asks } = operation
  const stream = store.watch(selectionOf(operation), options)
  if (progressMs === undefined && asks === undefined) {
    for await (const event of stream) {
      watched(event, begun)
      if (slowMs > 0) await sleep(store, slowMs)
    }
    return
  }
  if (asks === true) stream.requestProgress()
  for await (const batch of stream.batches()) {
    if (batch.type === 'progress') {
      progressed(batch.revision, begun)
    } else {
      for (const event of batch.events) watched(event, begun)
      if (asks === true) stream.requestProgress()
    }
    if (slowMs > 0) await sleep(store, slowMs)
  }
}

function selectionOf({ from, end }: WatchOperation): Selection {
  if (from === undefined) return { all: true }
  return end === undefined ? { prefix: from } : { from, to: end }
}

function optionsOf({ previous = false, without, progressMs }: WatchOperation): WatchOptions {
  return {
    previous,
    ...(without === undefined ? {} : { filter: without === 'puts' ? { puts: false } : { deletes: false } }),
    ...(progressMs === undefined ? {} : { progress: { everyMs: progressMs } }),
  }
}

/** Whether a watch of the plan tells of this change at all. */
export function isWatched({ from, end, without }: WatchOperation, type: 'put' | 'delete', key: string): boolean {
  if (without === `${type}s`) return false
  if (from === undefined) return true
  return end === undefined ? key.startsWith(from) : key >= from && key < end
}
