/** Questions to a member by somebody who need not be one: one request, one response. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { checkAnswer, questionHello } from './handshake.js'
import { describeFailure } from './describe-failure.js'
import { readBody } from './http-body.js'
import type { HttpClient } from './http-client.js'
import { HTTP_VERSIONS, NO_ANSWER_HEADER, readAnswer } from './http-handshake.js'
import { isPlain } from './http-address.js'
import { QUESTION_PATH } from './http-paths.js'
import { NO_ANSWER, unanswered, unansweredInTime } from './question.js'

export interface AskingOptions {
  readonly client: HttpClient
  readonly timers: Timers
  readonly timeoutMs: number
  /** Aborted when the transport closes. */
  readonly signal: AbortSignal
}

/** Rejects as `Transport.ask` does. */
export async function ask(address: string, question: Uint8Array, options: AskingOptions): Promise<Uint8Array> {
  const { client, timers, timeoutMs, signal } = options
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(question.byteLength) }
  const request = client.call(address, { method: 'POST', path: QUESTION_PATH, headers })
  // Where the response is being read already, its end does not tell why.
  let ended: StoreError | undefined
  const end = (reason: StoreError): void => {
    ended ??= reason
    request.destroy(reason)
  }
  const cancel = timers.after(timeoutMs, () => end(unansweredInTime(address, timeoutMs)))
  const close = (): void => end(new StoreError('CLOSED', 'The transport was closed.'))
  signal.addEventListener('abort', close)
  try {
    const response = await responseTo(request, question)
    if (response.statusCode !== 200) throw whyNot(response)
    return await readBody(response, LIMITS.answerBytesMax)
  } catch (error) {
    throw ended ?? unanswered(address, describeFailure(error as Error, isPlain(address)).replace(/\.$/, ''))
  } finally {
    cancel()
    signal.removeEventListener('abort', close)
    request.destroy()
  }
}

function responseTo(request: ClientRequest, question: Uint8Array): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
    request.on('close', () => reject(new Error('the connection was closed')))
    request.end(question)
  })
}

/** In a member's own words, or what the status of somebody else says. */
function whyNot({ statusCode = 0, headers }: IncomingMessage): Error {
  const said = headers[NO_ANSWER_HEADER]
  if (typeof said === 'string' && Object.hasOwn(NO_ANSWER, said))
    return new Error(NO_ANSWER[said as keyof typeof NO_ANSWER])
  try {
    const answer = readAnswer(headers)
    if (answer !== undefined) checkAnswer(answer, questionHello(HTTP_VERSIONS))
  } catch (error) {
    return error as Error
  }
  return new Error(`HTTP ${statusCode} (${STATUS_CODES[statusCode] ?? 'unknown'})`)
}
