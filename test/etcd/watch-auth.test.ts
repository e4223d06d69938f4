/** Watches of those who may not see everything. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serve, type Served } from './served.js'
import { Watching } from './watching.js'

let served: Served
let token: string

beforeAll(async () => {
  served = await serve()
  const { auth } = served.store
  for (const name of ['root', 'ann']) await auth.users.add(name, { password: 'secret' })
  for (const name of ['root', 'some']) await auth.roles.add(name)
  await auth.users.grantRole('root', 'root')
  await auth.users.grantRole('ann', 'some')
  await auth.roles.grant('some', { type: 'read', key: 'mine' })
  await auth.roles.grant('some', { type: 'read', prefix: 'ours/' })
  await auth.enable()
  token = await auth.login('ann', 'secret')
})
afterAll(() => served.close())

const DENIED = '"rpc error: code = PermissionDenied desc = etcdserver: permission denied"'

test('a watch is judged by the range that it has: one key, a prefix, or everything from a key on', async () => {
  const ann = new Watching(served.client, { token })
  const at = served.store.status().revision
  await ann.create('mine')
  await ann.create('ours/', { end: 'ours0' })
  // With an open end this is far more than the one key that may be read (GHSA-xg4h-6gfc-h4m8).
  ann.ask('mine', { end: '\0' })
  ann.ask('', { end: '\0' })
  ann.ask('other')
  for (let nth = 0; nth < 3; nth++) expect(await ann.short()).toBe(`-1 @${at} created canceled ${DENIED}`)
  await served.store.put('mine', 'x')
  expect(await ann.short()).toBe(`0 @${at + 1}: put mine@${at + 1} v1=x`)
  ann.end()
})

test('a watch of nobody, or by a token that nobody knows, is told why there is none; the stream goes on', async () => {
  const nobody = new Watching(served.client)
  nobody.ask('mine')
  nobody.ask('mine')
  const empty = /^-1 @\d+ created canceled "rpc error: code = InvalidArgument desc = etcdserver: user name is empty"$/
  for (const said of await nobody.shorts(2)) expect(said).toMatch(empty)
  nobody.end()
  const unknown = new Watching(served.client, { token: 'unknown' })
  unknown.ask('mine')
  expect(await unknown.short()).toMatch(
    /^-1 @\d+ created canceled "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"$/,
  )
  unknown.end()
})

test('a watch ends at the first event after its permission is gone, and the others of the stream go on', async () => {
  const ann = new Watching(served.client, { token })
  await ann.create('ours/a', { watch_id: 1n })
  await ann.create('mine', { watch_id: 2n })
  await served.store.auth.roles.revoke('some', { prefix: 'ours/' })
  const { revision } = await served.store.put('ours/a', 'x')
  expect(await ann.short()).toBe(`1 @${revision} canceled ${DENIED}`)
  await served.store.put('mine', 'y')
  expect(await ann.short()).toMatch(/^2 .*=y$/)
  ann.end()
})
