/** The store against its naive twin, through drawn histories of writes, reads and compactions. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalDigest } from '../../src/base/checksum.js'
import { isStoreError, type ErrorCode } from '../../src/base/errors.js'
import { Lessor } from '../../src/lease/lessor.js'
import { decodeCommand, encodeCommand } from '../../src/machine/command-codec.js'
import { ANONYMOUS } from '../../src/machine/identity.js'
import { completePlan } from '../../src/mvcc/plan.js'
import { decodeRecord, recordKey } from '../../src/mvcc/record.js'
import { MvccStore } from '../../src/mvcc/store.js'
import type { KeyValue, Operation, RangeRequest, RangeResponse, RevisionId } from '../../src/mvcc/types.js'
import { deletion, fitted, LEASES, put, range, transaction } from './arbitraries.js'
import { MemoryBackend } from './memory-backend.js'
import { ModelStore, type Result } from './model.js'

type Step =
  | { readonly do: 'write'; readonly operation: Operation }
  /** `fit`: at revisions that have been. */
  | { readonly do: 'read'; readonly request: RangeRequest; readonly fit: boolean }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'sweep'; readonly keys: number }
  | { readonly do: 'hold'; readonly request: RangeRequest }
  | { readonly do: 'release' }
  | { readonly do: 'reopen' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.oneof(put, deletion, transaction).map((operation) => ({ do: 'write' as const, operation })),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('read' as const), request: range, fit: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 6 }).map((back) => ({ do: 'compact' as const, back })) },
  { weight: 1, arbitrary: fc.nat(4).map((keys) => ({ do: 'sweep' as const, keys })) },
  { weight: 1, arbitrary: range.map((request) => ({ do: 'hold' as const, request })) },
  { weight: 1, arbitrary: fc.constant({ do: 'release' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
)

/** No cache of values, one of a few that is always full, one that holds everything. */
const cacheBytes = fc.constantFrom(0, 3_000, 1_000_000)

describe('the store and its naive twin', () => {
  test('agree on every answer, event, revision and lease, whatever is compacted and however far it is swept', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), cacheBytes, (steps, cacheBytesMax) => {
        const pair = new Pair(cacheBytesMax)
        for (const drawn of steps) pair.step(drawn)
        pair.sweepAll()
        pair.check()
      }),
      { numRuns: 600 },
    )
  })

  test('the digest follows from the latest versions alone', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: 'max' }), fc.array(step, { maxLength: 5 }), (steps, more) => {
        const [one, other] = [new Pair(), new Pair()]
        for (const drawn of steps) {
          one.step(drawn)
          if (drawn.do === 'write') other.step(drawn)
        }
        // Compaction changes what a range at a revision answers, and so what a transaction with one does.
        fc.pre(one.model.changes.length === other.model.changes.length)
        expect(one.store.digest).toEqual(other.store.digest)
        const before = one.model.live()
        for (const drawn of more) one.step(drawn)
        const same = JSON.stringify(before, withBigints) === JSON.stringify(one.model.live(), withBigints)
        expect(equalDigest(one.store.digest, other.store.digest)).toBe(same)
      }),
      { numRuns: 300 },
    )
  })
})

/** The store and the model, taken through the same steps. */
class Pair {
  readonly model = new ModelStore(LEASES)
  #backend = new MemoryBackend()
  #lessor = lessorWithLeases()
  /** Ends of the reads under way, oldest first. */
  readonly #held: (() => void)[] = []
  readonly #cacheBytesMax: number
  store: MvccStore

