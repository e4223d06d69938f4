/**
 * The body of a request: gathered up to a bound, or chunk by chunk.
 *
 * Always: leaving a body half read leaves the connection as it is, so that the answer still goes out.
 */
import type { IncomingMessage } from 'node:http'
import { Refusal } from '../server/refusal.js'

/** Rejects with a {@link Refusal} when it is larger, before it is kept; with what broke the connection, else. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const tooLarge = new Refusal('INVALID_ARGUMENT', 'etcdserver: request is too large')
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunksOf(request)) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function chunksOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  return request.iterator({ destroyOnReturn: false })
}
