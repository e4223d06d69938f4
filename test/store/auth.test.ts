/** Users, roles and tokens as users of a store meet them. */
import { afterEach, describe, expect, test } from 'vitest'
import { open } from '../../src/store/open.js'
import { put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import { Mutex } from '../../src/recipes/index.js'
import { SYSTEM_SECRETS } from '../../src/runtime/secrets.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { RunningWorld } from './clusters.js'

/** As cheap as is allowed: what is tested does not depend on the cost. */
const scrypt = { costLog2: 10, blockSize: 8, parallelization: 1 }
const PASSWORD = 'correct horse battery staple'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function opened(auth: object = {}, more: object = {}): Promise<Store> {
  const store = await open({ auth: { scrypt, ...auth }, ...more })
  closers.push(() => store.close())
  return store
}

/** Root, and `ann` who may do what is given. */
async function enable(store: Store, ...permissions: Parameters<Store['auth']['roles']['grant']>[1][]): Promise<void> {
  const { auth } = store
  await auth.users.add('root', { password: 'root password' })
  await auth.users.grantRole('root', 'root')
  await auth.users.add('ann', { password: PASSWORD })
  await auth.roles.add('some')
  await auth.users.grantRole('ann', 'some')
  for (const permission of permissions) await auth.roles.grant('some', permission)
  await auth.enable()
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    if (!isStoreError(error)) throw error
    return error.code
  }
}

describe('enabling', () => {
  test('needs the user root with the role root, and is done once', async () => {
    const { auth } = await opened()
    expect(await auth.status()).toEqual({ enabled: false, authRevision: 1 })
    expect(await codeOf(auth.enable())).toBe('ROOT_USER_MISSING')
    await auth.users.add('root', { password: 'x' })
    expect(await codeOf(auth.enable())).toBe('ROOT_ROLE_MISSING')
    await auth.users.grantRole('root', 'root')
    await auth.enable()
    await auth.enable()
    expect(await auth.status()).toEqual({ enabled: true, authRevision: 3 })
    expect(await codeOf(auth.users.delete('root'))).toBe('AUTH_MANAGEMENT_INVALID')
    await auth.disable()
    expect(await auth.status()).toEqual({ enabled: false, authRevision: 4 })
  })

  test('leaves the handle of open() what it was, and asks permission of every other', async () => {
    const store = await opened()
    const nobody = store.as('anonymous')
    await nobody.put('a', '1')
    await enable(store, { type: 'readwrite', prefix: 'jobs/' })
    await store.put('a', '2')
    const ann = store.as({ token: await nobody.auth.login('ann', PASSWORD) })
    await ann.put('jobs/1', 'x')
    expect((await ann.get('jobs/1'))?.text()).toBe('x')
    expect(await codeOf(ann.get('a'))).toBe('PERMISSION_DENIED')
    expect(await codeOf(ann.put('a', '3'))).toBe('PERMISSION_DENIED')
    expect(await codeOf(nobody.get('a'))).toBe('USER_EMPTY')
    expect(await codeOf(nobody.put('a', '3'))).toBe('USER_EMPTY')
    expect(await nobody.auth.status()).toMatchObject({ enabled: true })
    expect((await store.get('a'))?.text()).toBe('2')
  })

  test('is remembered on disk', async () => {
    const world = await RunningWorld.start({ members: ['a'], open: { auth: { scrypt } } })
    closers.push(() => world.halt())
    await enable(world.store('a'), { type: 'read', key: 'k' })
    world.crash(world.place('a'))
    world.start(world.place('a'))
    await world.until(() => world.place('a').store !== undefined)
    await world.store('a').ready()
    const ann = world.store('a').as({ user: 'ann' })
    expect(await codeOf(ann.get('k'))).toBeUndefined()
    expect(await codeOf(ann.put('k', ''))).toBe('PERMISSION_DENIED')
    expect(await world.store('a').auth.users.list()).toEqual(['ann', 'root'])
  })
})

