/** Renews a lease, three times within its time to live, for as long as it is there. */
import { isStoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { LeaseKeepAliveRequest, type LeaseKeepAliveResponse } from '../../etcd/generated/rpc.js'

/** Resolves when the lease is gone, or `signal` aborts. A server that does not answer is asked again while the lease may be there. */
export async function keepAlive(
  client: EtcdClient,
  id: bigint,
  signal: AbortSignal,
  renewed: (response: LeaseKeepAliveResponse) => void = () => undefined,
): Promise<void> {
  const { clock } = client.environment
  let untilMs = Infinity
  while (!signal.aborted && clock.monotonicMs() < untilMs) {
    try {
      const response = await client.keepAlive(LeaseKeepAliveRequest.create({ ID: id }), { signal })
      if (response.TTL <= 0n) return
      renewed(response)
      const ttlMs = Number(response.TTL) * 1000
      untilMs = clock.monotonicMs() + ttlMs
      await client.waiting.pause(Math.min(ttlMs / 3, PAUSE_MS_MAX), signal)
    } catch (error) {
      if (!isStoreError(error) || !PASSING.includes(error.code) || untilMs === Infinity) throw error
      await client.waiting.pause(AGAIN_MS, signal)
    }
  }
}

const PASSING: readonly string[] = ['TIMEOUT', 'UNREACHABLE', 'NO_LEADER', 'ABORTED']
const AGAIN_MS = 500
/** Within what timers can hold. */
const PAUSE_MS_MAX = 3_600_000
