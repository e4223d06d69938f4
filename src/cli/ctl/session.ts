/** A lease that is kept alive as long as whoever holds something by it is there. */
import { isStoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { LeaseGrantRequest, LeaseRevokeRequest } from '../../etcd/generated/rpc.js'
import { keepAlive } from './keep-alive.js'

export class Session {
  readonly id: bigint
  readonly #client: EtcdClient
  readonly #closing = new AbortController()
  readonly #ended = new AbortController()

  private constructor(client: EtcdClient, id: bigint) {
    this.#client = client
    this.id = id
    keepAlive(client, id, this.#closing.signal)
      .catch(() => undefined)
      .finally(() => {
        this.#ended.abort()
      })
  }

  static async open(client: EtcdClient, ttlSeconds: bigint): Promise<Session> {
    const { ID } = await client.lease.leaseGrant(LeaseGrantRequest.create({ TTL: ttlSeconds }))
    return new Session(client, ID)
  }

  /** Aborts when the lease is gone, or nobody knows. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** What hangs on it is deleted. */
  async close(): Promise<void> {
    this.#closing.abort()
    try {
      await this.#client.lease.leaseRevoke(LeaseRevokeRequest.create({ ID: this.id }))
    } catch (error) {
      // Then it expires.
      if (!isStoreError(error)) throw error
    }
  }
}

/** Resolves when one of them aborts. */
export function anyAborts(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      resolve()
    }
    if (signals.some(({ aborted }) => aborted)) done()
    for (const signal of signals) signal.addEventListener('abort', done, { once: true })
  })
}