describe('users and roles', () => {
  test('are added, listed, changed and deleted', async () => {
    const { users, roles } = (await opened()).auth
    await users.add('cert', { noPassword: true })
    await users.add('ann', { password: PASSWORD })
    expect(await codeOf(users.add('ann', { password: 'x' }))).toBe('USER_EXISTS')
    expect(await codeOf(users.add('', { password: 'x' }))).toBe('USER_EMPTY')
    expect(await codeOf(users.add('bob', { password: '' }))).toBe('PASSWORD_INVALID')
    await roles.add('reader')
    expect(await codeOf(users.grantRole('ann', 'writer'))).toBe('ROLE_NOT_FOUND')
    await users.grantRole('ann', 'reader')
    expect(await users.get('ann')).toEqual({ name: 'ann', roles: ['reader'] })
    expect(await users.list()).toEqual(['ann', 'cert'])
    await roles.delete('reader')
    expect(await users.get('ann')).toEqual({ name: 'ann', roles: [] })
    expect(await codeOf(users.revokeRole('ann', 'reader'))).toBe('ROLE_NOT_GRANTED')
    await users.delete('ann')
    expect(await codeOf(users.get('ann'))).toBe('USER_NOT_FOUND')
    expect(await codeOf(users.changePassword('ann', 'y'))).toBe('USER_NOT_FOUND')
  })

  test('have names of whole characters: half of one is a TypeError, and is nobody else', async () => {
    const store = await opened()
    const { auth } = store
    const { users, roles } = auth
    const half = '\ud800'
    await users.add('\ufffd', { noPassword: true })
    await roles.add('\ufffd')
    const calls: (() => unknown)[] = [
      () => users.add(half, { noPassword: true }),
      () => users.add(half, { password: 'x' }),
      () => users.delete(half),
      () => users.changePassword(half, 'x'),
      () => users.get(half),
      () => users.grantRole(half, 'root'),
      () => users.grantRole('\ufffd', half),
      () => users.revokeRole(half, 'root'),
      () => users.revokeRole('\ufffd', half),
      () => roles.add(half),
      () => roles.delete(half),
      () => roles.get(half),
      () => roles.grant(half, { type: 'read', all: true }),
      () => roles.revoke(half, { all: true }),
      () => auth.login(half, 'x'),
      () => store.as({ user: half }),
    ]
    for (const call of calls) await expect(async () => call()).rejects.toThrow(TypeError)
    expect(await users.get('\ufffd')).toEqual({ name: '\ufffd', roles: [] })
    expect(await roles.list()).toEqual(['\ufffd'])
  })

  test('are refused before a password is hashed for them', async () => {
    const hashed: string[] = []
    const counting = {
      ...SYSTEM_SECRETS,
      scrypt: (...given: Parameters<typeof SYSTEM_SECRETS.scrypt>) => {
        hashed.push('once')
        return SYSTEM_SECRETS.scrypt(...given)
      },
    }
    const store = await opened({}, { environment: { ...systemEnvironment(), secrets: counting } })
    await enable(store)
    const ann = store.as({ user: 'ann' })
    const { users } = store.auth
    hashed.length = 0
    expect(await codeOf(ann.auth.users.add('eve', { password: 'x' }))).toBe('PERMISSION_DENIED')
    expect(await codeOf(ann.auth.users.changePassword('root', 'x'))).toBe('PERMISSION_DENIED')
    expect(await codeOf(store.as('anonymous').auth.users.changePassword('root', 'x'))).toBe('USER_EMPTY')
    expect(await codeOf(users.add('', { password: 'x' }))).toBe('USER_EMPTY')
    expect(await codeOf(users.add('x'.repeat(10_000), { password: 'x' }))).toBe('REQUEST_TOO_LARGE')
    expect(await codeOf(users.changePassword('eve', 'x'))).toBe('USER_NOT_FOUND')
    expect(await codeOf(store.auth.login('x'.repeat(10_000), 'x'))).toBe('AUTH_FAILED')
    expect(hashed).toEqual([])
    await users.changePassword('ann', 'x')
    expect(hashed).toEqual(['once'])
  })

  test('permissions come back as they were granted, and are taken away by their keys', async () => {
    const { roles } = (await opened()).auth
    await roles.add('some')
    const bytes = Uint8Array.of(0x61, 0xff)
    const granted = [
      { type: 'readwrite', all: true },
      { type: 'read', key: 'a' },
      { type: 'read', from: 'a', to: 'c' },
      { type: 'write', prefix: 'b/' },
      { type: 'write', from: 'x' },
      { type: 'read', key: bytes },
    ] as const
    for (const permission of granted) await roles.grant('some', permission)
    const listed = (await roles.get('some')).permissions
    expect(listed).toHaveLength(granted.length)
    for (const permission of granted) expect(listed).toContainEqual(permission)
    await roles.grant('some', { type: 'write', key: 'a' })
    await roles.revoke('some', { prefix: 'b/' })
    expect(await codeOf(roles.revoke('some', { prefix: 'b/' }))).toBe('PERMISSION_NOT_GRANTED')
    expect((await roles.get('some')).permissions).toHaveLength(granted.length - 1)
    expect((await roles.get('some')).permissions).toContainEqual({ type: 'write', key: 'a' })
    expect(await codeOf(roles.grant('some', { type: 'read', key: '' }))).toBe('AUTH_MANAGEMENT_INVALID')
  })

  test('are seen by root; others see themselves and the roles they have', async () => {
    const store = await opened()
    await enable(store)
    await store.auth.roles.add('other')
    const ann = store.as({ user: 'ann' }).auth
    expect(await ann.users.get('ann')).toEqual({ name: 'ann', roles: ['some'] })
    expect(await ann.roles.get('some')).toEqual({ name: 'some', permissions: [] })
    const refused: (() => Promise<unknown>)[] = [
      () => ann.users.get('root'),
      () => ann.users.get('missing'),
      () => ann.roles.get('other'),
      () => ann.roles.get('missing'),
      () => ann.users.list(),
      () => ann.roles.list(),
      () => ann.users.add('bob', { noPassword: true }),
      () => ann.users.grantRole('ann', 'root'),
      () => ann.users.changePassword('ann', 'x'),
      () => ann.disable(),
      () => ann.enable(),
    ]
    for (const call of refused) expect(await codeOf(call())).toBe('PERMISSION_DENIED')
    const root = store.as({ user: 'root' }).auth
    expect(await root.roles.get('root').catch((error: unknown) => (error as { code: string }).code)).toBe(
      'ROLE_NOT_FOUND',
    )
    expect(await root.users.list()).toEqual(['ann', 'root'])
    await root.disable()
  })

  test.each<[string, (store: Store) => unknown]>([
    ['a caller that is none', (store) => store.as(undefined as never)],
    ['a user without a name', (store) => store.as({ user: '' })],
    ['a caller of two kinds', (store) => store.as({ user: 'a', token: 'b' })],
    ['a password that is no text', (store) => store.auth.users.add('a', { password: 5 as never })],
    ['neither a password nor none', (store) => store.auth.users.add('a', {} as never)],
    ['both', (store) => store.auth.users.add('a', { password: 'x', noPassword: true } as never)],
    ['a name that is no text', (store) => store.auth.users.delete(7 as never)],
    ['a permission of no type', (store) => store.auth.roles.grant('a', { key: 'a' } as never)],
    ['a permission of another type', (store) => store.auth.roles.grant('a', { type: 'rw', key: 'a' } as never)],
    [
      'a permission for a key and more',
      (store) => store.auth.roles.grant('a', { type: 'read', key: 'a', prefix: 'b' } as never),
    ],
    ['no permission', (store) => store.auth.roles.grant('a', undefined as never)],
    ['an option that is none', (store) => store.auth.status({ timeout: 5 } as never)],
  ])('%s is a TypeError', async (_what, call) => {
    const store = await opened()
    await expect((async () => call(store))()).rejects.toThrow(TypeError)
  })
})

