/**
 * R24: whatever users, roles and requests are drawn, a user gets exactly what a naive reading of the permissions allows, no
 * answer, event or refusal holds a byte of a key outside their ranges to read, and no key outside those to write changes.
 *
 * Every value names its key in words that stand nowhere else, and what a user gets is searched for them, whole.
 */
import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compare, del, get, put, txn, type Operation, type Transaction } from '../../src/api/operations.js'
import type { Store, Watch } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import { open } from '../../src/store/open.js'

const KEYS = Array.from({ length: 6 }, (_, nth) => `key-${nth}`)
const LEASES = [11n, 12n]
const valueOf = (key: string): string => `what ${key} hides`

interface Span {
  readonly from: number
  readonly to: number
}
type Mode = 'read' | 'write'
type Touch = readonly [Mode, number]

/** An operation of a transaction, or a whole call. */
type Step =
  | { readonly type: 'put'; readonly key: number; readonly previous: boolean; readonly lease: bigint | undefined }
  | { readonly type: 'get' | 'count'; readonly span: Span }
  | { readonly type: 'delete'; readonly span: Span; readonly previous: boolean }
  | {
      readonly type: 'txn'
      readonly compare: Span
      readonly success: readonly Step[]
      readonly failure: readonly Step[]
    }
type Call =
  Step | { readonly type: 'keys of' | 'revoke' | 'renew'; readonly lease: bigint } | { readonly type: 'leases' }

const span: fc.Arbitrary<Span> = fc
  .tuple(fc.nat(KEYS.length - 1), fc.integer({ min: 1, max: 3 }))
  .map(([from, length]) => ({ from, to: Math.min(from + length, KEYS.length) }))
const lease = fc.constantFrom(...LEASES)
const plain: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('put' as const),
    key: fc.nat(KEYS.length - 1),
    previous: fc.boolean(),
    lease: fc.option(lease, { nil: undefined }),
  }),
  fc.record({ type: fc.constantFrom('get' as const, 'count' as const), span }),
  fc.record({ type: fc.constant('delete' as const), span, previous: fc.boolean() }),
)
// One write for each branch: of one key, only one may be in a transaction.
const transactionOf = (inner: fc.Arbitrary<Step>): fc.Arbitrary<Step> => {
  const branch = fc.array(inner, { maxLength: 1 })
  return fc.record({ type: fc.constant('txn' as const), compare: span, success: branch, failure: branch })
}
const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: plain },
  { weight: 3, arbitrary: transactionOf(plain) },
  { weight: 2, arbitrary: transactionOf(transactionOf(plain)) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('keys of' as const, 'revoke' as const, 'renew' as const), lease }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'leases' as const }) },
)
const permissions = fc.array(
  fc.record({ type: fc.constantFrom('read' as const, 'write' as const, 'readwrite' as const), span }),
  { minLength: 1, maxLength: 4 },
)
type Permissions = typeof permissions extends fc.Arbitrary<infer T> ? T : never

const counted = { allowed: 0, refused: 0, shown: 0 }

/** `handleOf`: what the user is given to call on. */
async function holds(handleOf: (store: Store) => Store, numRuns: number): Promise<void> {
  const store = await open({ auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } } })
  try {
    const { auth } = store
    for (const name of ['root', 'ann']) await auth.users.add(name, { noPassword: true })
    await auth.users.grantRole('root', 'root')
    await auth.enable()
    await fc.assert(
      fc.asyncProperty(permissions, fc.array(call, { minLength: 4, maxLength: 10 }), async (granted, calls) => {
        await run(store, handleOf(store), granted, calls)
      }),
      { numRuns, endOnFailure: true },
    )
  } finally {
    await store.close()
  }
}

async function run(store: Store, ann: Store, granted: Permissions, calls: readonly Call[]): Promise<void> {
  await begin(store, granted)
  const { revision } = store.status()
  const watches = [
    ...KEYS.map((key) => ann.watch(key, { startRevision: revision - 1, previous: true })),
    ann.watch({ all: true }),
  ]
  for (const each of calls) {
    const before = await dump(store)
    const attached = await leasesOf(store)
    const expected = touchedBy(each, attached).every((touch) => may(granted, touch))
    const answer = await perform(ann, each)
    expect([each, answer.code === 'PERMISSION_DENIED']).toEqual([each, !expected])
    search(answer.text, granted)
    const after = await dump(store)
    for (const [nth, key] of KEYS.entries()) {
      if (!may(granted, ['write', nth])) expect([key, after.get(key)]).toEqual([key, before.get(key)])
    }
    if (expected) counted.allowed++
    else {
      counted.refused++
      expect(after).toEqual(before)
    }
  }
  for (const watch of watches) search(await eventsOf(watch), granted)
}

