/** One watch, which is begun anew where its stream breaks, behind what was seen. */
import { isStoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { WatchCreateRequest, WatchProgressRequest, WatchRequest, type WatchResponse } from '../../etcd/generated/rpc.js'

const PASSING: readonly string[] = ['UNREACHABLE', 'NO_LEADER', 'TIMEOUT']
const AGAIN_MS = 200

export class Watching {
  readonly #client: EtcdClient
  readonly #request: WatchCreateRequest
  readonly #signal: AbortSignal
  #nextRevision: bigint
  #ask: () => void = () => undefined

  constructor(client: EtcdClient, request: WatchCreateRequest, signal: AbortSignal) {
    this.#client = client
    this.#request = request
    this.#signal = signal
    this.#nextRevision = request.start_revision
  }

  /** Asks the server how far it is; the answer comes among the responses. */
  askProgress(): void {
    this.#ask()
  }

  /** Events, progress, and at the end why it was cancelled. Ends when the signal aborts. */
  async *responses(): AsyncGenerator<WatchResponse, void, undefined> {
    while (!this.#signal.aborted) {
      try {
        for await (const response of this.#client.watch.watch(this.#requests(), { signal: this.#signal })) {
          this.#note(response)
          if (response.created && !response.canceled) continue
          yield response
          if (response.canceled) return
        }
      } catch (error) {
        if (this.#signal.aborted) return
        if (!isStoreError(error) || !PASSING.includes(error.code)) throw error
      }
      await this.#client.waiting.pause(AGAIN_MS, this.#signal)
    }
  }

  /** The watch, and then a request for progress whenever one is asked for. */
  async *#requests(): AsyncGenerator<WatchRequest, void, undefined> {
    let asked = 0
    let wake: () => void = () => undefined
    this.#ask = () => {
      asked++
      wake()
    }
    const value = WatchCreateRequest.create({ ...this.#request, start_revision: this.#nextRevision })
    yield WatchRequest.create({ request_union: { $case: 'create_request', value } })
    for (;;) {
      while (asked === 0) await new Promise<void>((resolve) => (wake = resolve))
      asked--
      yield WatchRequest.create({
        request_union: { $case: 'progress_request', value: WatchProgressRequest.create({}) },
      })
    }
  }

  #note({ header, created, events }: WatchResponse): void {
    const last = events.at(-1)?.kv?.mod_revision
    const behind = last ?? header?.revision ?? 0n
    // What a watch begins with, where nobody says, is what comes next.
    if (created && this.#nextRevision > 0n) return
    if (behind >= this.#nextRevision) this.#nextRevision = behind + 1n
  }
}
