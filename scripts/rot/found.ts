/** What is read of a store, with values told by their ids. Throws for a value that is none of those that are written. */
import type { KeyValue } from '../../src/api/key-value.js'
import type { Store, WatchEvent } from '../../src/api/store.js'
import { idOf } from '../crash/value.js'
import type { Contents, Found } from './facts.js'

const CALL_MS_MAX = 10_000

/** Everything that can be read of one member, by a read that all acknowledged writes must show. */
export async function readContents(store: Store): Promise<Contents> {
  const { items, revision } = await store.range({ all: true }, { timeoutMs: CALL_MS_MAX })
  const { compactRevision } = store.status()
  const changes: Found[] = []
  // Nothing was ever written at revision 1.
  if (revision > Math.max(1, compactRevision)) {
    const watch = store.watch({ all: true }, { startRevision: compactRevision + 1 })
    for await (const batch of watch.batches()) {
      if (batch.type === 'events') changes.push(...batch.events.map(changeOf))
      if (batch.revision >= revision) break
    }
  }
  return { compactRevision, revision, items: items.map(foundOf), changes }
}

/** What this member has, perhaps not the latest. */
export async function readLocal(store: Store, timeoutMs: number): Promise<Found[]> {
  const { items } = await store.range({ all: true }, { consistency: 'local', timeoutMs })
  return items.map(foundOf)
}

export function foundOf(item: KeyValue): Found {
  return { key: item.key, id: idOf(item.text()), revision: item.modRevision }
}

function changeOf({ type, key, keyValue, revision }: WatchEvent): Found {
  return { key, id: type === 'put' ? idOf(keyValue.text()) : undefined, revision }
}
