/**
 * Tells the cluster where clients reach this member, for as long as it takes: there may be no leader yet, or members of an
 * older version. Nothing is written where the cluster knows it already.
 */
import type { Store } from '../../api/store.js'
import type { Timers } from '../../base/clock.js'
import { isStoreError, type ErrorCode } from '../../base/errors.js'

/** What another try does not change. */
const FINAL: readonly ErrorCode[] = ['CLOSED', 'MEMBER_FAILED', 'MEMBER_REMOVED', 'NOT_SUPPORTED', 'ABORTED']
const RETRY_MS = 1_000

/**
 * Ends with the signal. Never rejects.
 *
 * @param tried called once the cluster knows, or has said that it cannot be told yet, which may last; and at the end.
 */
export async function announce(
  store: Store,
  clientUrls: readonly string[],
  signal: AbortSignal,
  tried: () => void,
): Promise<void> {
  try {
    await tell(store, clientUrls, signal, tried)
  } finally {
    tried()
  }
}

async function tell(
  store: Store,
  clientUrls: readonly string[],
  signal: AbortSignal,
  tried: () => void,
): Promise<void> {
  const { timers, logger } = store.environment
  let told: string | undefined
  while (!signal.aborted) {
    try {
      await store.cluster.announce({ clientUrls }, { signal })
      return
    } catch (error) {
      if (isStoreError(error) && FINAL.includes(error.code)) return
      if (isStoreError(error, 'MEMBERS_TOO_OLD')) tried()
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== told) logger.warn('the cluster does not know yet where clients reach this member', { reason })
      told = reason
    }
    await pause(timers, RETRY_MS, signal)
  }
}

/** Leaves no timer behind. */
function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = timers.after(delayMs, end)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