describe('a login', () => {
  test('is refused for a wrong password and for nobody alike, and without authorization', async () => {
    const store = await opened()
    expect(await codeOf(store.auth.login('ann', PASSWORD))).toBe('AUTH_NOT_ENABLED')
    await enable(store)
    const wrong = await store.auth.login('ann', 'wrong').catch((error: Error) => error.message)
    const nobody = await store.auth.login('bob', PASSWORD).catch((error: Error) => error.message)
    expect([wrong, nobody]).toEqual(Array(2).fill('The user does not exist, or the password is wrong.'))
    await store.auth.users.add('cert', { noPassword: true })
    expect(await codeOf(store.auth.login('cert', 'x'))).toBe('NO_PASSWORD_USER')
  })

  test('ends at the deadline of the call, however many passwords wait', async () => {
    const store = await opened({ scrypt: { ...scrypt, costLog2: 14 } })
    await enable(store)
    const logins = Array.from({ length: 20 }, () => codeOf(store.auth.login('ann', PASSWORD, { timeoutMs: 60 })))
    const codes = await Promise.all(logins)
    expect(codes.at(-1)).toBe('TIMEOUT')
    expect(await codeOf(store.auth.login('ann', PASSWORD, { signal: AbortSignal.abort() }))).toBe('ABORTED')
  })

  test('against a password that is changed meanwhile counts by how it is in the end', async () => {
    const store = await opened()
    await enable(store)
    const [login] = await Promise.all([
      codeOf(store.auth.login('ann', PASSWORD)),
      store.auth.users.changePassword('ann', 'another'),
    ])
    expect(['AUTH_FAILED', undefined]).toContain(login)
    expect(await codeOf(store.auth.login('ann', PASSWORD))).toBe('AUTH_FAILED')
    expect(await codeOf(store.auth.login('ann', 'another'))).toBeUndefined()
  })
})

