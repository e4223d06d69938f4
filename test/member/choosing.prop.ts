/** What a member answers, with records that come some at a time, is what the key space says at once. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStoreError, StoreError } from '../../src/base/errors.js'
import { ANONYMOUS } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import { Deadlines } from '../../src/member/deadlines.js'
import { Ranges } from '../../src/member/ranges.js'
import { RecordReader } from '../../src/member/record-reader.js'
import { ResponseReader, type CompleteResponse } from '../../src/member/response-reader.js'
import type { Operation, OperationResponse } from '../../src/mvcc/types.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { deletion, fitted, LEASES, put, range, transaction } from '../mvcc/arbitraries.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { always, get, put as putOf } from '../mvcc/requests.js'

const history = fc.array(fc.oneof({ weight: 3, arbitrary: put }, { weight: 1, arbitrary: deletion }), {
  minLength: 4,
  maxLength: 20,
  size: 'max',
})

describe('the answers of a member', () => {
  test('to ranges are those of the key space, however few records come at a time', async () => {
    await fc.assert(
      fc.asyncProperty(history, range, fc.boolean(), async (writes, request, slow) => {
        const { store, ranges, finished } = memberOf(writes, slow)
        const fitting = fitted(request, store.revision)
        const expected = store.range(fitting)
        const { keyValues, count, more } = await finished(ranges.range(fitting, ANONYMOUS, { deadlineMs: Infinity }))
        expect(plainly({ type: 'range', keyValues, count, more })).toEqual(plainly(expected))
      }),
      { numRuns: 500 },
    )
  })

  test('to transactions are those of the key space, also when all is compacted as soon as the reading has begun', async () => {
    const several = fc.array(fc.oneof({ weight: 3, arbitrary: range }, put, deletion, transaction), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(history, several, fc.boolean(), async (writes, operations, slow) => {
        const { store, pendingOf, responses, finished } = memberOf(writes, slow)
        const success = operations.map((each) => (each.type === 'range' ? fitted(each, store.revision) : each))
        const request: Operation = { type: 'transaction', compare: [], success, failure: [] }
        const written = refusedOr(() => store.write(request))
        if (typeof written === 'string') return
        const expected = store.complete(written.response)
        const pending = pendingOf<CompleteResponse>()
        responses.answer(written.response, store.revision, pending, (complete) => complete)
        if (store.revision > 1) store.compact(store.revision)
        store.sweep(1000)
        expect(plainly(await finished(pending.promise))).toEqual(plainly(expected))
      }),
      { numRuns: 500 },
    )
  })
})

test('what a range without records leaves to be chosen keeps the records of the next one from a compaction', async () => {
  const { store, pendingOf, responses, finished } = memberOf([putOf('a', 'old'), putOf('b', 'old')], true)
  const sorted = get('\0', '\0', { keysOnly: true, sort: { target: 'version', order: 'descending' } })
  const { response } = store.write(always(sorted, get('a'), putOf('a', 'new')))
  const pending = pendingOf<CompleteResponse>()
  responses.answer(response, store.revision, pending, (complete) => complete)
  store.compact(store.revision)
  store.sweep(10)
  expect(await finished(pending.promise)).toMatchObject({
    responses: [{ count: 2 }, { keyValues: [{ key: 'a', modRevision: 2 }] }, {}],
  })
})

/** The reading parts of a member, over a state whose reads answer at once. `slow`: one record at a time. */
function memberOf(writes: readonly Operation[], slow: boolean) {
  const backend = new MemoryBackend()
  const machine = new Machine({ backend })
  machine.finishLoading()
  for (const id of LEASES) machine.lessor.grant(id, 10)
  const { store } = machine
  for (const write of writes) refusedOr(() => store.write(write))
  const scheduler = new SimScheduler()
  const timers = scheduler.timersOf()
  const getMany = async (keys: readonly string[]): Promise<(Uint8Array | undefined)[]> => {
    return keys.map((key) => backend.get(key))
  }
  const storage = { state: { getMany } }
  const reader = new RecordReader({ machine, storage, timers, wake: () => undefined, buggify: () => slow })
  const deadlines = new Deadlines(scheduler.clock, timers)
  const finished = async <T>(answer: Promise<T>): Promise<T> => {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    answer.then(settle, settle)
    for (await drainMicrotasks(); !settled; await drainMicrotasks()) {
      if (!(await scheduler.step())) throw new Error('nobody goes on with the answer')
    }
    return answer
  }
  const giveUp = (code: 'TIMEOUT' | 'ABORTED') => new StoreError(code, 'given up')
  const pendingOf = <T>() => deadlines.wait<T>({ deadlineMs: Infinity }, giveUp)
  return {
    store,
    ranges: new Ranges(machine, reader, deadlines),
    responses: new ResponseReader(reader),
    pendingOf,
    finished,
  }
}

function refusedOr<T>(action: () => T): T | string {
  try {
    return action()
  } catch (error) {
    if (!isStoreError(error)) throw error
    return error.code
  }
}

/** Buffers compare unequal to Uint8Arrays of the same bytes. */
function plainly(response: OperationResponse | CompleteResponse): unknown {
  return JSON.parse(
    JSON.stringify(response, (_name, part: unknown) => {
      if (typeof part === 'bigint') return `${part}n`
      return ArrayBuffer.isView(part) ? [...(part as Uint8Array)] : part
    }),
  )
}
