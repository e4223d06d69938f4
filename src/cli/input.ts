/** Standard input: all of it, or line by line; and passwords, which a terminal does not show. */
import type { Readable } from 'node:stream'

/** `process.stdin`, which may be a terminal. */
export interface InputStream extends Readable {
  readonly isTTY?: boolean
  setRawMode?(on: boolean): unknown
}

const [INTERRUPT, END, BACKSPACE, DELETE] = ['\x03', '\x04', '\b', '\x7f']

export class Input {
  readonly #stream: InputStream
  readonly #ask: (question: string) => void
  readonly #interrupt: () => void
  #chunks: AsyncIterator<Buffer> | undefined
  #rest = Buffer.alloc(0)

  /** @param ask where questions are shown. @param interrupt what the key for it does, which a terminal without echo does not. */
  constructor(stream: InputStream, ask: (question: string) => void, interrupt: () => void) {
    this.#stream = stream
    this.#ask = ask
    this.#interrupt = interrupt
  }

  /** What is still to come, to its end. */
  async all(): Promise<Uint8Array> {
    while (await this.#read());
    return this.#take(this.#rest.length)
  }

  /** Without its end; undefined behind the last one. */
  async line(): Promise<string | undefined> {
    let from = 0
    for (;;) {
      const end = this.#rest.indexOf('\n', from)
      if (end >= 0)
        return this.#take(end + 1)
          .toString('utf8')
          .slice(0, -1)
      from = this.#rest.length
      if (await this.#read()) continue
      return from === 0 ? undefined : this.#take(from).toString('utf8')
    }
  }

  async password(question: string): Promise<string> {
    this.#ask(question)
    if (this.#stream.isTTY !== true) return (await this.line())?.replace(/\r$/, '') ?? ''
    this.#stream.setRawMode?.(true)
    try {
      return await this.#typed()
    } finally {
      this.#stream.setRawMode?.(false)
      this.#ask('\n')
    }
  }

  /** Does not keep the process any more. */
  close(): void {
    if (this.#chunks !== undefined) this.#stream.destroy()
  }

  async #typed(): Promise<string> {
    let text = ''
    for (;;) {
      if (this.#rest.length === 0 && !(await this.#read())) return text
      for (const character of this.#take(this.#rest.length).toString('utf8')) {
        if (character === '\r' || character === '\n' || character === END) return text
        if (character === INTERRUPT) this.#interrupt()
        else if (character === BACKSPACE || character === DELETE) text = [...text].slice(0, -1).join('')
        else text += character
      }
    }
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }

  /** Whether more came. */
  async #read(): Promise<boolean> {
    this.#chunks ??= this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const next = await this.#chunks.next()
    if (next.done === true) return false
    this.#rest = Buffer.concat([this.#rest, Buffer.from(next.value)])
    return true
  }
}
