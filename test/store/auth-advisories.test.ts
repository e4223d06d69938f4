/** Etcd's advisories about users and passwords, each at the level where a user would meet it again. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compare, del, get, put, txn, type Transaction } from '../../src/api/operations.js'
import type { Permission } from '../../src/api/auth.js'
import type { Selection } from '../../src/api/key-value.js'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import { open } from '../../src/store/open.js'

const scrypt = { costLog2: 10, blockSize: 8, parallelization: 1 }
let store: Store
let ann: Store

async function begin(...permissions: readonly Permission[]): Promise<void> {
  const { auth } = store
  for (const name of ['root', 'ann']) await auth.users.add(name, { noPassword: true })
  await auth.users.grantRole('root', 'root')
  await auth.roles.add('some')
  await auth.users.grantRole('ann', 'some')
  for (const permission of permissions) await auth.roles.grant('some', permission)
  await auth.enable()
}

beforeEach(async () => {
  store = await open({ auth: { scrypt } })
  await store.put('secret', 'value of the secret')
  ann = store.as({ user: 'ann' })
})

afterEach(() => store.close())

/** The refusal, which tells nothing of a key that it was not asked for. */
async function refusal(call: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    if (!isStoreError(error)) throw error
    expect(error.message).not.toContain('value of')
    return error.code
  }
}

async function first(handle: Store, selection: Selection): Promise<unknown> {
  const events = handle.watch(selection, { startRevision: 2 })[Symbol.asyncIterator]()
  const next = await events.next()
  await events.return?.()
  return next.done === true ? undefined : next.value.key
}

test('GHSA-xg4h-6gfc-h4m8: who may read one key watches that key, not everything from it on', async () => {
  await begin({ type: 'read', key: 'a' })
  await store.put('a', '1')
  expect(await first(ann, 'a')).toBe('a')
  for (const more of [{ from: 'a' }, { prefix: 'a' }, { from: 'a', to: 'b' }, { all: true }] as const) {
    expect(await refusal(() => first(ann, more))).toBe('PERMISSION_DENIED')
  }
})

test('CVE-2026-44283: a previous value and a lease need permission inside a transaction as outside', async () => {
  await begin({ type: 'write', key: 'a' }, { type: 'write', key: 'secret' })
  const { id } = await store.leases.grant({ ttlMs: 60_000 })
  await store.put('other', 'x', { lease: id })
  for (const operation of [
    put('secret', 'mine', { previous: true }),
    del('secret', { previous: true }),
    put('a', 'mine', { lease: id }),
  ]) {
    const transactions: Transaction[] = [
      { success: [operation] },
      { failure: [operation] },
      { success: [txn({ success: [operation] })] },
    ]
    for (const transaction of transactions) {
      expect(await refusal(() => ann.txn(transaction))).toBe('PERMISSION_DENIED')
    }
  }
  expect(await refusal(() => ann.put('secret', 'mine', { previous: true }))).toBe('PERMISSION_DENIED')
  expect(await refusal(() => ann.put('a', 'mine', { lease: id }))).toBe('PERMISSION_DENIED')
  expect((await store.get('secret'))?.text()).toBe('value of the secret')
})

test('CVE-2026-33343: nested transactions are looked into', async () => {
  await begin({ type: 'readwrite', key: 'a' })
  const nested = [
    txn({ success: [get('secret')] }),
    txn({ failure: [txn({ success: [put('secret', 'mine')] })] }),
    txn({ compare: [compare('secret').exists()], success: [get('a')] }),
    txn({ success: [txn({ success: [del({ all: true })] })] }),
  ]
  for (const operation of nested) {
    expect(await refusal(() => ann.txn({ success: [get('a'), operation] }))).toBe('PERMISSION_DENIED')
    expect(await refusal(() => ann.txn({ failure: [operation] }))).toBe('PERMISSION_DENIED')
  }
})

test('CVE-2023-32082: the keys of a lease are told to nobody who may not read all of them', async () => {
  await begin({ type: 'read', key: 'a' })
  const { id } = await store.leases.grant({ ttlMs: 60_000 })
  for (const key of ['a', 'secret']) await store.put(key, 'x', { lease: id })
  expect(await refusal(() => ann.leases.timeToLive(id, { keys: true }))).toBe('PERMISSION_DENIED')
  expect(await refusal(() => ann.leases.list())).toBe('PERMISSION_DENIED')
  expect((await ann.leases.timeToLive(id))?.ttlMs).toBe(60_000)
  await store.put('secret', 'x')
  expect((await ann.leases.timeToLive(id, { keys: true }))?.keys?.map(({ key }) => key)).toEqual(['a'])
})

