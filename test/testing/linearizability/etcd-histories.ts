/**
 * Histories of the real key space and the real book of leases: operations done one after the other, each told to a client
 * whose call lasted a while around that moment.
 */
import fc from 'fast-check'
import { KeyValue } from '../../../src/api/key-value.js'
import { compare, del, get, put, txn, type Operation } from '../../../src/api/operations.js'
import type { OperationResult, WatchEvent } from '../../../src/api/store.js'
import { isStoreError } from '../../../src/base/errors.js'
import { Lessor } from '../../../src/lease/lessor.js'
import { MvccStore } from '../../../src/mvcc/store.js'
import type { Event, OperationResponse, RangeRequest } from '../../../src/mvcc/types.js'
import type { Ending } from '../../../src/testing/linearizability/call.js'
import type { EtcdInput, EtcdKeyValue, EtcdOutput } from '../../../src/testing/linearizability/etcd-calls.js'
import { keyValueData, operationData, resultData } from '../../../src/testing/linearizability/etcd-calls.js'
import { watchEventOf } from '../../../src/store/results.js'
import { MemoryBackend } from '../../mvcc/memory-backend.js'
import type { Drawn } from './histories.js'

/** One that takes effect; `asked` is what the history says of it. */
type Act =
  | { readonly type: 'operation'; readonly operation: Operation; readonly local: number }
  | { readonly type: 'get'; readonly key: string; readonly local: number }
  | { readonly type: 'compact'; readonly back: number }
  | { readonly type: 'grant' | 'revoke' | 'expire' | 'keep-alive'; readonly lease: string }

const key = fc.constantFrom('a', 'b', 'c')
const lease = fc.constantFrom('1', '2')
const value = fc.constantFrom('x', 'y')
const selection = fc.oneof(key, fc.constant({ prefix: '' }), fc.constant({ from: 'a', to: 'c' }))
const simple: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(key, value, fc.boolean()).map(([key, value, previous]) => put(key, value, { previous })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(key, value, lease).map(([key, value, lease]) => put(key, value, { lease: BigInt(lease) })),
  },
  { weight: 1, arbitrary: key.map((key) => put(key, '', { ignoreValue: true })) },
  {
    weight: 2,
    arbitrary: fc.tuple(selection, fc.boolean()).map(([selection, previous]) => del(selection, { previous })),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        selection,
        options: fc.record(
          {
            limit: fc.integer({ min: 1, max: 2 }),
            countOnly: fc.constant(true),
            keysOnly: fc.boolean(),
            revision: fc.integer({ min: 1, max: 5 }),
          },
          { requiredKeys: [] },
        ),
      })
      .map(({ selection, options }) => get(selection, options)),
  },
)
const relation = fc.constantFrom('=', '!=', '<', '>')
const guard = fc.oneof(
  key.map((key) => compare(key).missing()),
  fc
    .tuple(key, relation, fc.integer({ min: 0, max: 4 }))
    .map(([key, than, revision]) => compare(key).modRevision(than, revision)),
  fc
    .tuple(key, relation, fc.integer({ min: 0, max: 4 }))
    .map(([key, than, revision]) => compare(key).createRevision(than, revision)),
  fc.tuple(selection, relation, value).map(([selection, than, value]) => compare(selection).value(than, value)),
  fc
    .tuple(key, relation, fc.integer({ min: 0, max: 2 }))
    .map(([key, than, version]) => compare(key).version(than, version)),
)
const { transaction } = fc.letrec<{ transaction: Operation }>((tie) => ({
  transaction: fc
    .record({
      compare: fc.array(guard, { maxLength: 2 }),
      success: fc.array(fc.oneof({ maxDepth: 2 }, simple, tie('transaction')), { maxLength: 2 }),
      failure: fc.array(fc.oneof({ maxDepth: 2 }, simple, tie('transaction')), { maxLength: 2 }),
    })
    .map((parts) => txn(parts)),
}))

