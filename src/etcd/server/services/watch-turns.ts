/**
 * How much the watches of one stream have in hand at the same time, however many there are and however slow the client is.
 *
 *     take       a batch is taken off what waits in the store, and is in hand until the client's connection took it
 *     history    a part of history is read into what waits in the store
 *
 * Always: no more than a few batches are in hand, first come first served; all else waits where the store bounds it.
 * Always: history is read on for as many as the client keeps up with, so that a client that stopped reading has the store
 * keep no more for each of its watches. One read for each batch that was taken there always is: nobody starves.
 */
import { LIMITS } from '../../../base/limits.js'
import { Queue } from '../../../base/queue.js'
import type { WatchTurns } from '../../../api/watch.js'

export class StreamTurns {
  readonly #takes = new Queue<() => void>()
  readonly #reads = new Queue<() => void>()
  #inHand = 0
  #reading = 0

  /** Resolves when one more may be in hand. */
  take(): Promise<void> | undefined {
    if (this.#inHand < LIMITS.etcdStreamBatchesMax) {
      this.#inHand++
      return undefined
    }
    return new Promise((resolve) => {
      this.#takes.push(resolve)
    })
  }

  /** It was sent, or came to nothing. */
  release(): void {
    const next = this.#takes.shift()
    // Whoever is next takes over the place, so that nobody who comes just now slips in before.
    if (next === undefined) this.#inHand--
    else next()
    this.#readOn(1)
  }

  read(): Promise<void> | undefined {
    if (this.#mayRead) {
      this.#reading++
      return undefined
    }
    return new Promise((resolve) => {
      this.#reads.push(resolve)
    })
  }

  endRead(): void {
    this.#reading--
    if (this.#takes.size < LIMITS.etcdStreamBatchesMax) this.#readOn(LIMITS.etcdStreamBatchesMax)
  }

  get #mayRead(): boolean {
    return (
      this.#reading < LIMITS.etcdStreamBatchesMax &&
      this.#takes.size < LIMITS.etcdStreamBatchesMax &&
      this.#reads.size === 0
    )
  }

  #readOn(most: number): void {
    for (let left = most; left > 0 && this.#reading < LIMITS.etcdStreamBatchesMax; left--) {
      const next = this.#reads.shift()
      if (next === undefined) return
      this.#reading++
      next()
    }
  }
}

/** Those of one watch: what it has in hand is one batch, until it is told that this was sent. */
export class OneWatchTurns implements WatchTurns {
  readonly #all: StreamTurns
  #holds = false

  constructor(all: StreamTurns) {
    this.#all = all
  }

  async run<T>(kind: 'take' | 'history', step: () => Promise<T | undefined>): Promise<T | undefined> {
    if (kind === 'history') return this.#read(step)
    await this.#all.take()
    let given: T | undefined
    try {
      given = await step()
    } finally {
      if (given === undefined) this.#all.release()
      else this.#holds = true
    }
    return given
  }

  /** What it had in hand was sent, or nobody wants it. */
  done(): void {
    if (!this.#holds) return
    this.#holds = false
    this.#all.release()
  }

  async #read<T>(step: () => Promise<T | undefined>): Promise<T | undefined> {
    await this.#all.read()
    try {
      return await step()
    } finally {
      this.#all.endRead()
    }
  }
}
