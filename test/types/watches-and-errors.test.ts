import { expectTypeOf } from 'vitest'
import { isStoreError, StoreError } from 'quorate'
import type { DeletedKey, DeleteEvent, ErrorCode, KeyValue, PutEvent, Selection, WatchBatch, WatchEvent } from 'quorate'
import { typesOf } from './store-types.js'

typesOf('an event is of a put or of a deletion', async (store) => {
  for await (const event of store.watch({ prefix: 'a/' }, { previous: true })) {
    expectTypeOf(event).toEqualTypeOf<WatchEvent>()
    expectTypeOf(event.type).toEqualTypeOf<'put' | 'delete'>()
    expectTypeOf(event.key).toEqualTypeOf<string>()
    expectTypeOf(event.revision).toEqualTypeOf<number>()
    expectTypeOf(event.previous).toEqualTypeOf<KeyValue | undefined>()
    // @ts-expect-error a deletion has no value
    void event.keyValue.text
    // @ts-expect-error nor a lease
    void event.keyValue.lease
    if (event.type === 'put') {
      expectTypeOf(event).toEqualTypeOf<PutEvent>()
      expectTypeOf(event.keyValue).toEqualTypeOf<KeyValue>()
      expectTypeOf(event.created).toEqualTypeOf<boolean>()
    } else {
      expectTypeOf(event).toEqualTypeOf<DeleteEvent>()
      expectTypeOf(event.keyValue).toEqualTypeOf<DeletedKey>()
      expectTypeOf(event.keyValue.keyBytes).toEqualTypeOf<Uint8Array>()
      expectTypeOf(event.keyValue.modRevision).toEqualTypeOf<number>()
      expectTypeOf(event.created).toEqualTypeOf<false>()
    }
  }
})

typesOf('an event may be taken apart first', async (store) => {
  for await (const { type, keyValue } of store.watch('a')) {
    if (type === 'put') expectTypeOf(keyValue).toEqualTypeOf<KeyValue>()
    else expectTypeOf(keyValue).toEqualTypeOf<DeletedKey>()
  }
})

typesOf('a batch brings events or tells of progress', async (store) => {
  for await (const batch of store.watch({ all: true }).batches()) {
    expectTypeOf(batch).toEqualTypeOf<WatchBatch>()
    if (batch.type === 'events') expectTypeOf(batch.events).toEqualTypeOf<readonly WatchEvent[]>()
    else expectTypeOf(batch.requested).toEqualTypeOf<boolean>()
    // @ts-expect-error not of every batch
    void batch.events
  }
})

typesOf('an error is known by its code', () => {
  const error: unknown = undefined
  if (isStoreError(error)) expectTypeOf(error).toEqualTypeOf<StoreError>()
  if (isStoreError(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
  if (isStoreError(error, 'COMPACTED')) {
    expectTypeOf(error.code).toEqualTypeOf<'COMPACTED'>()
    expectTypeOf(error.compactRevision).toEqualTypeOf<number | undefined>()
    expectTypeOf(error).toExtend<StoreError>()
  }
  // @ts-expect-error a code that there is not
  isStoreError(error, 'COMPACTD')
  expectTypeOf(new StoreError('CLOSED', 'closed').code).toEqualTypeOf<'CLOSED'>()
})

typesOf('what is not of one code may still be of another one', (store) => {
  return store.get('a').catch((error: StoreError) => {
    if (isStoreError(error, 'TIMEOUT')) return undefined
    if (isStoreError(error, 'ABORTED')) return error.cause
    throw error
  })
})

typesOf('a selection is of one kind', (store) => {
  expectTypeOf<{ prefix: string }>().toExtend<Selection>()
  // @ts-expect-error not everything is one
  void store.range({ all: false })
  // @ts-expect-error several keys
  void store.get({ prefix: 'a' })
})