describe('GHSA-q8m4-xhhv-38mg, CVE-2026-33413: no call is answered without a user, and none of root without root', () => {
  const everybody: readonly (readonly [string, (handle: Store) => unknown])[] = [
    ['get', (handle) => handle.get('a')],
    ['local get', (handle) => handle.get('a', { consistency: 'local' })],
    ['put', (handle) => handle.put('a', '1')],
    ['delete', (handle) => handle.delete('a')],
    ['txn', (handle) => handle.txn({})],
    ['watch', (handle) => first(handle, 'a')],
    ['leases.grant', (handle) => handle.leases.grant({ ttlMs: 5000 })],
    ['leases.keepAlive', (handle) => handle.leases.keepAlive(7n)],
    ['leases.revoke', (handle) => handle.leases.revoke(7n)],
    ['leases.timeToLive', (handle) => handle.leases.timeToLive(7n)],
    ['leases.list', (handle) => handle.leases.list()],
    ['status', (handle) => handle.status()],
    ['maintenance.alarms', (handle) => handle.maintenance.alarms()],
    ['maintenance.sizes', (handle) => handle.maintenance.sizes()],
  ]
  const rootOnly: readonly (readonly [string, (handle: Store) => unknown])[] = [
    ['compact', (handle) => handle.compact(1)],
    [
      'maintenance.raise',
      ({ maintenance }) => maintenance.raise({ alarm: 'corrupt', memberId: store.status().memberId }),
    ],
    ['maintenance.check', (handle) => handle.maintenance.check()],
    ['maintenance.defragment', (handle) => handle.maintenance.defragment()],
    ['maintenance.hash', (handle) => handle.maintenance.hash()],
    ['maintenance.snapshot', async ({ maintenance }) => maintenance.snapshot()[Symbol.asyncIterator]().next()],
    ['auth.users.list', (handle) => handle.auth.users.list()],
    ['auth.disable', (handle) => handle.auth.disable()],
  ]

  test.each(everybody)('%s', async (_name, call) => {
    await begin()
    expect(await refusal(async () => call(store.as('anonymous')))).toBe('USER_EMPTY')
    expect(await refusal(async () => call(store.as({ token: 'x' })))).toBe('AUTH_TOKEN_INVALID')
  })

  test.each(rootOnly)('%s', async (_name, call) => {
    await begin({ type: 'readwrite', all: true })
    expect(await refusal(async () => call(store.as('anonymous')))).toBe('USER_EMPTY')
    expect(await refusal(async () => call(ann))).toBe('PERMISSION_DENIED')
    expect(['COMPACTED', undefined]).toContain(await refusal(async () => call(store.as({ user: 'root' }))))
  })
})

test('CVE-2021-28235: a password, and a token, stand in no log, on no disk, in no event and in no error', async () => {
  const passwords = ['hunter2-of-ann', 'hunter3-of-ann', 'a wrong hunter4']
  const dataDir = await mkdtemp(join(tmpdir(), 'quorate-auth-'))
  const seen: unknown[] = []
  const note = (level: string) => (message: string, fields?: unknown) => seen.push([level, message, fields])
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const disk = await open({ dataDir, auth: { scrypt }, observe: (event) => seen.push(event), logger })
  try {
    const [one = '', two = '', three = ''] = passwords
    await disk.auth.users.add('root', { noPassword: true })
    await disk.auth.users.grantRole('root', 'root')
    await disk.auth.users.add('ann', { password: one })
    await disk.auth.enable()
    const tokens = [await disk.auth.login('ann', one)]
    await disk.auth.users.changePassword('ann', two)
    tokens.push(await disk.auth.login('ann', two))
    for (const call of [
      () => disk.auth.login('ann', three),
      () => disk.auth.login('missing', three),
      () => disk.auth.users.add('ann', { password: three }),
      () => disk.auth.login('root', three),
      () => disk.as({ token: tokens[0] as string }).get('a'),
      () => disk.as({ token: tokens[1] as string }).get('a'),
    ]) {
      seen.push(await call().catch((error: unknown) => error))
    }
    await disk.close()
    const files = await readdir(dataDir, { recursive: true, withFileTypes: true })
    const texts = [inspect(seen, { depth: 12, maxArrayLength: null, maxStringLength: null }), ...bytesIn(seen)]
    for (const file of files) {
      if (file.isFile()) texts.push((await readFile(join(file.parentPath, file.name))).toString('latin1'))
    }
    expect(texts.some((text) => text.includes('$scrypt$ln=10'))).toBe(true)
    for (const hidden of [...passwords, ...tokens]) {
      expect(texts.filter((text) => text.includes(hidden))).toEqual([])
      expect(texts.filter((text) => text.includes(Buffer.from(hidden).toString('base64')))).toEqual([])
    }
  } finally {
    await disk.close()
    await rm(dataDir, { recursive: true, force: true })
  }
})

/** Every run of bytes in the events, entries of the log among them. */
function bytesIn(value: unknown, seen = new Set<unknown>()): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('latin1')]
  if (typeof value !== 'object' || value === null || seen.has(value)) return []
  seen.add(value)
  return Object.values(value).flatMap((part) => bytesIn(part, seen))
}
