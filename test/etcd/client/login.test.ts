import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isStoreError, type Store } from '../../../src/index.js'
import { connect } from '../../../src/etcd/index.js'
import { serveAndConnect, type ServedStore } from './served-store.js'

describe('with authorization enabled', () => {
  let served: ServedStore
  let root: Store
  let ann: Store

  beforeAll(async () => {
    served = await serveAndConnect({ open: { auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } } } })
    const { auth } = served.member
    for (const name of ['root', 'ann']) {
      await auth.users.add(name, { password: `${name}'s` })
      await auth.roles.add(name)
      await auth.users.grantRole(name, name)
    }
    await auth.roles.grant('ann', { type: 'readwrite', prefix: 'ann/' })
    await auth.enable()
    const { endpoints } = served
    root = await connect({ endpoints, auth: { user: 'root', password: "root's" } })
    ann = await connect({ endpoints, auth: { user: 'ann', password: "ann's" } })
  })

  afterAll(async () => {
    await ann.close()
    await root.close()
    await served.close()
  })

  test('whoever logs in may do what their roles allow, and nothing else', async () => {
    await ann.put('ann/1', 'x')
    expect(await codeOf(ann.put('bob/1', 'x'))).toBe('PERMISSION_DENIED')
    expect(await codeOf(served.store.put('ann/1', 'x'))).toBe('USER_EMPTY')
    expect(await ann.auth.whoami()).toEqual({ type: 'user', name: 'ann' })
    const watch = ann.watch('bob/1')
    expect(await codeOf(watch.opened())).toBe('PERMISSION_DENIED')
  })

  test('a wrong password is told when connecting', async () => {
    const { endpoints } = served
    expect(await codeOf(connect({ endpoints, auth: { user: 'ann', password: 'wrong' } }))).toBe('AUTH_FAILED')
  })

  test('a token that counts no more is replaced by another login, for calls and for watches', async () => {
    // Enabling it anew voids all tokens.
    await root.auth.disable()
    await served.member.auth.enable()
    const watch = ann.watch('ann/2')
    await watch.opened()
    await ann.put('ann/2', 'again')
    const next = await watch[Symbol.asyncIterator]().next()
    expect(next.value).toMatchObject({ key: 'ann/2', type: 'put' })
    expect(await root.auth.users.list()).toEqual(['ann', 'root'])
  })

  test('a token is of whom it is, on a handle of its own', async () => {
    const token = await served.store.auth.login('ann', "ann's")
    const handle = served.store.as({ token })
    await handle.put('ann/3', 'x')
    expect(await codeOf(handle.get('bob/1'))).toBe('PERMISSION_DENIED')
    await handle.close()
    expect(await codeOf(handle.get('ann/3'))).toBe('CLOSED')
    expect((await ann.get('ann/3'))?.text()).toBe('x')
    expect(() => served.store.as({ user: 'ann' })).toThrow('at their word')
    expect(await codeOf(served.store.as({ token: 'none' }).get('ann/3'))).toBe('AUTH_TOKEN_INVALID')
  })

  test('users and roles are listed and changed over the wire', async () => {
    await root.auth.roles.grant('ann', { type: 'read', key: 'shared' })
    expect(await root.auth.roles.get('ann')).toEqual({
      name: 'ann',
      permissions: [
        { type: 'readwrite', prefix: 'ann/' },
        { type: 'read', key: 'shared' },
      ],
    })
    await root.auth.users.add('bob', { noPassword: true })
    expect(await root.auth.users.get('bob')).toEqual({ name: 'bob', roles: [] })
    await root.auth.users.delete('bob')
    expect(await codeOf(root.auth.users.get('bob'))).toBe('USER_NOT_FOUND')
    expect(await ann.get('shared')).toBeUndefined()
  })
})

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'it succeeded'
  } catch (error) {
    return isStoreError(error) ? error.code : String(error)
  }
}
