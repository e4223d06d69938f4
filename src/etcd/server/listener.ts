/**
 * One place that is listened on.
 *
 * Always: what goes wrong with one caller, or with accepting, ends nothing else.
 */
import { once } from 'node:events'
import { lstat, unlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { StoreError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'
import { formatClientUrl, type ClientUrl } from './client-url.js'

export class Listener {
  readonly #server: Server

  private constructor(
    server: Server,
    readonly url: string,
  ) {
    this.#server = server
  }

  /** Rejects with `ADDRESS_IN_USE`, `ADDRESS_INVALID`. */
  static async listen(url: ClientUrl, logger: Logger, accept: (socket: Socket) => void): Promise<Listener> {
    const server = createServer({ noDelay: true, keepAlive: true }, accept)
    try {
      await begin(server, url)
    } catch (error) {
      if (url.type !== 'unix' || !(await isLeftBehind(url.path))) throw listenError(url, error as NodeJS.ErrnoException)
      await unlink(url.path).catch(() => undefined)
      await begin(server, url).catch((again: NodeJS.ErrnoException) => {
        throw listenError(url, again)
      })
    }
    // From here on: a failed accept, for want of file descriptors, say. The others go on.
    server.on('error', (error) => {
      logger.warn('a connection could not be accepted', { reason: error.message })
    })
    const port = url.type === 'tcp' ? (server.address() as AddressInfo).port : undefined
    return new Listener(server, formatClientUrl(url, port))
  }

  /** Resolves when the sockets that came in, which are the caller's to close, are closed, too. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}

async function begin(server: Server, url: ClientUrl): Promise<void> {
  const { host, port, path } = { host: undefined, port: undefined, path: undefined, ...url }
  server.listen(path === undefined ? { host, port, exclusive: true } : { path })
  await once(server, 'listening')
}

/** Whether nobody listens on a socket that is there: its process was killed, and could not take it away. */
async function isLeftBehind(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  // Somebody's file, which refuses connections as well.
  if (found?.isSocket() !== true) return false
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

/** On all of them or on none. Rejects as {@link Listener.listen}. */
export async function listenAll(
  urls: readonly ClientUrl[],
  logger: Logger,
  accept: (socket: Socket, url: ClientUrl) => void,
): Promise<readonly Listener[]> {
  const tried = await Promise.allSettled(
    urls.map((url) => Listener.listen(url, logger, (socket) => accept(socket, url))),
  )
  const listeners = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = tried.find((one) => one.status === 'rejected')
  if (failed === undefined) return listeners
  await Promise.all(listeners.map((listener) => listener.close()))
  throw failed.reason
}

function listenError(url: ClientUrl, error: NodeJS.ErrnoException): StoreError {
  const where = formatClientUrl(url)
  if (error.code === 'EADDRINUSE') {
    return new StoreError('ADDRESS_IN_USE', `${where} is taken by another process.`, { cause: error })
  }
  return new StoreError('ADDRESS_INVALID', `Cannot listen on ${where}: ${error.message}`, { cause: error })
}
