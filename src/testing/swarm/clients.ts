/**
 * The clients of a run: each does its operations one after the other, beside the member that it asks.
 *
 * Always: an operation begins at its time, or when the one before it by the same client is over; much too late, or without
 * a member to ask, it is left out. Always: a client's code runs as part of the member's process: it stops with a pause of
 * it, and whatever it waits for is never answered after its crash.
 */
import type { HashResult } from '../../api/maintenance.js'
import type { Store, WatchEvent } from '../../api/store.js'
import { isStoreError } from '../../base/errors.js'
import type { SimProcess } from '../sim/scheduler.js'
import type { SimWorld } from '../sim/world.js'
import type { Holder } from './lock-judge.js'
import type { Operation, OperationType } from './operation.js'
import { perform } from './perform.js'
import type { ClientMemory, WatchBegun } from './performing.js'

/**
 * What became of an operation. `refused` and `unknown` are what its error said of its effect; `pending`: its process died;
 * `skipped`: it never began.
 */
export type OperationOutcome = 'ok' | 'refused' | 'unknown' | 'pending' | 'skipped'

export interface ClientHooks {
  /** The store a client uses: recorded, say. `client` tells apart what is done one after the other. */
  readonly storeOf: (store: Store, client: string, operation: Operation) => Store
  /** Where the process of this name is reached. */
  readonly addressOf: (name: string) => string
  /** Whether anybody would do that now; else it is left out. */
  readonly mayBegin: (operation: Operation) => boolean
  readonly began: (operation: Operation, member: string) => void
  readonly ended: (operation: Operation, member: string, outcome: OperationOutcome, error: unknown) => void
  readonly watched: (operation: WatchOperation, event: WatchEvent, watch: WatchBegun) => void
  readonly progressed: (operation: WatchOperation, revision: number, watch: WatchBegun) => void
  readonly hashed: (operation: Operation, hash: HashResult) => void
  readonly watchFailed: (operation: WatchOperation, error: unknown, watch: WatchBegun) => void
  readonly held: (holder: Holder) => void
  /** Something was thrown that is no operating error. */
  readonly broke: (error: unknown) => void
}

/** An operation that has begun and is not over. */
interface UnderWay {
  readonly operation: Operation
  readonly process: SimProcess
  readonly sinceMs: number
}

type WatchOperation = Operation & { readonly type: 'watch' }

interface Client {
  /** Its name in histories: another one after each crash, since what it waited for then is still open. */
  name: number
  readonly operations: readonly Operation[]
  next: number
  memory: ClientMemory
  underWay: UnderWay | undefined
}

/** An operation that cannot begin within this time of its own is left out: nobody waits for ever to ask. */
const LATE_MS_MAX = 2_000

export class Clients {
  readonly outcomes = new Map<OperationType, Record<OperationOutcome, number>>()
  readonly #world: SimWorld
  readonly #hooks: ClientHooks
  readonly #clients: readonly Client[]
  #names = 0
  #stopped = false

