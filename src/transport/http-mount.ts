/**
 * Takes the requests under a path out of a server that is there for other things, too.
 *
 * A listener beside the server's own would not do: all of them are called for each request, and a framework answers what it
 * does not know with 404. So what the server emits is looked at before its listeners are, whenever they were added.
 *
 * Always: a request goes to exactly one side. What is mounted is kept on the server, so that several transports share one
 * place, and do not unwind each other in the wrong order.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { formatAddress, isLoopback } from './address.js'
import { tlsRequired } from './listener.js'

/** Answers a request, or returns false. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => boolean

type AnyServer = Server | SecureServer
type Mounts = Map<string, RequestHandler>

/** By which copies of this file, too, find what is mounted. */
const MOUNTS = Symbol.for('quorate.transport.mounts')

/**
 * Throws `TLS_REQUIRED` for a server that others reach without TLS, through which everybody could pose as a member. One that
 * does not listen yet is found out by the first request.
 */
export function checkServer(server: AnyServer, proves: { readonly tls: boolean; readonly insecure: boolean }): void {
  const address = server.address()
  if (proves.insecure || address === null || typeof address === 'string') return
  if (proves.tls && 'setSecureContext' in server) return
  if (!isLoopback(address.address)) throw tlsRequired(formatAddress({ host: address.address, port: address.port }))
}

/** Throws `ADDRESS_IN_USE`. Returns what takes it back. */
export function mount(server: AnyServer, path: string, handler: RequestHandler): () => void {
  const mounts = mountsOf(server)
  if (mounts.has(path)) {
    throw new StoreError('ADDRESS_IN_USE', `The path ${quote(path)} of this server is taken by another transport.`)
  }
  mounts.set(path, handler)
  // The longest first: a path within another one is not for whoever has the other one.
  const longestFirst = [...mounts].sort(([one], [other]) => other.length - one.length)
  mounts.clear()
  for (const [each, its] of longestFirst) mounts.set(each, its)
  return () => {
    if (mounts.get(path) === handler) mounts.delete(path)
  }
}

function mountsOf(server: AnyServer & { [MOUNTS]?: Mounts }): Mounts {
  const known = server[MOUNTS]
  if (known !== undefined) return known
  const mounts: Mounts = new Map()
  server[MOUNTS] = mounts
  const emit = server.emit.bind(server) as (event: string, ...values: unknown[]) => boolean
  server.emit = (event: string, ...values: unknown[]): boolean => {
    if (event === 'request' && isTaken(mounts, values)) return true
    return emit(event, ...values)
  }
  return mounts
}

function isTaken(mounts: Mounts, [request, response]: unknown[]): boolean {
  for (const handler of mounts.values()) {
    if (handler(request as IncomingMessage, response as ServerResponse)) return true
  }
  return false
}
