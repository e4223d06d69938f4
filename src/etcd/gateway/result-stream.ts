/**
 * The answer to a stream: a line for each result, as fast as the client takes them, and one for the failure, if there is one.
 *
 * Always: the head goes out with the first line; a stream that fails before has the status of its failure.
 */
import type { ServerResponse } from 'node:http'
import { httpStatusOf, streamErrorBody } from '../wire/http-status.js'
import type { WireStatus } from '../wire/status.js'

export class ResultStream {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  /** No line goes out any more: it has ended, or the client has gone. */
  get isOver(): boolean {
    return this.#response.writableEnded || this.#response.destroyed || this.#response.closed
  }

  /** Resolves when the next one may follow. Gives the bytes of the line. */
  async send(result: unknown): Promise<number> {
    this.#begin(200)
    const line = lineOf({ result })
    if (!this.#response.write(line)) await this.#drained()
    return line.length
  }

  end(): void {
    if (this.isOver) return
    this.#begin(200)
    this.#response.end()
  }

  fail(failure: WireStatus): void {
    if (this.isOver) return
    this.#begin(httpStatusOf(failure.code))
    this.#response.end(lineOf(streamErrorBody(failure)))
  }

  #begin(status: number): void {
    if (this.#response.headersSent) return
    this.#response.writeHead(status, { 'Content-Type': 'application/json' })
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off('drain', done)
        this.#response.off('close', done)
        resolve()
      }
      this.#response.on('drain', done)
      this.#response.on('close', done)
      if (this.isOver) done()
    })
  }
}

function lineOf(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}