  constructor(world: SimWorld, operations: readonly Operation[], hooks: ClientHooks) {
    this.#world = world
    this.#hooks = hooks
    const numbers = [...new Set(operations.map(({ client }) => client))].sort((a, b) => a - b)
    this.#clients = numbers.map((number) => ({
      name: ++this.#names,
      operations: operations.filter(({ client }) => client === number).sort((a, b) => a.atMs - b.atMs),
      next: 0,
      memory: { seen: new Map<string, number>(), lease: undefined, login: undefined },
      underWay: undefined,
    }))
  }

  start(): void {
    for (const client of this.#clients) this.#goOn(client)
  }

  /** Nothing further begins; what is under way ends by itself. */
  stop(): void {
    this.#stopped = true
  }

  /** What has begun and is not over, of processes that live. */
  get underWay(): readonly Operation[] {
    return this.#clients.flatMap(({ underWay }) => (underWay?.process.alive ? [underWay.operation] : []))
  }

  /** A process is gone: what its clients wait for never ends, and they go on elsewhere. */
  processEnded(process: SimProcess): void {
    for (const client of this.#clients) {
      if (client.underWay?.process !== process) continue
      this.#end(client, client.underWay.operation, 'pending', undefined)
      client.name = ++this.#names
      client.memory = { ...client.memory, seen: new Map(client.memory.seen) }
      this.#goOn(client)
    }
  }

  /** Waits for the time of the client's next operation, and begins it. */
  #goOn(client: Client): void {
    for (;;) {
      const operation = client.operations[client.next]
      if (operation === undefined || this.#stopped) return
      const waitMs = operation.atMs - this.#world.nowMs
      if (waitMs > 0) {
        this.#world.scheduler.timersOf().after(waitMs, () => {
          this.#goOn(client)
        })
        return
      }
      client.next++
      if (this.#begin(client, operation)) return
      this.#count(operation, 'skipped')
    }
  }

  #begin(client: Client, operation: Operation): boolean {
    const { process, store } = this.#world.place(operation.member)
    if (process === undefined || store === undefined) return false
    if (this.#world.nowMs - operation.atMs > LATE_MS_MAX || !this.#hooks.mayBegin(operation)) return false
    client.underWay = { operation, process, sinceMs: this.#world.nowMs }
    this.#world.scheduler.timersOf(process).soon(() => {
      void this.#perform(client, operation, store)
    })
    return true
  }

  async #perform(client: Client, operation: Operation, store: Store): Promise<void> {
    const { underWay, memory } = client
    const { member } = operation
    this.#hooks.began(operation, member)
    let outcome: OperationOutcome = 'ok'
    let thrown: unknown
    const aborting = this.#abortLater(operation, store)
    try {
      await perform(this.#hooks.storeOf(store, nameOf(operation, client.name), operation), operation, {
        signal: aborting?.signal,
        memory,
        addressOf: this.#hooks.addressOf,
        watched: (event, watch) => {
          if (operation.type === 'watch') this.#hooks.watched(operation, event, watch)
        },
        progressed: (revision, watch) => {
          if (operation.type === 'watch') this.#hooks.progressed(operation, revision, watch)
        },
        hashed: (hash) => {
          this.#hooks.hashed(operation, hash)
        },
        watchFailed: (error, watch) => {
          if (operation.type === 'watch') this.#hooks.watchFailed(operation, error, watch)
        },
        held: (hold) => {
          if (underWay === undefined) return
          const { process, sinceMs } = underWay
          this.#hooks.held({ ...hold, id: operation.id, member, process, sinceMs })
        },
      })
    } catch (error) {
      thrown = error
      if (isStoreError(error)) outcome = error.outcome
      else this.#hooks.broke(error)
    }
    aborting?.cancel()
    if (client.underWay !== underWay) return
    this.#end(client, operation, outcome, thrown)
    this.#goOn(client)
  }

  #abortLater({ abortAfterMs }: Operation, store: Store): { signal: AbortSignal; cancel: () => void } | undefined {
    if (abortAfterMs === undefined) return undefined
    const controller = new AbortController()
    const cancel = store.environment.timers.after(abortAfterMs, () => {
      controller.abort()
    })
    return { signal: controller.signal, cancel }
  }

  #end(client: Client, operation: Operation, outcome: OperationOutcome, error: unknown): void {
    client.underWay = undefined
    this.#count(operation, outcome)
    this.#hooks.ended(operation, operation.member, outcome, error)
  }

  #count({ type }: Operation, outcome: OperationOutcome): void {
    const counts = this.outcomes.get(type) ?? { ok: 0, refused: 0, unknown: 0, pending: 0, skipped: 0 }
    counts[outcome]++
    this.outcomes.set(type, counts)
  }
}

/** What a lock does beside (it keeps its lease alive), and what is done at once, are no calls in the line of their client. */
function nameOf({ type, id }: Operation, client: number): string {
  return type === 'lock' || type === 'leases-at-once' ? `${type} v${id}` : `client ${client}`
}
