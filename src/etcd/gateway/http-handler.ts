/**
 * Everything that is served over HTTP on the port of clients, besides gRPC: etcd's JSON gateway, the probes, the version, and
 * what else is given a path.
 *
 * Always: each request is answered, and none of them ends the process.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Store } from '../../api/store.js'
import type { CallObserver, HealthObserver } from '../server/call-observer.js'
import type { Callers } from '../server/callers.js'
import type { ServedMethod } from '../server/services.js'
import { answerText, type Endpoint } from './answer.js'
import { admitsBrowser, type BrowserSettings } from './browsers.js'
import { JsonGateway } from './json-gateway.js'
import { probes } from './probes.js'
import { version } from './version.js'

export interface HttpSettings extends BrowserSettings {
  readonly requestBytesMax: number
  /** Whether `/v3/*` is served. */
  readonly enableGrpcGateway: boolean
}

export interface HttpHandlerParts {
  /** As it was given to the server: probes ask it. */
  readonly store: Store
  readonly methods: ReadonlyMap<string, ServedMethod>
  readonly callers: Callers
  readonly settings: HttpSettings
  readonly observer: CallObserver & HealthObserver
  /** What else is served, by its paths: `/metrics`, say. */
  readonly endpoints?: ReadonlyMap<string, Endpoint>
}

export class HttpHandler {
  readonly #parts: HttpHandlerParts
  readonly #endpoints: ReadonlyMap<string, Endpoint>
  readonly #gateway: JsonGateway
  readonly #underWay = new Set<Promise<void>>()

  constructor(parts: HttpHandlerParts) {
    this.#parts = parts
    const { store, methods, callers, settings, observer, endpoints = new Map<string, Endpoint>() } = parts
    const { requestBytesMax } = settings
    this.#gateway = new JsonGateway({ store, methods, callers, observer, requestBytesMax })
    this.#endpoints = new Map([['/version', version], ...probes(store, observer), ...endpoints])
  }

  /** For `createServer()` of node:http, node:https and node:http2. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const answered = this.#answer(request, response).catch((error: unknown) =>
      this.#answerBug(error, request, response),
    )
    this.#underWay.add(answered)
    void answered.then(() => this.#underWay.delete(answered))
  }

  /** Streams end with `etcdserver: server stopped`, new calls are refused with it; resolves when those under way have finished. */
  async close(): Promise<void> {
    this.#gateway.close()
    await Promise.all(this.#underWay)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away in the middle is its own affair.
    request.on('error', ignore)
    response.on('error', ignore)
    if (!admitsBrowser(request, response, this.#parts.settings)) return
    const url = urlOf(request)
    const path = url.pathname.replace(/^\/v3beta\//, '/v3/')
    const endpoint = this.#endpoints.get(path)
    if (endpoint !== undefined) return endpoint(request, response, url)
    if (this.#parts.settings.enableGrpcGateway && path.startsWith('/v3/')) {
      return this.#gateway.serve(request, response, path)
    }
    answerText(response, 404, '404 page not found\n')
  }

  #answerBug(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#parts.store.environment.logger.error('a request over HTTP failed for a reason that none should', { reason })
    if (response.headersSent) request.destroy()
    else answerText(response, 500, 'internal error; the log of the server has more\n')
  }
}

/** A path that begins with two slashes is no name of a host. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url.startsWith('/') ? `http://localhost${url}` : url)
  } catch {
    return new URL('http://localhost/')
  }
}

function ignore(): void {
  // Whoever waits for the request or the response learns of it there.
}
