/**
 * Answers over HTTP, of which every kind is written here once.
 *
 * Always: what is answered to HEAD is the answer to GET without its body: Node leaves it out.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireStatus } from '../wire/status.js'
import { errorBody, httpStatusOf } from '../wire/http-status.js'

/** Something of the server that has a path of its own: it answers, whatever happens. */
export type Endpoint = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>

export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  answer(response, status, 'application/json', Buffer.from(JSON.stringify(body)))
}

export function answerText(response: ServerResponse, status: number, text: string): void {
  response.setHeader('X-Content-Type-Options', 'nosniff')
  answer(response, status, 'text/plain; charset=utf-8', Buffer.from(text))
}

/** A call that failed, with the status and the body that clients of etcd's gateway know. */
export function answerFailure(response: ServerResponse, failure: WireStatus): void {
  answerJson(response, httpStatusOf(failure.code), errorBody(failure))
}

/** Whether it is one of these; else it was answered, with what is allowed. */
export function isAllowed(request: IncomingMessage, response: ServerResponse, ...methods: readonly string[]): boolean {
  if (methods.includes(request.method ?? '')) return true
  response.setHeader('Allow', methods.join(', '))
  answerText(response, 405, 'Method Not Allowed\n')
  return false
}

function answer(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.statusCode = status
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', body.length)
  response.end(body)
}