/** Every key with its value, two leases with a key each, and the user with one role that holds these permissions. */
async function begin(store: Store, granted: Permissions): Promise<void> {
  const { auth, leases } = store
  if ((await auth.roles.list()).includes('some')) await auth.roles.delete('some')
  await auth.roles.add('some')
  await auth.users.grantRole('ann', 'some')
  for (const { type, span } of granted) await auth.roles.grant('some', { type, ...rangeOf(span) })
  for (const id of LEASES) await leases.revoke(id).catch(() => undefined)
  for (const id of LEASES) await leases.grant({ ttlMs: 60_000, id })
  for (const [nth, key] of KEYS.entries()) {
    await store.put(key, valueOf(key), nth < LEASES.length ? { lease: LEASES[nth] } : {})
  }
}

async function perform(ann: Store, each: Call): Promise<{ readonly code: string | undefined; readonly text: string }> {
  try {
    return { code: undefined, text: textOf(await answerTo(ann, each)) }
  } catch (error) {
    if (!isStoreError(error)) throw error
    return { code: error.code, text: `${error.message} ${String(error.cause)}` }
  }
}

async function answerTo(ann: Store, each: Call): Promise<unknown> {
  switch (each.type) {
    case 'keys of':
      return (await ann.leases.timeToLive(each.lease, { keys: true }))?.keys?.map(({ key }) => key)
    case 'revoke':
      return ann.leases.revoke(each.lease)
    case 'renew':
      return ann.leases.keepAlive(each.lease)
    case 'leases':
      return ann.leases.list()
    case 'put':
      return ann.put(KEYS[each.key] as string, valueOf(KEYS[each.key] as string), optionsOf(each))
    case 'get':
      return ann.range(rangeOf(each.span))
    case 'count':
      return (await ann.range(rangeOf(each.span), { countOnly: true })).items
    case 'delete':
      return ann.delete(rangeOf(each.span), { previous: each.previous })
    case 'txn':
      return ann.txn(transactionOfStep(each))
  }
}

function operationOf(step: Step): Operation {
  switch (step.type) {
    case 'put':
      return put(KEYS[step.key] as string, valueOf(KEYS[step.key] as string), optionsOf(step))
    case 'get':
    case 'count':
      return get(rangeOf(step.span), { countOnly: step.type === 'count' })
    case 'delete':
      return del(rangeOf(step.span), { previous: step.previous })
    case 'txn':
      return txn(transactionOfStep(step))
  }
}

function transactionOfStep(step: Extract<Step, { type: 'txn' }>): Transaction {
  return {
    compare: [compare(rangeOf(step.compare)).exists()],
    success: step.success.map(operationOf),
    failure: step.failure.map(operationOf),
  }
}

const optionsOf = ({ previous, lease }: Extract<Step, { type: 'put' }>) => ({ previous, lease })
const rangeOf = ({ from, to }: Span) => ({ from: KEYS[from] as string, to: KEYS[to] ?? 'key-9' })

/** The naive reading: each key that either branch would look at or change, one by one. */
function touchedBy(each: Call, attached: ReadonlyMap<bigint, readonly number[]>): readonly Touch[] {
  const on = (mode: Mode, id: bigint): readonly Touch[] => (attached.get(id) ?? []).map((nth) => [mode, nth])
  switch (each.type) {
    case 'keys of':
      return on('read', each.lease)
    case 'leases':
      return LEASES.flatMap((id) => on('read', id))
    case 'revoke':
    case 'renew':
      return on('write', each.lease)
    case 'put': {
      const written: readonly Touch[] = [
        ['write', each.key],
        ...(each.lease === undefined ? [] : on('write', each.lease)),
      ]
      return each.previous ? [...written, ['read', each.key]] : written
    }
    case 'get':
    case 'count':
      return touches('read', each.span)
    case 'delete':
      return [...touches('write', each.span), ...(each.previous ? touches('read', each.span) : [])]
    case 'txn':
      return [
        ...touches('read', each.compare),
        ...[...each.success, ...each.failure].flatMap((step) => touchedBy(step, attached)),
      ]
  }
}