const transactionAct: fc.Arbitrary<Act> = fc.record({
  type: fc.constant('operation' as const),
  operation: transaction,
  local: fc.constant(0),
})

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ type: fc.constant('operation' as const), operation: simple, local: fc.nat(3) }),
  },
  { weight: 4, arbitrary: transactionAct },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('get' as const), key, local: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('grant', 'grant', 'revoke', 'expire', 'keep-alive'),
      lease,
    }),
  },
)

/** When it was called before it took effect, and when it was answered after; whether the answer was lost, or the call. */
const fate = fc.record({
  before: fc.nat(25),
  after: fc.nat(25),
  answer: fc.constantFrom('told', 'told', 'told', 'told', 'lost', 'undone'),
})

export interface DrawnHistory {
  readonly drawn: readonly Drawn<EtcdInput, EtcdOutput>[]
  /** Every change that was made, as a watch sees it. */
  readonly events: readonly WatchEvent[]
}

export function etcdHistory(maxLength: number): fc.Arbitrary<DrawnHistory> {
  return drawnOf(act, maxLength)
}

/** Of keys that hang on leases, which come and go. */
export function leaseHistory(maxLength: number): fc.Arbitrary<DrawnHistory> {
  const hung = fc
    .record({ key, value, lease })
    .map(({ key, value, lease }) => put(key, value, { lease: BigInt(lease) }))
  const read = selection.map((selection) => get(selection))
  const operations: fc.Arbitrary<Act> = fc.record({
    type: fc.constant('operation' as const),
    operation: fc.oneof(hung, hung, read),
    local: fc.constant(1),
  })
  const leases: fc.Arbitrary<Act> = fc.record({ type: fc.constantFrom('grant', 'grant', 'revoke', 'expire'), lease })
  return drawnOf(fc.oneof(operations, operations, leases, act), maxLength, ['1', '2'])
}

function drawnOf(
  act: fc.Arbitrary<Act>,
  maxLength: number,
  granted: readonly string[] = [],
): fc.Arbitrary<DrawnHistory> {
  const first = granted.map(
    (lease) =>
      [
        { type: 'grant', lease },
        { before: 1, after: 1, answer: 'told' },
      ] as const,
  )
  return fc.array(fc.tuple(act, fate), { maxLength }).map((drawnParts) => {
    const parts = [...first, ...drawnParts]
    const truth = new Truth()
    const drawn: Drawn<EtcdInput, EtcdOutput>[] = []
    parts.forEach(([act, { before, after, answer }], nth) => {
      const at = 10 * nth
      const times = { client: `client ${nth % 3}`, invoked: at - before, returned: at + after + 0.5 }
      const input = truth.inputOf(act)
      const told = answer === 'undone' ? undefined : truth.perform(act)
      if (input === undefined) return
      const ending: Ending<EtcdOutput> = answer === 'told' && told !== undefined ? told : { outcome: 'unknown' }
      drawn.push({ ...times, input, ending })
    })
    return { drawn, events: truth.events }
  })
}

/**
 * Without leases, whose ends explain much, and all told: so that each answer follows from those before it. After each
 * call all keys are read.
 */
export function sequentialEtcdHistory(maxLength: number): fc.Arbitrary<readonly Drawn<EtcdInput, EtcdOutput>[]> {
  const acts = fc.array(fc.oneof(act, transactionAct), { maxLength })
  return acts.map((acts) => {
    const truth = new Truth()
    const all: Act = { type: 'operation', operation: get({ prefix: '' }), local: 1 }
    const drawn: Drawn<EtcdInput, EtcdOutput>[] = []
    for (const each of acts.filter(withoutLease).flatMap((each) => [each, all])) {
      const input = truth.inputOf(each.type === 'operation' || each.type === 'get' ? { ...each, local: 1 } : each)
      const ending = truth.perform(each)
      if (input === undefined) continue
      const invoked = 10 * drawn.length
      drawn.push({ client: 'a', input, ending, invoked, returned: invoked + 5 })
    }
    return drawn
  })
}