  constructor(cacheBytesMax = 0) {
    this.#cacheBytesMax = cacheBytesMax
    this.store = new MvccStore(this.#backend, this.#lessor, cacheBytesMax)
  }

  step(drawn: Step): void {
    this.#step(drawn)
    expect(this.store.bytes).toBe(this.#backend.bytes)
  }

  #step(drawn: Step): void {
    switch (drawn.do) {
      case 'write':
        expect(written(() => this.#write(throughTheLog(drawn.operation)))).toEqual(
          normal(this.model.run(drawn.operation)),
        )
        expect(this.store.revision).toBe(this.model.revision)
        return
      case 'read': {
        const request = drawn.fit ? fitted(drawn.request, this.model.revision) : drawn.request
        expect(read(() => this.#complete(throughTheLog(request)))).toEqual(read(() => this.model.range(request)))
        const [latest] = this.model.range({ type: 'range', key: request.key || 'a' }).keyValues
        expect(plainly(this.store.get(request.key || 'a'))).toEqual(plainly(latest))
        return
      }
      case 'compact': {
        const revision = Math.max(0, this.model.revision - drawn.back)
        expect(read(() => this.store.compact(revision))).toEqual(read(() => this.model.compact(revision)))
        return
      }
      case 'sweep':
        this.store.sweep(drawn.keys)
        return
      case 'hold':
        this.#hold(drawn.request)
        return
      case 'release':
        this.#held.shift()?.()
        return
      case 'reopen':
        this.#reopen()
    }
  }

  sweepAll(): void {
    this.#releaseAll()
    while (this.store.sweeping) this.store.sweep(3)
  }

  /** After everything was swept: exactly what must be kept is there, and history gives the right events. */
  check(): void {
    const kept = this.model.kept()
    expect(this.#backend.sorted().map(([stateKey]) => stateKey)).toEqual(kept.map(({ id }) => recordKey(id)))
    expect(this.store.size).toBe(new Set(kept.map(({ key }) => key)).size)
    for (let main = Math.max(this.model.compactRevision, 2); main <= this.model.revision; main++) {
      expect(this.store.changesOf(main)).toBe(kept.filter(({ id }) => id.main === main).length)
    }
    for (const change of kept) {
      if (change.id.main < this.model.compactRevision) continue
      const event = this.store.eventOf(decodeRecord(this.#backend.get(recordKey(change.id)) as Uint8Array))
      const before = this.model.changes
        .filter((other) => other.key === change.key && other.id.main < change.id.main)
        .at(-1)
      const previous =
        before?.keyValue !== undefined && change.id.main > this.model.compactRevision ? before.id : undefined
      expect(event.previous).toEqual(previous)
      expect(event.type).toBe(change.keyValue ? 'put' : 'delete')
    }
    for (const lease of LEASES) {
      const keys = this.model.live().filter((keyValue) => keyValue.lease === lease)
      expect(this.#lessor.keysOf(lease)).toEqual(keys.map(({ key }) => key))
    }
  }

  /** The way of a client's range: a plan, then its records. */
  #complete(request: RangeRequest): RangeResponse {
    const plan = this.store.planRange(request)
    expect(plan.revision).toBe(this.model.revision)
    if (plan.known) expect(plan.records).toEqual([])
    const response = completePlan(plan, (id) => this.#record(id))
    expect(response).toEqual(this.store.complete(plan))
    return response as RangeResponse
  }

  /** A write, and the answer to it as whoever waits reads it: once it was done, and before anything else is. */
  #write(operation: Operation): Result {
    this.#backend.reads = []
    const { response, events } = this.store.write(operation)
    if (!looksAtValues(operation)) expect(this.#backend.reads).toEqual([])
    return { ok: true, response: completePlan(response, (id) => this.#record(id)), events }
  }

  #record(id: RevisionId): KeyValue {
    const bytes = this.#backend.get(recordKey(id))
    expect(bytes).toBeDefined()
    const { keyValue } = decodeRecord(bytes as Uint8Array)
    if (id.cached === undefined) this.store.keep(id, keyValue)
    else expect(plainly(id.cached)).toEqual(plainly(keyValue))
    return id.cached ?? keyValue
  }

  /** A reader that takes its time: what it planned is there until it has read it, whatever is compacted meanwhile. */
  #hold(request: RangeRequest): void {
    const expected = read(() => this.model.range(request))
    if (typeof expected === 'string') return
    const plan = this.store.planRange(request)
    const release = this.store.holdSweep()
    this.#held.push(() => {
      expect(plainly(completePlan(plan, (id) => this.#record(id)))).toEqual(expected)
      release()
    })
  }

  #releaseAll(): void {
    for (const release of this.#held.splice(0)) release()
  }

  #reopen(): void {
    this.#releaseAll()
    const { revision, compactRevision, digest } = this.store
    this.#lessor = lessorWithLeases()
    this.store = new MvccStore(this.#backend, this.#lessor, this.#cacheBytesMax)
    this.store.startLoading(revision, compactRevision)
    for (const [stateKey, record] of this.#backend.sorted()) this.store.load(stateKey, record)
    this.store.finishLoading()
    expect(this.store.digest).toEqual(digest)
  }
}

/** As it comes out of the log that it was written into: what is asked must not be lost there. */
function throughTheLog<O extends Operation>(operation: O): O
function throughTheLog(operation: Operation): Operation {
  const request: Operation = { type: 'transaction', compare: [], success: [operation], failure: [] }
  const proposal = { member: 1, incarnation: 1, sequence: 1 }
  const decoded = decodeCommand(encodeCommand({ proposal, identity: ANONYMOUS, request }))
  return (decoded.request as typeof request).success[0] as Operation
}

function lessorWithLeases(): Lessor {
  const lessor = new Lessor()
  for (const id of LEASES) lessor.grant(id, 10)
  return lessor
}

/** Whether doing it needs what a key holds: for a compare of values, or to keep the value. */
function looksAtValues(operation: Operation): boolean {
  if (operation.type === 'put') return operation.ignoreValue === true
  if (operation.type !== 'transaction') return false
  const { compare, success, failure } = operation
  return compare.some(({ target }) => target === 'value') || [...success, ...failure].some(looksAtValues)
}

function written(action: () => Result): Result {
  try {
    return normal(action())
  } catch (error) {
    return { ok: false, code: codeOf(error) }
  }
}

function read(action: () => unknown): unknown {
  try {
    return plainly(action())
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): ErrorCode {
  if (!isStoreError(error)) throw error
  return error.code
}

function normal(result: Result): Result {
  return plainly(result) as Result
}

/** Buffers compare unequal to Uint8Arrays of the same bytes. */
function plainly(thing: unknown): unknown {
  if (thing instanceof Uint8Array) return Uint8Array.from(thing)
  if (Array.isArray(thing)) return thing.map(plainly)
  if (thing === null || typeof thing !== 'object') return thing
  return Object.fromEntries(Object.entries(thing).map(([name, inner]) => [name, plainly(inner)]))
}

function withBigints(_name: string, inner: unknown): unknown {
  return typeof inner === 'bigint' ? String(inner) : inner
}
