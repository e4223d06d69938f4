/** Puts etcd's API on a store: see {@link serveEtcd}. */
import type { Socket } from 'node:net'
import type { Store } from '../../api/store.js'
import type { Timers } from '../../base/clock.js'
import { LIMITS } from '../../base/limits.js'
import { metricsEndpoint } from '../metrics/endpoint.js'
import { EtcdMetrics } from '../metrics/etcd-metrics.js'
import { HttpDoor } from '../gateway/http-door.js'
import { HttpHandler } from '../gateway/http-handler.js'
import { announce } from './announcement.js'
import { Callers } from './callers.js'
import { faceOf } from './face.js'
import { FrontDoor } from './front-door.js'
import { GrpcDoor } from './grpc-door.js'
import { listenAll } from './listener.js'
import { MetricsPorts } from './metrics-ports.js'
import { checkOptions, type ServeEtcdOptions } from './options.js'
import { methodsOf } from './services.js'
import { TlsDoor } from './tls-door.js'

/** What `serveEtcd()` gives. */
export interface EtcdServer extends AsyncDisposable {
  /** Where it listens, with the ports that were chosen. */
  readonly clientUrls: readonly string[]
  /** The same of `listenMetricsUrls`. */
  readonly metricsUrls: readonly string[]
  /**
   * Resolves once the cluster knows where clients reach this member, or has said that it cannot be told yet, as while members
   * of an older version run; then it is told later. And when this server is closed. Never rejects.
   */
  readonly announced: Promise<void>
  /**
   * No new calls; streams end with `etcdserver: server stopped`, and unary calls under way finish, for at most
   * LIMITS.etcdDrainMsMax. The store stays open. Idempotent.
   */
  close(): Promise<void>
}

/**
 * Serves etcd's API over a store, so that clients of etcd work with it.
 *
 * The store is the one that {@link open} returned: on behalf of callers it is called with what they prove to be. Rejects with
 * `ADDRESS_IN_USE`, `ADDRESS_INVALID`; throws TypeError and RangeError for options that are none.
 *
 * @example
 * const store = await open({ dataDir: './data' })
 * const server = await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:2379'] })
 * console.log(server.clientUrls)
 */
export async function serveEtcd(store: Store, options: ServeEtcdOptions = {}): Promise<EtcdServer> {
  const { listenClientUrls, listenMetricsUrls, tls: tlsSettings, ...checked } = checkOptions(options)
  const { environment } = store
  let open = (_door: FrontDoor): void => undefined
  const early = new Set<Socket>()
  const opened = new Promise<FrontDoor>((resolve) => (open = resolve))
  const tls =
    tlsSettings &&
    (await TlsDoor.open(tlsSettings, environment, (socket) => void opened.then((door) => door.takeSecured(socket))))
  const listeners = await listenAll(listenClientUrls, environment.logger, (socket, { secure }) => {
    // Until then: what breaks is nobody's fault, and whoever waits is not to hold up a start that fails.
    socket.on('error', () => undefined)
    early.add(socket)
    void opened.then((door) => {
      early.clear()
      door.take(socket, secure)
    })
  }).catch((error: unknown) => {
    tls?.close()
    throw error
  })
  const clientUrls = listeners.map(({ url }) => url)
  const settings = { ...checked, advertiseClientUrls: checked.advertiseClientUrls ?? clientUrls }
  const methods = methodsOf(faceOf(store, settings))
  const callers = new Callers(store)
  const metrics = new EtcdMetrics(store, settings.metrics)
  const endpoints = new Map([['/metrics', metricsEndpoint(metrics)]])
  const shared = { store, methods, settings, callers, observer: metrics.observer }
  const grpc = new GrpcDoor({ ...shared, userOf: (certificate) => tls?.userOf(certificate) })
  const http = new HttpDoor(new HttpHandler({ ...shared, endpoints }), environment.timers)
  const door = new FrontDoor({ grpc, http, tls, environment })
  const watched = { ...shared, endpoints, urls: listenMetricsUrls, tls: tlsSettings, environment }
  const ports = await MetricsPorts.listen(watched).catch(async (error: unknown) => {
    metrics.close()
    tls?.close()
    const closed = listeners.map((listener) => listener.close())
    for (const socket of early) socket.destroy()
    await Promise.all(closed)
    throw error
  })
  open(door)
  const closing = new AbortController()
  let tried = (): void => undefined
  const announced = new Promise<void>((resolve) => (tried = resolve))
  void announce(store, settings.advertiseClientUrls, closing.signal, tried)
  const end = async (): Promise<void> => {
    closing.abort()
    const closed = listeners.map((listener) => listener.close())
    tls?.close()
    await Promise.all([grpc.close(), within(environment.timers, LIMITS.etcdDrainMsMax, http.close())])
    door.close()
    await Promise.all([...closed, ports.close()])
    metrics.close()
  }
  let ended: Promise<void> | undefined
  const close = (): Promise<void> => (ended ??= end())
  return { clientUrls, metricsUrls: ports.urls, announced, close, [Symbol.asyncDispose]: close }
}

/** Resolves when it is done, or the time is over. */
function within(timers: Timers, timeMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(timeMs, resolve)
    work.finally(cancel).then(resolve, reject)
  })
}