function withoutLease(act: Act): boolean {
  switch (act.type) {
    case 'operation':
      return !JSON.stringify(operationData(act.operation)).includes('"lease"')
    case 'get':
    case 'compact':
      return true
    case 'grant':
    case 'revoke':
    case 'expire':
    case 'keep-alive':
      return false
  }
}

class Truth {
  readonly events: WatchEvent[] = []
  readonly #leases = new Lessor()
  readonly #store = new MvccStore(new MemoryBackend(), this.#leases)

  /** Undefined for what nobody asks for. */
  inputOf(act: Act): EtcdInput | undefined {
    switch (act.type) {
      case 'operation': {
        const data = operationData(act.operation)
        return data.type === 'range' && act.local === 0 ? { ...data, local: true } : data
      }
      case 'get':
        return act.local === 0 ? { type: 'get', key: act.key, local: true } : { type: 'get', key: act.key }
      case 'compact':
        return { type: 'compact', revision: this.#store.revision - act.back }
      case 'grant':
        return { type: 'grant', lease: act.lease }
      case 'revoke':
      case 'keep-alive':
        return { type: act.type, lease: act.lease }
      case 'expire':
        return undefined
    }
  }

  perform(act: Act): Ending<EtcdOutput> {
    try {
      return { outcome: 'ok', output: this.#perform(act) }
    } catch (error) {
      if (!isStoreError(error)) throw error
      return { outcome: 'refused', reason: error.code }
    }
  }

  #perform(act: Act): EtcdOutput {
    const store = this.#store
    switch (act.type) {
      case 'operation': {
        if (act.operation.type === 'range') return this.#range(act.operation)
        const { response, events } = store.write(act.operation)
        const result = resultData(translate(store.complete(response)))
        this.#tell(events)
        return { ...result, revision: store.revision }
      }
      case 'get': {
        const [found] = store.range(get(act.key)).keyValues
        return found === undefined ? { type: 'get' } : { type: 'get', found: dataOf(found) }
      }
      case 'compact':
        store.compact(store.revision - act.back)
        return { type: 'done' }
      case 'grant':
        this.#leases.grant(BigInt(act.lease), 10)
        return { type: 'grant', lease: act.lease }
      case 'revoke':
      case 'expire':
        this.#tell(store.deleteKeys(this.#leases.keysOf(BigInt(act.lease))))
        this.#leases.revoke(BigInt(act.lease))
        return { type: 'done' }
      case 'keep-alive':
        if (!this.#leases.exists(BigInt(act.lease))) store.write(put('k', 'v', { lease: BigInt(act.lease) }))
        return { type: 'done' }
    }
  }

  #range(request: RangeRequest): EtcdOutput {
    const { keyValues, count, more } = this.#store.range(request)
    return { type: 'range', items: keyValues.map(dataOf), count, more, revision: this.#store.revision }
  }

  #tell(events: readonly Event[]): void {
    for (const event of events) this.events.push(watchEventOf(event))
  }
}

function dataOf(record: ConstructorParameters<typeof KeyValue>[0]): EtcdKeyValue {
  return keyValueData(new KeyValue(record))
}

function translate(response: OperationResponse): OperationResult {
  switch (response.type) {
    case 'put':
      return { type: 'put', previous: response.previous && new KeyValue(response.previous) }
    case 'range': {
      const { keyValues, count, more } = response
      return { type: 'range', items: keyValues.map((each) => new KeyValue(each)), count, more }
    }
    case 'delete':
      return {
        type: 'delete',
        deleted: response.deleted,
        previous: response.previous.map((each) => new KeyValue(each)),
      }
    case 'transaction':
      return { type: 'transaction', succeeded: response.succeeded, results: response.responses.map(translate) }
  }
}
