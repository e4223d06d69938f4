/** A lock as one would write it at first, for the naive variants: right in all but what the variant is about. */
import { compare, get, isStoreError, put, type Session, type Store } from 'quorate'

export interface NaiveHold {
  readonly token: number
  readonly unlock: () => Promise<void>
}

const POLL_MS = 20

/** Stands in the line under this key until it is the first. Whoever gives up deletes the key. */
export async function naiveLock(
  store: Store,
  prefix: string,
  key: string,
  session: Session,
  { sleep, waitMs }: { readonly sleep: (ms: number) => Promise<void>; readonly waitMs: number },
): Promise<NaiveHold | undefined> {
  const unlock = async (): Promise<void> => {
    await store.delete(key)
  }
  const patience = new AbortController()
  const { signal } = patience
  void sleep(waitMs).then(() => {
    patience.abort()
  })
  try {
    while (!signal.aborted) {
      const token = await tokenOf(store, key, session, signal)
      const { items } = await store.range({ prefix }, { signal })
      const [first] = [...items].sort((a, b) => a.createRevision - b.createRevision)
      if (first?.key === key && !session.signal.aborted) return { token, unlock }
      await sleep(POLL_MS)
    }
  } catch (error) {
    if (!isStoreError(error)) throw error
  }
  await unlock()
  return undefined
}

async function tokenOf(store: Store, key: string, { lease }: Session, signal: AbortSignal): Promise<number> {
  const { succeeded, revision, results } = await store.txn(
    { compare: [compare(key).missing()], success: [put(key, '', { lease })], failure: [get(key)] },
    { signal },
  )
  const [found] = results
  return succeeded || found?.type !== 'range' ? revision : (found.items[0]?.createRevision ?? revision)
}
