import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import {
  CachedView,
  Configuration,
  Election,
  get,
  Mutex,
  put,
  Registry,
  RWLock,
  Scheduler,
  Semaphore,
  stm,
  type Instance,
  type KeyValue,
  type Leadership,
  type Lock,
  type Permit,
  type Store,
} from 'quorate'
import type { PutOperationResult, RangeOperationResult } from 'quorate'
import { typesOf } from './store-types.js'

typesOf('what is done under a lock gives what the work gives', async (store) => {
  expectTypeOf(await new Mutex(store, 'm').withLock(() => 'done')).toEqualTypeOf<string>()
  expectTypeOf(await new Mutex(store, 'm').withLock(async (lock) => Promise.resolve(lock))).toEqualTypeOf<Lock>()
  expectTypeOf(await new Semaphore(store, 's', { permits: 3 }).withPermit((permit) => permit)).toEqualTypeOf<Permit>()
  expectTypeOf(await new RWLock(store, 'r').withReadLock(({ token }) => token)).toEqualTypeOf<number>()
  expectTypeOf(await new RWLock(store, 'r').withWriteLock(() => undefined)).toEqualTypeOf<undefined>()
  expectTypeOf(await new Mutex(store, 'm').tryLock()).toEqualTypeOf<Lock | undefined>()
  // @ts-expect-error a time without its unit
  void new Mutex(store, 'm').lock({ ttl: 10 })
})

typesOf('a guarded transaction is as exact as one without', async (store) => {
  const lock = await new Mutex(store, 'm').lock()
  const { succeeded, results } = await lock.txn({ success: [put('a', '1'), get('b')], failure: [get('a')] })
  if (succeeded) expectTypeOf(results).toEqualTypeOf<readonly [PutOperationResult, RangeOperationResult]>()
  else expectTypeOf(results).toEqualTypeOf<readonly [RangeOperationResult]>()
  const held = await store.txn(lock.guard({ success: [put('a', '1')] }))
  if (held.succeeded && held.results[0].succeeded) {
    expectTypeOf(held.results[0].results).toEqualTypeOf<readonly [PutOperationResult]>()
  }
  if (!held.succeeded) expectTypeOf(held.results).toEqualTypeOf<readonly []>()
})

typesOf('leading gives what the work gives', async (store) => {
  const election = new Election(store, 'e')
  expectTypeOf(await election.leaderWhile((leadership) => leadership)).toEqualTypeOf<Leadership>()
  expectTypeOf(await election.leader()).toEqualTypeOf<KeyValue | undefined>()
  for await (const leader of election.observe()) expectTypeOf(leader).toEqualTypeOf<KeyValue | undefined>()
})

typesOf('a transaction in memory gives what its work gives', async (store) => {
  const left = await stm(store, async (transaction) => {
    expectTypeOf(await transaction.get('a')).toEqualTypeOf<KeyValue | undefined>()
    return 5
  })
  expectTypeOf(left).toEqualTypeOf<number>()
})

typesOf('a view holds what its decoder makes', async (store) => {
  const flags = await CachedView.open(store, { prefix: 'flags/' }, { decode: (found) => found.json<boolean>() })
  expectTypeOf(flags).toEqualTypeOf<CachedView<boolean>>()
  expectTypeOf(flags.get('flags/a')).toEqualTypeOf<boolean | undefined>()
  for await (const change of flags.changes()) {
    expectTypeOf(change.previous).toEqualTypeOf<boolean | undefined>()
    if (change.type === 'put') expectTypeOf(change.value).toEqualTypeOf<boolean>()
    else expectTypeOf(change.value).toEqualTypeOf<undefined>()
  }
  const plain = await CachedView.open(store, { all: true })
  expectTypeOf(plain.get('a')).toEqualTypeOf<KeyValue | undefined>()
})

typesOf('a configuration has the types of its schema', async (store) => {
  const schema = z.object({ url: z.string(), port: z.string().transform(Number) })
  const config = await Configuration.open(store, 'config/db', { schema })
  expectTypeOf(config.value).toEqualTypeOf<{ url: string; port: number }>()
  await config.set({ url: 'postgres://db1', port: '5432' })
  // @ts-expect-error what is set is what the schema takes
  void config.set({ url: 'postgres://db1', port: 5432 })
  for await (const { value, revision } of config.changes()) {
    expectTypeOf(value.port).toEqualTypeOf<number>()
    expectTypeOf(revision).toExtend<number | undefined>()
  }
})

typesOf('a registry has the metadata that it is said to have', async (store) => {
  const registry = new Registry<{ version: string }>(store, 'services/web')
  // @ts-expect-error metadata of a type is given
  void registry.register({ id: 'a', address: 'b' })
  void new Registry<{ version: string } | undefined>(store, 'services/web').register({ id: 'a', address: 'b' })
  const registration = await new Registry(store, 'services/web').register({ id: 'a', address: 'b' })
  await registration.update({ address: 'c' })
  await registry.register({ id: 'web-1', address: 'http://10.0.0.1', metadata: { version: '1.2' } })
  const live = await registry.open()
  expectTypeOf(live.instances).toEqualTypeOf<readonly Instance<{ version: string }>[]>()
  expectTypeOf(live.instances[0]?.metadata.version).toEqualTypeOf<string | undefined>()
  // @ts-expect-error other metadata
  void registry.register({ id: 'web-1', address: 'http://10.0.0.1', metadata: { build: 7 } })
})

typesOf('a job has one schedule, and only what goes with it', (store) => {
  const scheduler = new Scheduler(store, 'billing')
  const promise = 'at-least-once' as 'at-least-once' | 'at-most-once'
  scheduler.start('a', { cron: '* * * * *', timeZone: 'UTC', promise }, () => undefined)
  scheduler.start('a', { everyMs: 1_000, promise: 'at-least-once', attemptsMax: 3 }, async () => Promise.resolve())
  scheduler.start('a', { everyMs: 1_000, promise, missed: 'skip', graceMs: 5 }, ({ token }) => {
    expectTypeOf(token).toEqualTypeOf<number>()
  })
  // @ts-expect-error two schedules
  scheduler.start('a', { cron: '* * * * *', everyMs: 1_000, promise }, () => undefined)
  // @ts-expect-error an interval is the same in every zone
  scheduler.start('a', { everyMs: 1_000, timeZone: 'UTC', promise }, () => undefined)
  // @ts-expect-error one attempt
  scheduler.start('a', { everyMs: 1_000, promise: 'at-most-once', attemptsMax: 3 }, () => undefined)
  // @ts-expect-error nothing is late where the latest counts
  scheduler.start('a', { everyMs: 1_000, promise, missed: 'latest', graceMs: 5 }, () => undefined)
})

typesOf('a namespace is a store', (store) => {
  expectTypeOf(store.namespace('a/')).toEqualTypeOf<Store>()
  // @ts-expect-error a prefix is a key
  store.namespace({ prefix: 'a/' })
})
