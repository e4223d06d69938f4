/**
 * Ports of their own for metrics and probes (`listenMetricsUrls`): for those who watch, and are not to reach the data.
 *
 * With https the certificate is that of the port of clients; clients need none here, as with etcd.
 */
import type { Environment } from '../../base/clock.js'
import { HttpDoor } from '../gateway/http-door.js'
import { HttpHandler, type HttpHandlerParts } from '../gateway/http-handler.js'
import type { ClientUrl } from './client-url.js'
import { FrontDoor } from './front-door.js'
import { listenAll, type Listener } from './listener.js'
import { TlsDoor } from './tls-door.js'
import type { EtcdTlsSettings } from './tls-options.js'

export interface MetricsPortsParts extends HttpHandlerParts {
  readonly urls: readonly ClientUrl[]
  /** Of the port of clients; undefined: no URL has it. */
  readonly tls: EtcdTlsSettings | undefined
  readonly environment: Environment
}

export class MetricsPorts {
  /** Where it listens, with the ports that were chosen. */
  readonly urls: readonly string[]
  readonly #listeners: readonly Listener[]
  readonly #door: FrontDoor
  readonly #http: HttpDoor
  readonly #tls: TlsDoor | undefined

  private constructor(listeners: readonly Listener[], door: FrontDoor, http: HttpDoor, tls: TlsDoor | undefined) {
    this.urls = listeners.map(({ url }) => url)
    this.#listeners = listeners
    this.#door = door
    this.#http = http
    this.#tls = tls
  }

  /** Rejects with `ADDRESS_IN_USE`, `ADDRESS_INVALID`, `TLS_INVALID`; nothing is left open then. */
  static async listen({ urls, tls: settings, environment, ...parts }: MetricsPortsParts): Promise<MetricsPorts> {
    // No method has a path here.
    const handler = new HttpHandler({ ...parts, settings: { ...parts.settings, enableGrpcGateway: false } })
    const http = new HttpDoor(handler, environment.timers)
    const secured = settings !== undefined && urls.some(({ secure }) => secure)
    const tls = secured
      ? await TlsDoor.open(withoutClients(settings), environment, (socket) => {
          door.takeSecured(socket)
        })
      : undefined
    const grpc = { take: (socket: { destroy(): unknown }) => void socket.destroy(), busyPeers: () => [] }
    const door: FrontDoor = new FrontDoor({ grpc, http, tls, environment })
    try {
      const listeners = await listenAll(urls, environment.logger, (socket, { secure }) => {
        door.take(socket, secure)
      })
      return new MetricsPorts(listeners, door, http, tls)
    } catch (error) {
      tls?.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const closed = this.#listeners.map((listener) => listener.close())
    this.#tls?.close()
    this.#door.close()
    await Promise.all([...closed, this.#http.close()])
  }
}

/** Nobody is asked for a certificate. */
function withoutClients(settings: EtcdTlsSettings): EtcdTlsSettings {
  return {
    ...settings,
    ...{ ca: undefined, crl: undefined, clientCertAuth: false, allowedHostname: undefined, allowedNames: undefined },
  }
}
