/** KV: keys and their values, and compacting their history. */
import { StoreError } from '../../../base/errors.js'
import type { KVService, RangeRequest, RangeStreamResponse } from '../../generated/rpc.js'
import { keyValueMessage } from '../../wire/key-value.js'
import { numberOf } from '../../wire/numbers.js'
import { selectionOf } from '../../wire/selection.js'
import type { Face } from '../face.js'
import { Refusal } from '../refusal.js'
import type { Call, Service } from '../service.js'
import { isFiltered, isInKeyOrder, rangeResponse, readOptionsOf } from './range-request.js'
import { rangePieces } from './range-stream.js'
import { transactionOf, transactionResponse } from './transaction.js'

export function kvService(face: Face): Service<typeof KVService> {
  return {
    async range(request, { store }) {
      const selection = selectionOf(request.key, request.range_end)
      const consistency = consistencyOf(request)
      const result = await store.range(selection, { ...readOptionsOf(request), consistency })
      return rangeResponse(result, face.header(result.revision))
    },

    rangeStream: (request, call) => rangeStream(face, request, call),

    async put(request, { store }) {
      const { lease } = request
      const { revision, previous } = await store.put(request.key, request.value, {
        lease: lease === 0n ? undefined : lease,
        previous: request.prev_kv,
        ignoreValue: request.ignore_value,
        ignoreLease: request.ignore_lease,
      })
      return { header: face.header(revision), prev_kv: previous && keyValueMessage(previous) }
    },

    async deleteRange(request, { store }) {
      const selection = selectionOf(request.key, request.range_end)
      const { revision, deleted, previous } = await store.delete(selection, { previous: request.prev_kv })
      return {
        header: face.header(revision),
        deleted: BigInt(deleted),
        prev_kvs: previous.map(keyValueMessage),
      }
    },

    async txn(request, { store }) {
      const result = await store.txn(transactionOf(request, face.settings.transactionOperationsMax))
      return transactionResponse(result, face.header(result.revision))
    },

    async compact(request, { store, signal }) {
      const { revision, physical } = request
      if (revision < 0n) throw new StoreError('COMPACTED', `${revision} is no revision that there ever was.`)
      // Waiting for the disk may take long, and whoever asked may not wait for it.
      await store.compact(numberOf(revision), physical ? { physical, signal } : { physical })
      return { header: face.header() }
    },
  }
}

async function* rangeStream(face: Face, request: RangeRequest, { store }: Call): AsyncGenerator<RangeStreamResponse> {
  const selection = selectionOf(request.key, request.range_end)
  if (!isInKeyOrder(request)) {
    throw new Refusal('UNIMPLEMENTED', 'RangeStream does not support custom sort orders')
  }
  if (isFiltered(request)) throw new Refusal('UNIMPLEMENTED', 'RangeStream does not support revision filters')
  const options = { ...readOptionsOf(request), consistency: consistencyOf(request) }
  for await (const { items, end } of rangePieces(store, selection, options, face.settings.requestBytesMax)) {
    const range_response =
      end === undefined
        ? { header: undefined, kvs: items.map(keyValueMessage), more: false, count: 0n }
        : rangeResponse({ items, ...end }, face.header(end.revision))
    yield { range_response }
  }
}

function consistencyOf({ serializable }: RangeRequest): 'local' | 'linearizable' {
  return serializable ? 'local' : 'linearizable'
}
