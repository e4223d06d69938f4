/**
 * Hello and answer in the heads of a request and its response: the bytes that TCP carries first on a connection, in base64
 * (docs/WIRE-PROTOCOL.md).
 *
 * Always: what comes in a header is looked at only when it is as long as a handshake may be.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { StoreError } from '../base/errors.js'
import { encodeAnswer, encodeHello, HandshakeReader, PROTOCOL_VERSIONS } from './handshake.js'
import type { Answer, Hello, Refusal, VersionRange } from './handshake.js'

export const HELLO_HEADER = 'quorate-hello'
export const ANSWER_HEADER = 'quorate-answer'
/** Beside an answer that accepts: the life of the process that answers (see HelloExtension). */
export const LIFE_HEADER = 'quorate-life'
/** Beside a status other than 200: why there is no answer to a question (see NO_ANSWER). */
export const NO_ANSWER_HEADER = 'quorate-no-answer'

/** What HTTP began with: earlier ones have no channels. */
export const HTTP_VERSIONS: VersionRange = { min: 2, max: PROTOCOL_VERSIONS.max }

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
/** More than the longest handshake takes. */
const TEXT_LENGTH_MAX = 2048

/** What a status of HTTP says of a refusal, to proxies and to people who look at their logs. */
export const REFUSAL_STATUS: Readonly<Record<Refusal, number>> = {
  VERSION_UNSUPPORTED: 400,
  UNKNOWN_PEER: 403,
  CERTIFICATE_REFUSED: 403,
  WRONG_CLUSTER: 409,
  DUPLICATE_MEMBER: 409,
  REMOVED: 410,
  WRONG_MEMBER: 421,
}

export function helloHeader(hello: Hello): string {
  return Buffer.from(encodeHello(hello)).toString('base64')
}

export function answerHeader(answer: Answer): string {
  return Buffer.from(encodeAnswer(answer)).toString('base64')
}

/** Undefined where there is none. Throws `MALFORMED`. */
export function readHello(headers: IncomingHttpHeaders): Hello | undefined {
  return read(headers[HELLO_HEADER], HELLO_HEADER, HandshakeReader.ofHello())
}

/** Undefined where there is none: then no member answered, but a proxy or another server. Throws `MALFORMED`. */
export function readAnswer(headers: IncomingHttpHeaders): Answer | undefined {
  return read(headers[ANSWER_HEADER], ANSWER_HEADER, HandshakeReader.ofAnswer())
}

export function readLife(headers: IncomingHttpHeaders): number | undefined {
  const life = Number(headers[LIFE_HEADER] ?? NaN)
  return Number.isSafeInteger(life) ? life : undefined
}

function read<Message extends Hello | Answer>(
  text: string | string[] | undefined,
  name: string,
  reader: HandshakeReader<Message>,
): Message | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string' || text.length > TEXT_LENGTH_MAX || !BASE64.test(text)) {
    throw new StoreError('MALFORMED', `The header ${name} is no handshake in base64.`)
  }
  const message = reader.push(Buffer.from(text, 'base64'))
  if (message === undefined) throw new StoreError('MALFORMED', `The header ${name} is cut short.`)
  return message
}
