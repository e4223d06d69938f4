/** Short answers in plain text, to members and to people who look what is there. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Every answer of ours: nothing on the way may keep it, or change it. */
const ALWAYS = {
  'Cache-Control': 'no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
}

/** The head of an answer whose body is bytes. */
export const BYTES_HEAD = { ...ALWAYS, 'Content-Type': 'application/octet-stream' } as const

/**
 * Answers in one go. The connection is not used again: what else comes on it, the rest of a body that nobody wants, say, is
 * not read.
 */
export function respond(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const bytes = typeof body === 'string' ? Buffer.from(`${body}\n`, 'utf8') : body
  const type = typeof body === 'string' ? { 'Content-Type': 'text/plain; charset=utf-8' } : {}
  const head = { ...BYTES_HEAD, ...type, Connection: 'close', 'Content-Length': String(bytes.byteLength), ...headers }
  response.writeHead(status, head)
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

/** Whether a request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}
