/**
 * A member that serves: the store and etcd's face on it, opened and closed in their order.
 *
 *     open the store, listen for clients ──► ready: a leader is known, the member has caught up ──► announce ──► told to who waits
 *     stop ──► no new calls, calls under way finish ──► leadership is handed over, the store is closed
 */
import type { Store } from '../../api/store.js'
import { isStoreError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { serveEtcd, type EtcdServer } from '../../etcd/server/serve-etcd.js'
import type { ServeEtcdOptions } from '../../etcd/server/options.js'
import { open } from '../../store/open.js'
import type { OpenOptions } from '../../store/options.js'

/** Between two tries to reach the others; a try itself takes until its deadline. */
const RETRY_MS = 500

/** How it ended. */
export type Ending =
  { readonly type: 'failed'; readonly error: Error } | { readonly type: 'removed' } | { readonly type: 'closed' }

export class RunningServer {
  readonly #store: Store
  readonly #server: EtcdServer
  readonly #stopped = new AbortController()
  #closing: Promise<void> | undefined
  /** Resolves when it has ended, by itself or closed. */
  readonly ended: Promise<Ending>

  private constructor(store: Store, server: EtcdServer) {
    this.#store = store
    this.#server = server
    this.ended = new Promise((resolve) => {
      store.on('failed', (error) => resolve({ type: 'failed', error }))
      store.on('removed', () => resolve({ type: 'removed' }))
      store.on('closed', () => resolve({ type: 'closed' }))
    })
  }

  /** Rejects as `open()` and `serveEtcd()` do; nothing is left open then. */
  static async start(member: OpenOptions, server: ServeEtcdOptions): Promise<RunningServer> {
    const store = await open(member)
    try {
      return new RunningServer(store, await serveEtcd(store, server))
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** With the ports that were chosen. */
  get clientUrls(): readonly string[] {
    return this.#server.clientUrls
  }

  get store(): Store {
    return this.#store
  }

  /** Resolves with whether it serves: false where it was closed, or ended, before. Waits for the others as long as it takes. */
  async ready(clientUrls: readonly string[], logger: Logger): Promise<boolean> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      try {
        await this.#store.ready({ signal })
        await this.#announce(clientUrls, logger)
        return true
      } catch (error) {
        const { live } = this.#store.health()
        if (signal.aborted || !live) return false
        logger.info('waiting for the other members', { reason: (error as Error).message })
        await this.#pause()
      }
    }
    return false
  }

  /** Members of a version that knows no announcements are no reason not to serve. */
  async #announce(clientUrls: readonly string[], logger: Logger): Promise<void> {
    try {
      await this.#store.cluster.announce({ clientUrls }, { signal: this.#stopped.signal })
    } catch (error) {
      if (!isStoreError(error, 'MEMBERS_TOO_OLD')) throw error
      logger.warn('the others cannot be told the client URLs of this member yet', { reason: error.message })
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#store.environment.timers.after(RETRY_MS, resolve)
    })
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopped.abort()
    await this.#server.close()
    await this.#store.close()
  }
}
