/**
 * Which server is asked: one, as long as it answers; when it does not, the next one of the list, round and round.
 *
 *     a works ──► a fails ──► b is reached ──► b works ...
 *                    └──► none of all is reached ──► pause, longer each time ──► once more
 *
 * Always: a call is begun on a connection that stands, so that of one that was not begun it is certain that no server saw it.
 * Always: however many calls wait, servers are dialled once, one after the other.
 */
import type { Environment } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import { reconnectMs } from './backoff.js'
import type { Connection } from './connection.js'
import type { CallLimits, Waiting } from './waiting.js'

export class Balancer {
  readonly #connections: readonly Connection[]
  readonly #environment: Environment
  readonly #waiting: Waiting
  readonly #closing = new AbortController()
  #at = 0
  /** In a row, since a call succeeded. */
  #failures = 0
  /** After how many of them all were left alone for a moment. */
  #restedAfter = 0
  /** What was said last by those that could not be reached. */
  readonly #reasons = new Map<Connection, string>()
  #connecting: Promise<Connection> | undefined

  constructor(connections: readonly Connection[], environment: Environment, waiting: Waiting) {
    this.#connections = connections
    this.#environment = environment
    this.#waiting = waiting
  }

  /** Aborts when it is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** The one to ask, if it can be asked at once. */
  get ready(): Connection | undefined {
    const connection = this.#current
    return this.#connecting === undefined && connection.isReady && !this.#pauses ? connection : undefined
  }

  /** One that can be asked. Rejects with `TIMEOUT`, `ABORTED`, `CLOSED`: then nothing was sent to anybody. */
  connected(limits: CallLimits): Promise<Connection> {
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    return this.#waiting.within(this.#connecting, limits, (code, cause) => {
      const when = code === 'ABORTED' ? 'The signal was aborted' : 'The deadline passed'
      return new StoreError(code, `${when} before a server was reached. ${this.#describe()}`, { cause })
    })
  }

  /** A call on it succeeded. */
  worked(connection: Connection): void {
    if (connection !== this.#current) return
    this.#failures = 0
    this.#restedAfter = 0
  }

  /** It, or the way to it, failed: the next one is asked. Told by each call that it failed for, the first one counts. */
  failed(connection: Connection, reason: string): void {
    this.#reasons.set(connection, reason)
    if (connection !== this.#current) return
    this.#failures += 1
    this.#at = (this.#at + 1) % this.#connections.length
  }

  close(): void {
    this.#closing.abort(new StoreError('CLOSED', 'The client is closed.'))
    for (const connection of this.#connections) connection.close()
  }

  get #current(): Connection {
    return this.#connections[this.#at] as Connection
  }

  /** All were tried in vain: they are left alone for a moment. */
  get #pauses(): boolean {
    return this.#failures % this.#connections.length === 0 && this.#failures !== this.#restedAfter
  }

  #describe(): string {
    const each = this.#connections.map((connection) => {
      return `${connection.endpoint.url}: ${this.#reasons.get(connection) ?? 'not reached yet'}`
    })
    return (
      `${each.join('; ')}. Check the addresses, that members listen there to clients, and that both sides speak TLS or ` +
      'neither does.'
    )
  }

  async #connect(): Promise<Connection> {
    const { signal } = this.#closing
    const { random, logger } = this.#environment
    for (;;) {
      if (this.#pauses) {
        const rounds = this.#failures / this.#connections.length - 1
        await this.#waiting.pause(reconnectMs(rounds, random), signal)
        this.#restedAfter = this.#failures
      }
      signal.throwIfAborted()
      const connection = this.#current
      const reason = await connection.reach()
      signal.throwIfAborted()
      if (reason === undefined) {
        this.#reasons.delete(connection)
        return connection
      }
      logger.info('a server cannot be reached', { endpoint: connection.endpoint.url, reason })
      this.failed(connection, reason)
    }
  }
}