function touches(mode: Mode, { from, to }: Span): readonly Touch[] {
  return KEYS.flatMap((_, nth): Touch[] => (from <= nth && nth < to ? [[mode, nth]] : []))
}

function may(granted: Permissions, [mode, nth]: Touch): boolean {
  // What is granted again for the same keys takes the place of what was.
  const last = granted.filter(({ span }, at) => {
    return !granted.slice(at + 1).some((later) => later.span.from === span.from && later.span.to === span.to)
  })
  return last.some(({ type, span }) => (type === mode || type === 'readwrite') && span.from <= nth && nth < span.to)
}

/** The value of no key that may not be read stands in `text`. */
function search(text: string, granted: Permissions): void {
  for (const [nth, key] of KEYS.entries()) {
    if (!text.includes(valueOf(key))) continue
    counted.shown++
    expect([key, may(granted, ['read', nth])]).toEqual([key, true])
  }
}

/** Whatever is in it, also behind getters and in bytes. */
function textOf(value: unknown): string {
  const parts: string[] = []
  const visit = (part: unknown): void => {
    if (part instanceof Uint8Array) parts.push(Buffer.from(part).toString('latin1'))
    else if (Array.isArray(part)) part.forEach(visit)
    else if (typeof part === 'object' && part !== null) {
      const { keyBytes, value: bytes } = part as { readonly keyBytes?: unknown; readonly value?: unknown }
      for (const each of [keyBytes, bytes, ...(Object.values(part) as unknown[])]) visit(each)
    } else parts.push(String(part))
  }
  visit(value)
  return `${parts.join(' ')} ${inspect(value, { depth: 9 })}`
}

async function dump(store: Store): Promise<ReadonlyMap<string, unknown>> {
  const { items } = await store.range({ all: true })
  return new Map(items.map(({ key, modRevision, lease: of }) => [key, [modRevision, of]]))
}

async function leasesOf(store: Store): Promise<ReadonlyMap<bigint, readonly number[]>> {
  const attached = new Map<bigint, readonly number[]>()
  for (const id of LEASES) {
    const status = await store.leases.timeToLive(id, { keys: true })
    attached.set(
      id,
      (status?.keys ?? []).map(({ key }) => KEYS.indexOf(key)),
    )
  }
  return attached
}

/** All that a watch hands out by now. */
async function eventsOf(watch: Watch): Promise<string> {
  const parts: string[] = []
  const events = watch[Symbol.asyncIterator]()
  const ending = new Promise<undefined>((resolve) => setImmediate(() => setImmediate(() => resolve(undefined))))
  try {
    for (;;) {
      const next = await Promise.race([events.next(), ending])
      if (next === undefined || next.done === true) break
      parts.push(textOf([next.value.keyValue, next.value.previous]))
    }
  } catch (error) {
    parts.push(String(error))
  }
  await watch.close()
  return parts.join(' ')
}

test('a user gets what a naive reading of the permissions allows, and no byte more', async () => {
  await holds((store) => store.as({ user: 'ann' }), 50)
  expect(counted.allowed).toBeGreaterThan(20)
  expect(counted.refused).toBeGreaterThan(50)
  expect(counted.shown).toBeGreaterThan(10)
})

test.each<[string, (store: Store) => Store]>([
  ['everything is allowed', (store) => store],
  ['ranges are read by nobody who asks', (store) => withRange(store.as({ user: 'ann' }), store)],
  ['watches are opened for everybody', (store) => withWatch(store.as({ user: 'ann' }), store)],
])('the search finds it where %s', async (_what, handleOf) => {
  await expect(holds(handleOf, 60)).rejects.toThrow('Property failed')
})

/** One handle with a call of another. */
function withRange(handle: Store, owner: Store): Store {
  return new Proxy(handle, {
    get: (target, name) => (name === 'range' ? owner.range.bind(owner) : bound(target, name)),
  })
}

function withWatch(handle: Store, owner: Store): Store {
  return new Proxy(handle, {
    get: (target, name) => (name === 'watch' ? owner.watch.bind(owner) : bound(target, name)),
  })
}

function bound(target: Store, name: string | symbol): unknown {
  const found: unknown = Reflect.get(target, name, target)
  return typeof found === 'function' ? (found as (...given: unknown[]) => unknown).bind(target) : found
}