describe('a simple token', () => {
  async function loggedIn(): Promise<{ store: Store; ann: Store }> {
    const store = await opened()
    await enable(store, { type: 'readwrite', all: true })
    return { store, ann: store.as({ token: await store.auth.login('ann', PASSWORD) }) }
  }

  test.each<[string, (store: Store) => Promise<void>]>([
    ['the password is changed', (store) => store.auth.users.changePassword('ann', 'x')],
    [
      'the user is deleted, and added anew',
      async ({ auth }) => {
        await auth.users.delete('ann')
        await auth.users.add('ann', { password: PASSWORD })
      },
    ],
    [
      'authorization is disabled, and enabled again',
      async ({ auth }) => {
        await auth.disable()
        await auth.enable()
      },
    ],
  ])('counts no more when %s', async (_what, change) => {
    const { store, ann } = await loggedIn()
    await ann.put('a', '1')
    await change(store)
    expect(await codeOf(ann.put('a', '2'))).toBe('AUTH_TOKEN_INVALID')
    expect(await codeOf(ann.get('a', { consistency: 'local' }))).toBe('AUTH_TOKEN_INVALID')
    expect(await codeOf(ann.auth.whoami())).toBe('AUTH_TOKEN_INVALID')
    expect(() => ann.status()).toThrow('log in again')
  })

  test('goes on counting when other users, roles and permissions change', async () => {
    const { store, ann } = await loggedIn()
    await store.auth.roles.grant('some', { type: 'read', key: 'z' })
    await store.auth.users.add('bob', { password: 'x' })
    await ann.put('a', '1')
    expect(await ann.auth.whoami()).toEqual({ type: 'user', name: 'ann' })
    await store.auth.roles.delete('some')
    expect(await codeOf(ann.put('a', '2'))).toBe('PERMISSION_DENIED')
  })

  test('of nobody is refused while authorization is enabled, and not looked at before', async () => {
    const store = await opened()
    const unknown = store.as({ token: 'x'.repeat(20_000) })
    await unknown.put('a', '1')
    expect(await unknown.auth.whoami()).toEqual({ type: 'anonymous' })
    await enable(store)
    expect(await codeOf(unknown.put('a', '2'))).toBe('AUTH_TOKEN_INVALID')
    expect(await store.auth.whoami()).toEqual({ type: 'owner' })
  })

  test('counts until it was not used for its time', async () => {
    const world = await RunningWorld.start({ members: ['a'], open: { auth: { scrypt, simpleTokenTtlMs: 1000 } } })
    closers.push(() => world.halt())
    const store = world.store('a')
    await enable(store, { type: 'readwrite', all: true })
    const ann = store.as({ token: await store.auth.login('ann', PASSWORD) })
    for (let nth = 0; nth < 3; nth++) {
      await world.pass(900)
      await ann.put('a', String(nth))
    }
    await world.pass(1001)
    expect(await codeOf(ann.get('a'))).toBe('AUTH_TOKEN_INVALID')
  })
})

