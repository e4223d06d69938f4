/** How long garbage collections of this process take, as Node tells it. */
import { constants, PerformanceObserver, type NodeGCPerformanceDetail, type PerformanceEntry } from 'node:perf_hooks'

export type CollectionKind = 'major' | 'minor' | 'incremental' | 'weakcb'

/** Tells `listener` of each until what it gives is called. */
export function onGarbageCollection(listener: (kind: CollectionKind, durationMs: number) => void): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as PerformanceEntry & { readonly detail?: NodeGCPerformanceDetail }
      const kind = KINDS.get(detail?.kind ?? -1)
      if (kind !== undefined) listener(kind, entry.duration)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => {
    observer.disconnect()
  }
}

const KINDS: ReadonlyMap<number, CollectionKind> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])
