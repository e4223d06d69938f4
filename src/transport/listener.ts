/**
 * A port that is listened on, for every transport that has one: from the address in the options to the sockets that come in.
 *
 * Always: what goes wrong with one caller, or with accepting, ends nothing else.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { StoreError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { quote } from '../base/quote.js'
import { formatAddress, isLoopback, parseAddress } from './address.js'
import type { HostPort } from './address.js'

export class Listener {
  readonly #server: Server
  readonly #logger: Logger
  #closing: Promise<void> | undefined

  constructor(logger: Logger, accept: (socket: Socket) => void) {
    this.#logger = logger
    this.#server = createServer({ noDelay: true, keepAlive: true }, accept)
  }

  /**
   * Returns the address with the port that was chosen. Rejects with `ADDRESS_IN_USE`, `ADDRESS_INVALID`, or `CLOSED` when it was
   * closed meanwhile.
   */
  async listen(listen: HostPort): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => reject(this.#closing ? closedMeanwhile() : listenError(listen, error)))
      this.#server.once('close', () => reject(closedMeanwhile()))
      this.#server.listen({ ...listen, exclusive: true }, resolve)
    })
    if (this.#closing) throw closedMeanwhile()
    // From here on: a failed accept, for want of file descriptors, say. The others go on.
    this.#server.on('error', (error) => {
      this.#logger.warn('a connection could not be accepted', { reason: error.message })
    })
    return formatAddress({ host: listen.host, port: (this.#server.address() as AddressInfo).port })
  }

  /** Resolves when the sockets that came in, which are the caller's to close, are closed, too. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
    return this.#closing
  }
}

/** Takes the address to listen on apart. Throws `ADDRESS_INVALID` or `TLS_REQUIRED`. */
export function checkListen(listen: string, insecure: boolean): HostPort {
  const parsed = parseAddress(listen)
  if (!isLoopback(parsed.host) && !insecure) throw tlsRequired(listen)
  return parsed
}

export function tlsRequired(listen: string): StoreError {
  return new StoreError(
    'TLS_REQUIRED',
    `Listening on ${quote(listen)} would let everybody on the network pose as a member of the cluster. ` +
      `Give it \`tls\`, listen on a loopback address, or set insecure: true where nobody else can reach the port.`,
  )
}

function listenError(listen: HostPort, error: NodeJS.ErrnoException): StoreError {
  const address = quote(formatAddress(listen))
  if (error.code === 'EADDRINUSE') {
    return new StoreError('ADDRESS_IN_USE', `${address} is taken by another process.`, { cause: error })
  }
  return new StoreError('ADDRESS_INVALID', `Cannot listen on ${address}: ${error.message}`, { cause: error })
}

function closedMeanwhile(): StoreError {
  return new StoreError('CLOSED', 'The transport was closed while it started.')
}
