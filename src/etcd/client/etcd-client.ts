/**
 * A client of etcd's API, ours or another: every method of it by its name, with messages as they stand in the protocol.
 *
 *     const client = await EtcdClient.open({ endpoints: ['127.0.0.1:2379'] })
 *     const { header, kvs } = await client.kv.range(RangeRequest.create({ key: Buffer.from('a') }))
 *     for await (const response of client.watch.watch(requests, { signal })) ...
 *     client.close()
 *
 * A method of one request and one response gives a promise; one with a stream of responses an AsyncIterable, which ends the
 * call when its loop is left. What they reject with, or throw, is a StoreError; its message is the server's, and what gRPC
 * said (`code`, `details`) is its `cause`.
 *
 * Always: a call that only reads is made again, on another server where one does not answer, until its deadline; a write only
 * where it is certain that the one before was not taken up. A token that counts no more is replaced, where there is a password.
 * Not here: streams are not made again when they break (`UNREACHABLE`); what they were for is not known here.
 */
import { StoreError } from '../../base/errors.js'
import { credentials } from '@grpc/grpc-js'
import { checkSignal, checkTimeout } from '../../api/check-call.js'
import type { Environment } from '../../base/clock.js'
import { ElectionService } from '../generated/election.js'
import { HealthService } from '../generated/health.js'
import { LockService } from '../generated/lock.js'
import {
  AuthService,
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
  WatchService,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
} from '../generated/rpc.js'
import { Balancer } from './balancer.js'
import { Calls } from './calls.js'
import type { ClientCallOptions } from './client-method.js'
import { secureCredentialsOf } from './channel-credentials.js'
import { connectSettingsOf, type ConnectAuth, type ConnectOptions, type ConnectSettings } from './connect-options.js'
import { Connection } from './connection.js'
import { Login } from './login.js'
import { methodsOf, type Methods } from './methods.js'
import { Waiting, type CallLimits } from './waiting.js'

/** What all clients of one set of connections share. */
interface Shared {
  readonly settings: ConnectSettings
  readonly waiting: Waiting
  readonly balancer: Balancer
}

export class EtcdClient {
  readonly kv: Methods<typeof KVService>
  readonly watch: Methods<typeof WatchService>
  readonly lease: Methods<typeof LeaseService>
  readonly cluster: Methods<typeof ClusterService>
  readonly maintenance: Methods<typeof MaintenanceService>
  readonly auth: Methods<typeof AuthService>
  readonly lock: Methods<typeof LockService>
  readonly election: Methods<typeof ElectionService>
  readonly health: Methods<typeof HealthService>
  /** @internal */
  readonly calls: Calls
  readonly #shared: Shared

  private constructor(shared: Shared, auth: ConnectAuth | undefined) {
    this.#shared = shared
    const { waiting, balancer, settings } = shared
    const login = new Login(auth, (user, password) => this.#authenticate(user, password))
    this.calls = new Calls({ waiting, balancer, login, environment: settings.environment })
    const limits = (options: ClientCallOptions, defaultMs: number): CallLimits => this.#limits(options, defaultMs)
    const of = <Definitions extends object>(definitions: Definitions): Methods<Definitions> =>
      methodsOf(definitions, this.calls, limits, settings.timeoutMs)
    this.kv = of(KVService)
    this.watch = of(WatchService)
    this.lease = of(LeaseService)
    this.cluster = of(ClusterService)
    this.maintenance = of(MaintenanceService)
    this.auth = of(AuthService)
    this.lock = of(LockService)
    this.election = of(ElectionService)
    this.health = of(HealthService)
  }

  /** Waits for no server. Throws TypeError and RangeError for options that are none, `TLS_INVALID`. */
  static async open(options: ConnectOptions): Promise<EtcdClient> {
    const settings = connectSettingsOf(options)
    const { endpoints, tls, environment } = settings
    const secure = endpoints.some(({ secure }) => secure) ? await secureCredentialsOf(tls) : undefined
    const waiting = new Waiting(environment)
    const connections = endpoints.map((endpoint) => {
      const channel = endpoint.secure && secure !== undefined ? secure : credentials.createInsecure()
      return new Connection({ endpoint, credentials: channel, serverName: tls.serverName, environment })
    })
    return new EtcdClient(
      { settings, waiting, balancer: new Balancer(connections, environment, waiting) },
      settings.auth,
    )
  }

  get settings(): ConnectSettings {
    return this.#shared.settings
  }

  /** @internal */
  get waiting(): Waiting {
    return this.#shared.waiting
  }

  get environment(): Environment {
    return this.settings.environment
  }

  /** Aborts when it is closed, with what calls are told then. */
  get closed(): AbortSignal {
    return this.#shared.balancer.closed
  }

  /** One renewal of a lease, made again as what only reads; of the stream that etcd has for many of them. */
  async keepAlive(request: LeaseKeepAliveRequest, options: ClientCallOptions = {}): Promise<LeaseKeepAliveResponse> {
    return this.calls.ask(LeaseService.leaseKeepAlive, request, this.#limits(options, this.settings.timeoutMs))
  }

  /** Over the same connections, as somebody else; undefined: as nobody. It ends with this one. */
  as(auth: ConnectAuth | undefined): EtcdClient {
    return new EtcdClient(this.#shared, auth)
  }

  /** All calls under way, and further ones, are told `CLOSED`. */
  close(): void {
    this.#shared.balancer.close()
  }

  async #authenticate(name: string, password: string): Promise<string | undefined> {
    try {
      const nobody = this.as(undefined)
      return (await nobody.auth.authenticate({ name, password }, { repeatable: true })).token
    } catch (error) {
      if (error instanceof StoreError && error.code === 'AUTH_NOT_ENABLED') return undefined
      throw error
    }
  }

  #limits({ signal, timeoutMs }: ClientCallOptions, defaultMs: number): CallLimits {
    checkTimeout(timeoutMs)
    checkSignal(signal)
    return this.#shared.waiting.limitsOf(timeoutMs ?? defaultMs, signal)
  }
}
