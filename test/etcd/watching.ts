/** A stream of watches as a client has it: what it asks for in a word, and what it is told one after the other, in short. */
import type { Client, ClientDuplexStream } from '@grpc/grpc-js'
import { Queue } from '../../src/base/queue.js'
import {
  Event_EventType as EventType,
  WatchService,
  type Event,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
} from '../../src/etcd/generated/rpc.js'
import { duplex, type Headers } from './served.js'

const CREATE = WatchService.watch.requestDeserialize(Buffer.from('0a00', 'hex')).request_union
  ?.value as WatchCreateRequest

export type Asked = Partial<Omit<WatchCreateRequest, 'key' | 'range_end'>> & { readonly end?: string }

export class Watching {
  readonly stream: ClientDuplexStream<WatchRequest, WatchResponse>
  readonly #told = new Queue<WatchResponse>()
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(client: Client, headers: Headers = {}) {
    this.stream = duplex(client, WatchService.watch, headers)
    this.stream.on('data', (response: WatchResponse) => {
      this.#told.push(response)
      this.#wake?.()
    })
    this.stream.on('error', (error) => {
      this.#error = error
      this.#wake?.()
    })
  }

  ask(key: string, { end = '', ...asked }: Asked = {}): void {
    const value = { ...CREATE, ...asked, key: Buffer.from(key), range_end: Buffer.from(end) }
    this.stream.write({ request_union: { $case: 'create_request', value } })
  }

  /** Asks, and takes the answer, which says that the watch is there. */
  async create(key: string, asked: Asked = {}): Promise<WatchResponse> {
    this.ask(key, asked)
    const response = await this.next()
    if (!response.created || response.canceled) throw new Error(`the watch was not created: ${shortOf(response)}`)
    return response
  }

  cancel(id: number): void {
    this.stream.write({ request_union: { $case: 'cancel_request', value: { watch_id: BigInt(id) } } })
  }

  progress(): void {
    this.stream.write({ request_union: { $case: 'progress_request', value: {} } })
  }

  /** Rejects with what the stream ended with. */
  async next(): Promise<WatchResponse> {
    for (;;) {
      const response = this.#told.shift()
      if (response !== undefined) return response
      if (this.#error !== undefined) throw this.#error
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  async short(): Promise<string> {
    return shortOf(await this.next())
  }

  async shorts(count: number): Promise<string[]> {
    const told: string[] = []
    while (told.length < count) told.push(await this.short())
    return told
  }

  /** Whose end nobody waits for. */
  silent(): this {
    this.stream.on('error', () => undefined)
    return this
  }

  end(): void {
    this.stream.on('error', () => undefined)
    this.stream.cancel()
  }
}

/** `0 @5: put a@5=1 <- old, delete b@5`; `0 @5 created`; `-1 @5`: progress. */
export function shortOf(response: WatchResponse): string {
  const { watch_id, header, created, canceled, compact_revision, cancel_reason, fragment, events } = response
  const said = [
    `${watch_id} @${header?.revision ?? 'none'}`,
    ...(created ? ['created'] : []),
    ...(canceled ? ['canceled'] : []),
    ...(compact_revision > 0n ? [`compacted ${compact_revision}`] : []),
    ...(cancel_reason === '' ? [] : [`"${cancel_reason}"`]),
    ...(fragment ? ['fragment'] : []),
  ].join(' ')
  return events.length === 0 ? said : `${said}: ${events.map(shortEvent).join(', ')}`
}

function shortEvent({ type, kv, prev_kv }: Event): string {
  const value = kv !== undefined && kv.value.length > 20 ? `${kv.value.length} bytes` : kv?.value.toString()
  const put = type === EventType.PUT ? ` v${kv?.version}=${value}` : ''
  return `${EventType[type].toLowerCase()} ${kv?.key.toString()}@${kv?.mod_revision}${put}${prev_kv ? ` <- ${prev_kv.value.toString()}` : ''}`
}
