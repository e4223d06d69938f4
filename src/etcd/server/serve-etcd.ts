/** Puts etcd's API on a store: see {@link serveEtcd}. */
import type { Socket } from 'node:net'
import type { Store } from '../../api/store.js'
import type { Logger } from '../../base/logger.js'
import { announce } from './announcement.js'
import { Callers } from './callers.js'
import type { ClientUrl } from './client-url.js'
import { EtcdMetrics } from '../metrics/etcd-metrics.js'
import { faceOf } from './face.js'
import { GrpcDoor } from './grpc-door.js'
import { Listener } from './listener.js'
import { checkOptions, type ServeEtcdOptions } from './options.js'
import { methodsOf } from './services.js'

/** What `serveEtcd()` gives. */
export interface EtcdServer extends AsyncDisposable {
  /** Where it listens, with the ports that were chosen. */
  readonly clientUrls: readonly string[]
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
  const { listenClientUrls, ...checked } = checkOptions(options)
  const { logger } = store.environment
  const sockets = new Set<Socket>()
  let open = (_door: GrpcDoor): void => undefined
  const opened = new Promise<GrpcDoor>((resolve) => (open = resolve))
  const accept = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    void opened.then((door) => door.take(socket))
  }
  const listeners = await listenAll(listenClientUrls, logger, accept)
  const clientUrls = listeners.map(({ url }) => url)
  const settings = { ...checked, advertiseClientUrls: checked.advertiseClientUrls ?? clientUrls }
  const face = faceOf(store, settings)
  const metrics = new EtcdMetrics(store, settings.metrics)
  const door = new GrpcDoor({
    observer: metrics.observer,
    methods: methodsOf(face),
    callers: new Callers(store),
    settings,
    environment: store.environment,
  })
  open(door)
  const closing = new AbortController()
  void announce(store, settings.advertiseClientUrls, closing.signal)
  const end = async (): Promise<void> => {
    closing.abort()
    const closed = listeners.map((listener) => listener.close())
    await door.close()
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
    metrics.close()
  }
  let ended: Promise<void> | undefined
  const close = (): Promise<void> => (ended ??= end())
  return { clientUrls, close, [Symbol.asyncDispose]: close }
}

/** All or none. */
async function listenAll(
  urls: readonly ClientUrl[],
  logger: Logger,
  accept: (socket: Socket) => void,
): Promise<readonly Listener[]> {
  const tried = await Promise.allSettled(urls.map((url) => Listener.listen(url, logger, accept)))
  const listeners = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = tried.find((one) => one.status === 'rejected')
  if (failed === undefined) return listeners
  await Promise.all(listeners.map((listener) => listener.close()))
  throw failed.reason
}