describe('in a cluster', () => {
  async function cluster(): Promise<{ world: RunningWorld; stores: Store[] }> {
    const world = await RunningWorld.start({ open: { auth: { scrypt } } })
    closers.push(() => world.halt())
    return { world, stores: [world.leader, ...world.followers] }
  }

  test('a token counts on every member as soon as its owner has it, and so does a permission', async () => {
    const { stores } = await cluster()
    const [leader, one, other] = stores as [Store, Store, Store]
    await enable(one, { type: 'readwrite', prefix: 'jobs/' })
    for (const from of stores) {
      const token = await from.auth.login('ann', PASSWORD)
      for (const store of stores) {
        await store.as({ token }).put('jobs/1', 'x')
        expect(await codeOf(store.as({ token }).get('jobs/1', { consistency: 'local' }))).toBeUndefined()
      }
    }
    for (const store of [other, leader, one]) {
      await leader.auth.roles.revoke('some', { prefix: 'jobs/' })
      expect(await codeOf(store.as({ user: 'ann' }).put('jobs/1', 'x'))).toBe('PERMISSION_DENIED')
      expect(await codeOf(store.as({ user: 'ann' }).get('jobs/1'))).toBe('PERMISSION_DENIED')
      await one.auth.roles.grant('some', { type: 'readwrite', prefix: 'jobs/' })
      await store.as({ user: 'ann' }).put('jobs/1', 'y')
    }
  })

  test('a member that restarts knows no token of before, and the others do', async () => {
    const { world, stores } = await cluster()
    const [leader, one] = stores as [Store, Store]
    await enable(leader, { type: 'readwrite', all: true })
    const token = await one.auth.login('ann', PASSWORD)
    const { name } = one.status()
    world.crash(world.place(name))
    world.start(world.place(name))
    await world.until(() => world.place(name).store !== undefined)
    const again = world.store(name)
    await again.ready()
    expect(await codeOf(again.as({ token }).put('a', '1'))).toBe('AUTH_TOKEN_INVALID')
    await leader.as({ token }).put('a', '1')
    const fresh = await again.auth.login('ann', PASSWORD)
    await again.as({ token: fresh }).put('a', '2')
  })
})

describe('a handle', () => {
  test('takes nobody at their word but that of open()', async () => {
    const store = await opened()
    const ann = store.as({ user: 'ann' })
    expect(() => ann.as({ user: 'root' })).toThrow('takes a user at their word')
    expect(await ann.as('anonymous').auth.whoami()).toEqual({ type: 'anonymous' })
  })

  test('that is closed ends its watches and refuses calls, and the member goes on', async () => {
    const store = await opened()
    const handle = store.as({ user: 'ann' })
    const watching = handle.watch('a')[Symbol.asyncIterator]().next()
    await handle.close()
    await handle[Symbol.asyncDispose]()
    expect(await watching).toEqual({ done: true, value: undefined })
    for (const call of [() => handle.put('a', '1'), () => handle.get('a'), () => handle.auth.status()]) {
      expect(await codeOf(call())).toBe('CLOSED')
    }
    expect(() => handle.status()).toThrow('closed')
    await store.put('a', '1')
  })

  test('carries locks as far as its user may write their keys', async () => {
    const store = await opened()
    await enable(store, { type: 'readwrite', prefix: 'locks/' })
    const ann = store.as({ user: 'ann' })
    const lock = await new Mutex(ann, 'locks/a').lock()
    await lock.txn({ success: [put('locks/a/done', 'x')] })
    await lock.unlock()
    expect(await codeOf(new Mutex(ann, 'other/a').lock())).toBe('PERMISSION_DENIED')
  })

  test('ends with its member', async () => {
    const store = await opened()
    const handle = store.as({ user: 'ann' })
    await store.close()
    expect(await codeOf(handle.put('a', '1'))).toBe('CLOSED')
  })

  test('tells status to users, and to nobody else', async () => {
    const store = await opened()
    await enable(store)
    expect(store.as({ user: 'ann' }).status().role).toBe('leader')
    expect(() => store.as('anonymous').status()).toThrow('log in first')
    expect(() => store.as({ user: 'missing' }).status()).toThrow('may not')
  })
})

