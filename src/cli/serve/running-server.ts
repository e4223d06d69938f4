/**
 * A member that serves: the store and etcd's face on it, opened and closed in their order.
 *
 *     open the store, listen for clients ──► ready: a leader is known, the member has caught up, and the cluster knows of it
 *         ──► told to who waits
 *     stop ──► no new calls, calls under way finish ──► leadership is handed over, the store is closed
 *
 * Where clients reach it etcd's face tells the cluster by itself: whoever waits for a member finds it in the list of members,
 * unless the cluster says that it cannot be told yet.
 * Always: the end of the store is listened for before anything else is opened, which takes its time and may be outlived.
 */
import type { Store } from '../../api/store.js'
import type { Logger } from '../../base/logger.js'
import { serveEtcd, type EtcdServer } from '../../etcd/server/serve-etcd.js'
import type { ServeEtcdOptions } from '../../etcd/server/options.js'
import { open } from '../../store/open.js'
import type { OpenOptions } from '../../store/options.js'
import { endingOf, type Ending } from './ending.js'

/** Between two tries to reach the others; a try itself takes until its deadline. */
const RETRY_MS = 500

export class RunningServer {
  readonly #store: Store
  readonly #server: EtcdServer
  readonly #stopped = new AbortController()
  #closing: Promise<void> | undefined
  /** Resolves when it has ended, by itself or closed. */
  readonly ended: Promise<Ending>

  private constructor(store: Store, server: EtcdServer, ended: Promise<Ending>) {
    this.#store = store
    this.#server = server
    this.ended = ended
  }

  /** Rejects as `open()` and `serveEtcd()` do; nothing is left open then. */
  static async start(member: OpenOptions, server: ServeEtcdOptions): Promise<RunningServer> {
    return RunningServer.over(await open(member), server)
  }

  /** The same of a store that is open, and closed where it cannot be served. */
  static async over(store: Store, server: ServeEtcdOptions): Promise<RunningServer> {
    const ended = endingOf(store)
    try {
      return new RunningServer(store, await serveEtcd(store, server), ended)
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
  async ready(logger: Logger): Promise<boolean> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      try {
        await this.#store.ready({ signal })
        await this.#server.announced
        return !signal.aborted
      } catch (error) {
        const { live } = this.#store.health()
        if (signal.aborted || !live) return false
        logger.info('waiting for the other members', { reason: (error as Error).message })
        await this.#pause()
      }
    }
    return false
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
