/** Requests to the gateway as a client sends them, and streams line by line. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { createInterface, type Interface } from 'node:readline'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A POST, as every call is one; what is no string is sent as JSON. */
export async function post(
  url: string,
  path: string,
  body: unknown = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const content = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(`${url}${path}`, { method: 'POST', body: content, headers })
  return { status: response.status, body: await response.json() }
}

/** Text as the gateway wants keys and values. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** A call whose request stays open while it is answered. */
export class OpenCall {
  readonly request: ClientRequest
  readonly #response: Promise<IncomingMessage>
  #lines: AsyncIterator<string> | undefined
  #interface: Interface | undefined

  constructor(url: string, path: string, headers: Readonly<Record<string, string>> = {}) {
    this.request = httpRequest(`${url}${path}`, { method: 'POST', headers })
    this.#response = new Promise((resolve, reject) => {
      this.request.on('response', resolve)
      this.request.on('error', reject)
    })
    this.#response.catch(() => undefined)
    this.request.flushHeaders()
  }

  /** What is no string is sent as JSON; without anything between it and what was sent before. */
  send(value: unknown): this {
    this.request.write(typeof value === 'string' ? value : JSON.stringify(value))
    return this
  }

  /** No more requests come. */
  end(): this {
    this.request.end()
    return this
  }

  response(): Promise<IncomingMessage> {
    return this.#response
  }

  async status(): Promise<number | undefined> {
    return (await this.#response).statusCode
  }

  /** The next line of the answer, as JSON; undefined when there is none any more. */
  async next(): Promise<unknown> {
    this.#lines ??= await this.#read()
    const line = await this.#lines.next()
    return line.done === true ? undefined : (JSON.parse(line.value) as unknown)
  }

  /** The client goes away. */
  abort(): void {
    this.#interface?.close()
    this.request.destroy()
  }

  async #read(): Promise<AsyncIterator<string>> {
    this.#interface = createInterface({ input: await this.#response })
    return this.#interface[Symbol.asyncIterator]()
  }
}