describe('a watch', () => {
  test('is opened by who may read its range, and ends at the first event after the permission is gone', async () => {
    const store = await opened()
    await enable(store, { type: 'read', prefix: 'jobs/' })
    const ann = store.as({ user: 'ann' })
    await expect(firstOf(ann, { prefix: 'job' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    await expect(firstOf(store.as('anonymous'), 'jobs/1')).rejects.toMatchObject({ code: 'USER_EMPTY' })
    const events = ann.watch({ prefix: 'jobs/' })[Symbol.asyncIterator]()
    await store.auth.users.add('bob', { noPassword: true })
    await store.put('jobs/1', 'one')
    expect(await events.next()).toMatchObject({ value: { key: 'jobs/1', revision: 2 } })
    const next = events.next()
    await store.auth.roles.revoke('some', { prefix: 'jobs/' })
    await store.put('jobs/1', 'secret')
    await expect(next).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  test.each<[string, (store: Store) => Promise<void>]>([
    ['the password changed', (store) => store.auth.users.changePassword('ann', 'another')],
    ['the user was deleted', (store) => store.auth.users.delete('ann')],
  ])('whose token does not count since %s says what every other call says', async (_what, change) => {
    const store = await opened()
    await enable(store, { type: 'read', all: true })
    const ann = store.as({ token: await store.auth.login('ann', PASSWORD) })
    const events = ann.watch('a')[Symbol.asyncIterator]()
    const first = events.next()
    await ann.get('a')
    await store.put('a', '1')
    expect((await first).done).toBe(false)
    await change(store)
    await store.put('a', '2')
    expect(await codeOf(events.next())).toBe('AUTH_TOKEN_INVALID')
    expect(await codeOf(ann.get('a'))).toBe('AUTH_TOKEN_INVALID')
  })

  test('that was opened before authorization was enabled needs permission from then on', async () => {
    const store = await opened()
    const events = store.as('anonymous').watch('a')[Symbol.asyncIterator]()
    const first = events.next()
    await store.put('a', '1')
    expect((await first).done).toBe(false)
    await enable(store)
    await store.put('a', '2')
    await expect(events.next()).rejects.toMatchObject({ code: 'USER_EMPTY' })
  })

  async function firstOf(store: Store, selection: Parameters<Store['watch']>[0]): Promise<unknown> {
    return store.watch(selection)[Symbol.asyncIterator]().next()
  }
})

test('who is known by name is known anew however often users and roles change meanwhile', async () => {
  const store = await opened()
  await enable(store, { type: 'readwrite', all: true })
  const ann = store.as({ user: 'ann' })
  let done = false
  const changing = (async () => {
    for (let at = 0; !done; at++) await store.auth.roles.grant('some', { type: 'read', key: `k${at % 50}` })
  })()
  for (let at = 0; at < 50; at++) await ann.put('a', '1')
  done = true
  await changing
})

describe('a signed token', () => {
  const secret = 's'.repeat(32)

  test('names its user until it expires by the wall clock, on every member with the key', async () => {
    let wallMs = 1_700_000_000_000
    const system = systemEnvironment()
    const environment = { ...system, clock: { monotonicMs: () => system.clock.monotonicMs(), wallMs: () => wallMs } }
    const token = { jwt: { signMethod: 'HS256', privateKey: secret, ttlMs: 60_000 } }
    const store = await opened({ token }, { environment })
    await enable(store, { type: 'readwrite', all: true })
    const text = await store.auth.login('ann', PASSWORD)
    const ann = store.as({ token: text })
    await ann.put('a', '1')
    expect(ann.status().role).toBe('leader')
    const events = ann.watch('a', { startRevision: 1 })[Symbol.asyncIterator]()
    expect(await events.next()).toMatchObject({ value: { type: 'put' } })
    wallMs += 60_001
    for (const late of [ann, store.as({ token: text })]) {
      expect(await codeOf(late.put('a', '2'))).toBe('AUTH_TOKEN_INVALID')
    }
    expect(() => ann.status()).toThrow('log in again')
    // A watch was allowed when it was opened, as with etcd.
    await store.put('a', '3')
    expect(await events.next()).toMatchObject({ value: { key: 'a', type: 'put' } })
  })

  test('is old once users, roles or permissions changed: for keys, not for what root administers', async () => {
    const store = await opened({ token: { jwt: { signMethod: 'HS256', privateKey: secret } } })
    await enable(store, { type: 'readwrite', all: true })
    const ann = store.as({ token: await store.auth.login('ann', PASSWORD) })
    const root = store.as({ token: await store.auth.login('root', 'root password') })
    await root.auth.users.add('bob', { noPassword: true })
    await root.auth.users.add('eve', { noPassword: true })
    expect(await codeOf(ann.put('a', '1'))).toBe('AUTH_REVISION_OLD')
    expect(await codeOf(root.get('a'))).toBe('AUTH_REVISION_OLD')
    // Asking again with the same token cannot help: whoever waits for a lock is told.
    expect(await codeOf(new Mutex(ann, 'a').lock())).toBe('AUTH_REVISION_OLD')
    await root.auth.users.changePassword('root', 'another')
    expect(await codeOf(root.auth.users.list())).toBe('AUTH_REVISION_OLD')
    const anew = store.as({ token: await store.auth.login('ann', PASSWORD) })
    await anew.put('a', '1')
  })
})
