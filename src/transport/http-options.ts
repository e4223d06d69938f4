/** What an HTTP transport is given, and what its parts share. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Environment } from '../base/clock.js'
import type { Speaker } from './handshake.js'
import type { HttpClient } from './http-client.js'
import type { Counters, TcpLimits } from './tcp-options.js'
import type { TlsOptions } from './tls-options.js'
import type { Transport, TransportHandler } from './transport.js'

interface CommonOptions {
  /** Clock, timers, randomness (for the jitter of reconnecting) and logger. */
  readonly environment: Environment
  /**
   * Certificate, key and authorities. A server of the transport's own speaks HTTPS then; who calls over TLS has to show a
   * certificate, also to a server that is attached to; and peers are called at `https:` addresses with this member's.
   * Without it, who answers at such an address is held to the authorities that Node knows.
   */
  readonly tls?: TlsOptions
  /**
   * Takes and makes calls that go beyond this machine and prove nothing: without TLS, or from callers without a certificate. Whoever
   * reaches the port can pose as a member then. Default false: they are refused with `TLS_REQUIRED`. Only for a network that
   * nobody else can reach, or behind a proxy that lets nobody else through.
   */
  readonly insecure?: boolean
  /** Other bounds than those of LIMITS. All members of a cluster must agree on `frameBytesMax`. */
  readonly limits?: Partial<TcpLimits>
}

/** With a server of its own. */
export interface HttpListenOptions extends CommonOptions {
  /** Where to listen: `host:port`; port 0 takes any free one, which `address` then tells. */
  readonly listen: string
  /** Under which path. Default: `/quorate`. */
  readonly path?: string
}

/** As a part of a server that is there for other things, too. */
export interface HttpAttachOptions extends CommonOptions {
  /**
   * Requests under `path` are taken from this server, all others are left to its own listeners. The server is neither started nor
   * closed. Left out where requests come by {@link HttpTransport.handler}.
   */
  readonly server?: Server | SecureServer
  /** Under which path, as the server gets it. */
  readonly path: string
  /** Where peers reach this: `http://host:port/path`, or `https://…`. */
  readonly address: string
}

export type HttpOptions = HttpListenOptions | HttpAttachOptions

/** A transport over HTTP, which may also be handed its requests by whoever has them. */
export interface HttpTransport extends Transport {
  /**
   * Answers a request under the path of the transport, and returns true; false for any other, which it leaves alone. Needs no `this`.
   * A framework must not have read the body.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** What the parts of a started transport share. */
export interface HttpContext {
  readonly self: Speaker
  readonly handler: TransportHandler
  readonly environment: Environment
  readonly limits: TcpLimits
  readonly counters: Counters
  readonly client: HttpClient
}

/** Throws TypeError for what says nowhere, or two places, to be called at. */
export function checkPlace(options: HttpOptions): void {
  const { listen, server, path, address } = options as Partial<HttpListenOptions & HttpAttachOptions>
  if (path !== undefined && typeof path !== 'string')
    throw new TypeError(`path must be a string, not ${typeName(path)}`)
  if (listen !== undefined) {
    if (typeof listen !== 'string') throw new TypeError(`listen must be a string, host:port, not ${typeName(listen)}`)
    if (server === undefined) return
    throw new TypeError(
      'listen and server exclude each other: a transport has a server of its own, or is part of another',
    )
  }
  if (typeof address !== 'string') {
    throw new TypeError(
      'an HTTP transport needs listen, for a server of its own, or address, where peers reach it as a part of another one',
    )
  }
  if (server === undefined || isLikeServer(server)) return
  throw new TypeError(`server must be a server of node:http or node:https, not ${typeName(server)}`)
}

/** Also one of a copy of the module, or of whoever builds upon it; one of node:net knows no requests. */
function isLikeServer(server: unknown): boolean {
  const { setTimeout, closeAllConnections, emit, address } = (server ?? {}) as Partial<Server>
  return [setTimeout, closeAllConnections, emit, address].every((each) => typeof each === 'function')
}

function typeName(value: unknown): string {
  return value === null ? 'null' : typeof value
}
