/**
 * A real etcd and a store of ours, begun together and asked the same ever since: they stand at the same revision, and what
 * the one answers the other must answer.
 */
import { open, type Store } from '../../src/index.js'
import type { Answers } from './answers.js'
import { EtcdClient } from './etcd-client.js'
import { EtcdDriver } from './etcd-driver.js'
import { EtcdProcess } from './etcd-process.js'
import { FENCE_KEY } from './etcd-watches.js'
import type { Observation } from './observation.js'
import {
  FROM_KEY_ON,
  NO_LEASE,
  type Asked,
  type DeleteOperation,
  type Operation,
  type PutOperation,
} from './operation.js'
import { OurDriver } from './our-driver.js'

export interface Answered {
  readonly operation: Operation
  readonly answers: Answers
}

/** Why two stores that were to be equal again are not. */
export class PairApart extends Error {}

export class Pair {
  readonly #process: EtcdProcess
  readonly #client: EtcdClient
  readonly #theirs: EtcdDriver
  readonly #store: Store
  readonly #ours: OurDriver
  #watching = false

  private constructor(process: EtcdProcess, store: Store) {
    this.#process = process
    this.#client = new EtcdClient(process.address)
    this.#theirs = new EtcdDriver(this.#client)
    this.#store = store
    this.#ours = new OurDriver(store)
  }

  static async start(): Promise<Pair> {
    const process = await EtcdProcess.start()
    const store = await open({ auth: { scrypt: CHEAP } })
    await store.ready()
    return new Pair(process, store)
  }

  /** Sends it to both. Watches are read out before a compaction, which takes away what they have not read. */
  async perform(operation: Operation): Promise<readonly Answered[]> {
    if (operation.type === 'settle') return [{ operation, answers: await this.#settle() }]
    if (operation.type === 'progress') return this.#progress()
    const before: Answered[] = []
    if (operation.type === 'compact' && this.#watching) {
      before.push({ operation: { type: 'settle' }, answers: await this.#settle() })
    }
    if (operation.type === 'watch') this.#watching = true
    return [...before, { operation, answers: await this.#performOne(operation) }]
  }

  /** Makes both empty again. Throws {@link PairApart} where they stay apart. */
  async clean(): Promise<void> {
    this.#watching = false
    await Promise.all([this.#theirs.clean(), this.#ours.clean()])
    const { theirs, ours } = await this.#performOne(DELETE_ALL)
    if ('error' in theirs || 'error' in ours || theirs.revision !== ours.revision) {
      throw new PairApart(`after cleaning they stand apart: ${JSON.stringify({ theirs, ours })}`)
    }
  }

  async stop(): Promise<void> {
    this.#client.close()
    await this.#store.close()
    await this.#process.stop()
  }

  async #performOne(operation: Asked): Promise<Answers> {
    const at = this.#ours.bearings
    const [theirs, ours] = await Promise.all([this.#theirs.perform(operation, at), this.#ours.perform(operation, at)])
    return { at, theirs, ours }
  }

  async #progress(): Promise<readonly Answered[]> {
    const settled: Answered = { operation: { type: 'settle' }, answers: await this.#settle() }
    const at = this.#ours.bearings
    const ours = await this.#ours.progress(at)
    // Without a watch that could tell there is nothing to compare.
    if (ours.length === 0) return [settled]
    const theirs = await this.#theirs.progress()
    const observe = (revisions: readonly number[]): Observation => {
      return { revision: at.revision, response: { type: 'progress', revisions } }
    }
    return [settled, { operation: { type: 'progress' }, answers: { at, theirs: observe(theirs), ours: observe(ours) } }]
  }

  async #settle(): Promise<Answers> {
    await this.#performOne(FENCE)
    const at = this.#ours.bearings
    const { revision } = at
    const ours = await this.#ours.settle(revision)
    const theirs = await this.#theirs.settle(ours, revision)
    return {
      at,
      theirs: { revision, response: { type: 'settle', watches: theirs } },
      ours: { revision, response: { type: 'settle', watches: ours } },
    }
  }
}

/** Passwords are not what is compared. */
const CHEAP = { costLog2: 10, blockSize: 8, parallelization: 1 }

const DELETE_ALL: DeleteOperation = { type: 'delete', key: FROM_KEY_ON, rangeEnd: FROM_KEY_ON, prevKv: false }

const FENCE: PutOperation = {
  type: 'put',
  key: FENCE_KEY,
  value: '',
  lease: NO_LEASE,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
}
