/**
 * Transactions: from etcd's messages to the operations of the store, and from its results back.
 *
 * Always: a message says what a compare is about twice, by its target and by which of the values is set. The target counts;
 * a value for another target is as good as none, which is 0 or empty.
 */
import { assertNever } from '../../../base/assert.js'
import { StoreError } from '../../../base/errors.js'
import { compare, del, get, put, txn, type Operation, type Transaction } from '../../../api/operations.js'
import type { Compare, Relation } from '../../../api/operations.js'
import type { OperationResult, TransactionResult } from '../../../api/store.js'
import {
  Compare_CompareResult as CompareResult,
  Compare_CompareTarget as CompareTarget,
  type Compare as CompareMessage,
  type RequestOp,
  type ResponseHeader,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from '../../generated/rpc.js'
import { keyValueMessage } from '../../wire/key-value.js'
import { numberOf } from '../../wire/numbers.js'
import { selectionOf } from '../../wire/selection.js'
import { Refusal } from '../refusal.js'
import { operationOptionsOf, rangeResponse } from './range-request.js'

/**
 * Throws a {@link Refusal}, `TOO_MANY_OPERATIONS`, `EMPTY_KEY`.
 *
 * @param operationsMax how many compares, or operations of a branch, there may be together with those around them.
 */
export function transactionOf(request: TxnRequest, operationsMax: number): Transaction {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length)
  if (operations > operationsMax) {
    throw new StoreError('TOO_MANY_OPERATIONS', `${operations} compares or operations; ${operationsMax} are allowed.`)
  }
  const left = operationsMax - operations
  return {
    compare: request.compare.map(compareOf),
    success: request.success.map((operation) => operationOf(operation, left)),
    failure: request.failure.map((operation) => operationOf(operation, left)),
  }
}

/** @param header of the answer as a whole. */
export function transactionResponse(result: TransactionResult, header: ResponseHeader): TxnResponse {
  const results = result.results
  const begun = results.some(changes) ? result.revision - 1 : result.revision
  const responses = new Responses(begun)
  return { header, succeeded: result.succeeded, responses: responses.of(results) }
}

function operationOf({ request }: RequestOp, operationsMax: number): Operation {
  switch (request?.$case) {
    case undefined:
      throw new Refusal('INVALID_ARGUMENT', 'etcdserver: key not found')
    case 'request_range': {
      const { value } = request
      return get(selectionOf(value.key, value.range_end), operationOptionsOf(value))
    }
    case 'request_put': {
      const { key, value, lease, prev_kv, ignore_value, ignore_lease } = request.value
      return put(key, value, {
        lease: lease === 0n ? undefined : lease,
        previous: prev_kv,
        ignoreValue: ignore_value,
        ignoreLease: ignore_lease,
      })
    }
    case 'request_delete_range': {
      const { key, range_end, prev_kv } = request.value
      return del(selectionOf(key, range_end), { previous: prev_kv })
    }
    case 'request_txn':
      return txn(transactionOf(request.value, operationsMax))
    default:
      return assertNever(request, 'operation')
  }
}

const RELATIONS: Readonly<Record<number, Relation>> = {
  [CompareResult.EQUAL]: '=',
  [CompareResult.GREATER]: '>',
  [CompareResult.LESS]: '<',
  [CompareResult.NOT_EQUAL]: '!=',
}

function compareOf(message: CompareMessage): Compare {
  const { target, target_union: given } = message
  const builder = compare(selectionOf(message.key, message.range_end))
  const relation = RELATIONS[message.result]
  // etcd takes a relation or a target that it does not know for one that holds: whoever meant it would never learn.
  if (relation === undefined) throw new Refusal('INVALID_ARGUMENT', `compare result ${message.result} is not known`)
  switch (target) {
    case CompareTarget.VALUE:
      return builder.value(relation, given?.$case === 'value' ? given.value : NOTHING)
    case CompareTarget.LEASE:
      return builder.lease(relation, given?.$case === 'lease' ? given.value : 0n)
    case CompareTarget.VERSION: {
      const [exact, version] = exactly(relation, given?.$case === 'version' ? given.value : 0n)
      return builder.version(exact, version)
    }
    case CompareTarget.CREATE: {
      const [exact, revision] = exactly(relation, given?.$case === 'create_revision' ? given.value : 0n)
      return builder.createRevision(exact, revision)
    }
    case CompareTarget.MOD: {
      const [exact, revision] = exactly(relation, given?.$case === 'mod_revision' ? given.value : 0n)
      return builder.modRevision(exact, revision)
    }
    case CompareTarget.UNRECOGNIZED:
    default:
      throw new Refusal('INVALID_ARGUMENT', `compare target ${target} is not known`)
  }
}

const NOTHING = Buffer.alloc(0)

/** The same question of numbers that the store takes: none of what it compares is less than 0, or as large as the largest. */
function exactly(relation: Relation, value: bigint): readonly [Relation, number] {
  if (value >= 0n) return [relation, numberOf(value)]
  return relation === '=' || relation === '<' ? ['<', 0] : ['!=', Number.MAX_SAFE_INTEGER]
}

/** Whether a transaction that did this changed anything, and so has a revision of its own. */
function changes(result: OperationResult): boolean {
  switch (result.type) {
    case 'put':
      return true
    case 'range':
      return false
    case 'delete':
      return result.deleted > 0
    case 'transaction':
      return result.results.some(changes)
    default:
      return assertNever(result, 'result')
  }
}

/** The answers of a transaction's operations, each with the revision that the store had as far as it had come with it. */
class Responses {
  readonly #begun: number
  #changed = false

  constructor(begun: number) {
    this.#begun = begun
  }

  of(results: readonly OperationResult[]): ResponseOp[] {
    return results.map((result) => ({ response: this.#responseOf(result) }))
  }

  #responseOf(result: OperationResult): ResponseOp['response'] {
    switch (result.type) {
      case 'range':
        return { $case: 'response_range', value: rangeResponse(result, this.#header()) }
      case 'put': {
        this.#changed = true
        const { previous } = result
        const prev_kv = previous && keyValueMessage(previous)
        return { $case: 'response_put', value: { header: this.#header(), prev_kv } }
      }
      case 'delete': {
        if (result.deleted > 0) this.#changed = true
        const prev_kvs = result.previous.map(keyValueMessage)
        const deleted = BigInt(result.deleted)
        return { $case: 'response_delete_range', value: { header: this.#header(), deleted, prev_kvs } }
      }
      case 'transaction': {
        const responses = this.of(result.results)
        return { $case: 'response_txn', value: { header: NO_HEADER, succeeded: result.succeeded, responses } }
      }
      default:
        return assertNever(result, 'result')
    }
  }

  #header(): ResponseHeader {
    return { ...NO_HEADER, revision: BigInt(this.#begun + (this.#changed ? 1 : 0)) }
  }
}

/** Within a transaction only revisions are told. */
const NO_HEADER: ResponseHeader = { cluster_id: 0n, member_id: 0n, revision: 0n, raft_term: 0n }
