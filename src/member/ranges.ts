/**
 * Completes the plan of a range: the key index says at once which records answer it; their bytes come from disk without
 * holding up the loop. Where the index knows the whole answer (`countOnly`, and `keysOnly` of the latest revision, unless it
 * is sorted by value), the disk is not asked.
 *
 * Always: the answer is the state at one revision, the one at which the plan was made: a compaction meanwhile takes
 * nothing away from who reads (record-reader.ts).
 * Always: whether who asks may read is decided in the same step in which the plan is made.
 */
import { isStoreError, StoreError, type ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Identity } from '../machine/identity.js'
import type { Machine } from '../machine/machine.js'
import { answerBytes, keyAnswerBytes, keyOnly } from '../mvcc/answer.js'
import type { MvccStore } from '../mvcc/store.js'
import type { KeyValue, RangeRequest } from '../mvcc/types.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { Observe } from './event.js'
import type { EndCode } from './lifetime.js'
import type { RecordReader } from './record-reader.js'
import type { StateRepair } from './state-repair.js'
import type { Telemeter } from './telemeter.js'

/** Values are views that others may share. */
export interface Ranged {
  readonly keyValues: readonly KeyValue[]
  readonly count: number
  readonly more: boolean
  readonly revision: number
}

export class Ranges {
  readonly #machine: Machine
  readonly #reader: RecordReader
  readonly #deadlines: Deadlines
  readonly #repair: Pick<StateRepair, 'reading'> | undefined
  readonly #observe: Observe | undefined
  readonly #telemeter: Telemeter | undefined
  readonly #waiting = new Set<Pending<Ranged>>()

  constructor(
    machine: Machine,
    reader: RecordReader,
    deadlines: Deadlines,
    repair?: Pick<StateRepair, 'reading'>,
    told: { readonly observe?: Observe | undefined; readonly telemeter?: Telemeter | undefined } = {},
  ) {
    this.#repair = repair
    this.#observe = told.observe
    this.#telemeter = told.telemeter
    this.#machine = machine
    this.#reader = reader
    this.#deadlines = deadlines
  }

  /** Ends at the deadline also where the disk hangs. */
  range(request: RangeRequest, identity: Identity, limits: CallLimits): Promise<Ranged> {
    if (this.#waiting.size >= LIMITS.pendingReadsMax) {
      throw new StoreError(
        'TOO_MANY_REQUESTS',
        `${this.#waiting.size} reads wait for the disk of this member, the limit`,
      )
    }
    const pending = this.#deadlines.wait<Ranged>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'The disk did not answer before the deadline.' : 'The read was aborted.'
      return new StoreError(code, why, { cause })
    })
    if (pending.settled) return pending.promise
    this.#waiting.add(pending)
    if (this.#telemeter?.tell !== undefined) this.#measure(this.#telemeter, pending)
    const read = (): Promise<void> => this.#read(request, identity, pending)
    const reading = this.#repair === undefined ? read() : this.#repair.reading(read, pending)
    reading.catch((error: Error) => {
      pending.reject(error)
    })
    const leave = (): void => {
      this.#waiting.delete(pending)
    }
    pending.promise.then(leave, leave)
    return pending.promise
  }

  #measure(telemeter: Telemeter, { promise }: Pending<Ranged>): void {
    const begunMs = telemeter.nowMs()
    const ended = (ok: boolean): void => {
      telemeter.tell?.({ type: 'ranged', durationMs: telemeter.nowMs() - begunMs, ok })
    }
    promise.then(
      () => {
        ended(true)
      },
      () => {
        ended(false)
      },
    )
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const pending of this.#waiting) pending.reject(new StoreError(code, why, { cause }))
    this.#waiting.clear()
  }

  async #read(request: RangeRequest, identity: Identity, pending: Pending<Ranged>): Promise<void> {
    const planned = this.#plan(request, identity)
    const { revision } = planned
    const plan = planned.choice === undefined ? planned : await this.#reader.choose(planned, 0, pending)
    if (plan === undefined) return
    const { records, known, keysOnly, count, more } = plan
    const keyValues: KeyValue[] = []
    const take = (keyValue: KeyValue): number => {
      keyValues.push(keysOnly ? keyOnly(keyValue) : keyValue)
      return keysOnly ? keyAnswerBytes(keyValue.key.length) : answerBytes(keyValue)
    }
    if (records.length > 0 && !(await this.#reader.read({ records, bytes: 0, take }, pending))) return
    pending.resolve({ keyValues: known ?? keyValues, count, more, revision })
  }

  #plan(request: RangeRequest, identity: Identity): ReturnType<MvccStore['planRange']> {
    try {
      this.#machine.authorize(identity, request)
      const plan = this.#machine.store.planRange(request)
      this.#tell(request, undefined)
      return plan
    } catch (error) {
      if (isStoreError(error)) this.#tell(request, error.code)
      throw error
    }
  }

  #tell({ revision = 0 }: RangeRequest, refused: ErrorCode | undefined): void {
    this.#observe?.({ type: 'ranged', revision, currentRevision: this.#machine.revision, refused })
  }
}
