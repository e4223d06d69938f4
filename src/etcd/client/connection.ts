/** One server: a channel to it, made anew when the one before came to nothing, so that no wait of gRPC's own is in the way. */
import { Client, connectivityState, status, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js'
import type { Environment } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { Endpoint } from './endpoint.js'

/** One answer: as much as a server of ours gives, and what is around keys and values. */
export const RECEIVE_BYTES_MAX = 2 * LIMITS.responseBytesMax

const OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': RECEIVE_BYTES_MAX,
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_time_ms': LIMITS.clientKeepAliveMs,
  'grpc.keepalive_timeout_ms': LIMITS.clientKeepAliveTimeoutMs,
  'grpc.keepalive_permit_without_calls': 0,
  // Each client has connections of its own, and tries again by itself.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
}

export interface ConnectionParts {
  readonly endpoint: Endpoint
  readonly credentials: ChannelCredentials
  /** In place of the host of the endpoint. */
  readonly serverName: string | undefined
  readonly environment: Environment
}

export class Connection {
  readonly #parts: ConnectionParts
  #client: Client | undefined
  #closed = false

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  get endpoint(): Endpoint {
    return this.#parts.endpoint
  }

  /** For calls; it is made here where there is none. Throws `CLOSED`. */
  get client(): Client {
    if (this.#closed) throw new StoreError('CLOSED', 'The client is closed.')
    return (this.#client ??= this.#make())
  }

  get isReady(): boolean {
    return this.#client?.getChannel().getConnectivityState(false) === connectivityState.READY
  }

  /** Resolves when the server is reached, with undefined; or with why it is not, after LIMITS.clientConnectMsMax at the latest. */
  async reach(): Promise<string | undefined> {
    const { clock } = this.#parts.environment
    const untilMs = clock.monotonicMs() + LIMITS.clientConnectMsMax
    const { client } = this
    for (;;) {
      const state = client.getChannel().getConnectivityState(true)
      if (state === connectivityState.READY) return undefined
      const leftMs = untilMs - clock.monotonicMs()
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN || leftMs <= 0) break
      await changed(client, state, clock.wallMs() + leftMs)
    }
    const reason = await reasonOf(client, clock.wallMs() + REASON_MS)
    this.#drop()
    return reason
  }

  /** Calls under way on it end as failed. */
  close(): void {
    this.#closed = true
    this.#drop()
  }

  #drop(): void {
    this.#client?.close()
    this.#client = undefined
  }

  #make(): Client {
    const { endpoint, credentials, serverName } = this.#parts
    const names = serverName !== undefined && { 'grpc.ssl_target_name_override': serverName }
    return new Client(endpoint.target, credentials, { ...OPTIONS, ...names })
  }
}

/** Resolves when the state is another one, or at `deadlineMs` by the wall clock. */
function changed(client: Client, state: connectivityState, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    client.getChannel().watchConnectivityState(state, deadlineMs, () => {
      resolve()
    })
  })
}

/** How long the reason may take: where there is one it is there at once. */
const REASON_MS = 100

const NOTHING = (): Buffer => Buffer.alloc(0)

/** Why it has no connection: gRPC tells it only to a call that fails for it. */
function reasonOf(client: Client, deadlineMs: number): Promise<string> {
  return new Promise((resolve) => {
    const path = '/grpc.health.v1.Health/Check'
    client.makeUnaryRequest(path, NOTHING, NOTHING, undefined, { deadline: deadlineMs }, (error) => {
      const details = error === null || error.code === status.DEADLINE_EXCEEDED ? undefined : error.details
      const [, reason = details] =
        /Last error: (?:Error: )?(.*?)(?:\. Resolution note: .*)?$/s.exec(details ?? '') ?? []
      resolve(reason?.trim() ?? `no answer within ${LIMITS.clientConnectMsMax} ms`)
    })
  })
}
