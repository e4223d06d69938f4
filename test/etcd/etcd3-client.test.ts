/** What the `etcd3` client offers works against a served store, as against etcd: everything that its documentation shows. */
import { once } from 'node:events'
import {
  Etcd3,
  EtcdLeaseInvalidError,
  EtcdLockFailedError,
  EtcdPermissionDeniedError,
  EtcdRoleExistsError,
  EtcdUserExistsError,
  EtcdUserNotFoundError,
  isRecoverableError,
  STMConflictError,
  type IOptions,
} from 'etcd3'
import { open, type Store } from 'quorate'
import { serveEtcd, type EtcdServer } from 'quorate/etcd'
import { MemoryNetwork } from 'quorate/transport'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { certificateAuthority } from '../certificates.js'
import { serve, type Served } from './served.js'

/** Of its isolations. With the default one, version 1.1.2 finds conflicts with its own reads, on a real etcd too. */
const SERIALIZABLE = 1

/** For passwords of tests. */
const CHEAP = { costLog2: 10, blockSize: 8, parallelization: 1 }

const clients: Etcd3[] = []

function etcd3(options: IOptions): Etcd3 {
  const client = new Etcd3(options)
  clients.push(client)
  return client
}

afterAll(() => {
  for (const client of clients) client.close()
})

describe('the client etcd3', () => {
  let served: Served
  let client: Etcd3

  beforeAll(async () => {
    served = await serve()
    client = etcd3({ hosts: `http://${served.target}` })
  })
  afterAll(() => served.close())
  afterEach(() => served.store.delete({ all: true }))

  it('puts, gets, lists and deletes', async () => {
    await client.put('foo').value('bar')
    await client.put('foz').value('baz')
    expect(await client.get('foo').string()).toBe('bar')
    expect(await client.get('missing').string()).toBeNull()
    expect(await client.getAll().prefix('f').keys()).toEqual(['foo', 'foz'])
    expect(await client.getAll().prefix('f').strings()).toEqual({ foo: 'bar', foz: 'baz' })
    expect(await client.getAll().prefix('f').sort('Key', 'Descend').limit(1).keys()).toEqual(['foz'])
    expect(await client.getAll().prefix('f').count()).toBe(2)
    expect(
      await client
        .getAll()
        .inRange(client.range({ start: 'foo', end: 'foz' }))
        .keys(),
    ).toEqual(['foo'])
    expect(await client.put('foo').value('again').getPrevious()).toMatchObject({ value: Buffer.from('bar') })
    expect(await client.get('foo').exists()).toBe(true)
    expect(await client.put('number').value(42)).toBeDefined()
    expect(await client.get('number').number()).toBe(42)
    expect(await client.get('foo').buffer()).toEqual(Buffer.from('again'))
    const { deleted } = await client.delete().prefix('f')
    expect(deleted).toBe('2')
    await client.delete().all()
    expect(await client.getAll().keys()).toEqual([])
  })

  it('reads what was there at a revision', async () => {
    const { header } = await client.put('versioned').value('one')
    await client.put('versioned').value('two')
    expect(await client.get('versioned').revision(header.revision).string()).toBe('one')
  })

  it('compares and swaps', async () => {
    await client.put('state').value('idle')
    const run = () =>
      client
        .if('state', 'Value', '==', 'idle')
        .and('state', 'Version', '>', 0)
        .then(client.put('state').value('busy'))
        .else(client.get('state'))
        .commit()
    expect(await run()).toMatchObject({ succeeded: true })
    const second = await run()
    expect(second.succeeded).toBe(false)
    expect(second.responses[0]?.response_range.kvs[0]?.value.toString()).toBe('busy')
    expect(await client.if('nothing', 'Create', '==', 0).then().commit()).toMatchObject({ succeeded: true })
  })

  it('keeps to a namespace', async () => {
    const user = client.namespace('users/1/')
    await user.put('name').value('Ann')
    expect(await client.get('users/1/name').string()).toBe('Ann')
    await client.put('users/2/name').value('Bob')
    expect(await user.getAll().keys()).toEqual(['name'])
    await user.delete().all()
    expect(await client.getAll().prefix('users/').keys()).toEqual(['users/2/name'])
  })

  it('holds keys by a lease, and loses them with it', async () => {
    const lease = client.lease(60)
    await lease.put('leased').value('value')
    await lease.keepaliveOnce()
    expect(await client.get('leased').string()).toBe('value')
    const id = await lease.grant()
    const { keys, grantedTTL } = await client.leaseClient.leaseTimeToLive({ ID: id, keys: true })
    expect([keys.map(String), grantedTTL]).toEqual([['leased'], '60'])
    await lease.revoke()
    expect(await client.get('leased').string()).toBeNull()
    await expect(client.leaseClient.leaseRevoke({ ID: id })).rejects.toBeInstanceOf(EtcdLeaseInvalidError)
  })

  it('tells the holder of a lease that it is lost', async () => {
    const lease = client.lease(60, { autoKeepAlive: false })
    const id = await lease.grant()
    const lost = once(lease, 'lost')
    await served.store.leases.revoke(BigInt(id))
    await expect(lease.keepaliveOnce()).rejects.toBeInstanceOf(EtcdLeaseInvalidError)
    await lost
  })

  it('locks, one at a time', async () => {
    const lock = client.lock('resource').ttl(30)
    await lock.acquire()
    await expect(client.lock('resource').acquire()).rejects.toBeInstanceOf(EtcdLockFailedError)
    await lock.release()
    expect(await client.lock('resource').do(() => 'done')).toBe('done')
  })

  it('watches, from now on and from a revision', async () => {
    const { header } = await client.put('watched/0').value('before')
    const watcher = await client.watch().prefix('watched/').startRevision(header.revision).withPreviousKV().create()
    const seen: string[] = []
    const complete = new Promise<void>((resolve) => {
      watcher.on('put', ({ key, value, version }, previous) => {
        seen.push(`put ${key.toString()} ${value.toString()} ${version} ${previous?.value.toString() ?? '-'}`)
      })
      watcher.on('delete', ({ key }, previous) => {
        seen.push(`delete ${key.toString()} ${previous?.value.toString() ?? '-'}`)
        resolve()
      })
    })
    await client.put('watched/0').value('after')
    await client.delete().key('watched/0')
    await complete
    await watcher.cancel()
    expect(seen).toEqual(['put watched/0 before 1 -', 'put watched/0 after 2 before', 'delete watched/0 after'])
  })

  it('is told that history was compacted, and goes on from what is left', async () => {
    const { header } = await client.put('compacted').value('1')
    await client.put('compacted').value('2')
    await served.store.compact(Number(header.revision) + 1)
    await expect(client.get('compacted').revision(header.revision).string()).rejects.toThrow(
      'etcdserver: mvcc: required revision has been compacted',
    )
  })

  it('runs transactions in memory, and finds out when others interfere', async () => {
    await client.put('from').value('10')
    await client.put('to').value('0')
    const move = (interfere: () => Promise<unknown>) =>
      client.stm({ retries: 0, isolation: SERIALIZABLE }).transact(async (tx) => {
        const [from, to] = [Number(await tx.get('from')), Number(await tx.get('to'))]
        await interfere()
        await tx.put('from').value(from - 1)
        await tx.put('to').value(to + 1)
      })
    await move(async () => undefined)
    expect(await client.getAll().strings()).toEqual({ from: '9', to: '1' })
    await expect(move(() => client.put('from').value('5').exec())).rejects.toBeInstanceOf(STMConflictError)
    expect(await client.getAll().strings()).toEqual({ from: '5', to: '1' })
  })

  it('elects, and tells whoever observes', async () => {
    const election = client.election('singleton', 30)
    const first = election.campaign('first')
    await first.wait()
    expect(await election.leader()).toBe('first')
    const observer = await election.observe()
    expect(observer.leader()).toBe('first')
    const second = election.campaign('second')
    const changed = new Promise<string | undefined>((resolve) => {
      observer.on('change', (leader) => {
        if (leader === 'second') resolve(leader)
      })
    })
    await first.resign()
    await second.wait()
    expect(await changed).toBe('second')
    await second.proclaim('second, still')
    expect(await election.leader()).toBe('second, still')
    await observer.cancel()
    await second.resign()
  })
})

describe('the client etcd3 with users', () => {
  it('makes users and roles, and is held to them', async () => {
    const served = await serve({}, { auth: { scrypt: CHEAP } })
    const hosts = `http://${served.target}`
    const nobody = etcd3({ hosts })
    const role = nobody.role('reader')
    await role.create()
    await expect(role.create()).rejects.toBeInstanceOf(EtcdRoleExistsError)
    await role.grant({ permission: 'Read', range: nobody.range({ prefix: 'public/' }) })
    await role.grant({ permission: 'Readwrite', key: 'own' })
    expect((await role.permissions()).map(({ permission }) => permission).sort()).toEqual(['Read', 'Readwrite'])
    await nobody.user('ann').create('secret')
    await expect(nobody.user('ann').create('secret')).rejects.toBeInstanceOf(EtcdUserExistsError)
    await nobody.user('ann').addRole(role)
    expect((await nobody.user('ann').roles()).map(({ name }) => name)).toEqual(['reader'])
    await expect(nobody.user('bob').addRole(role)).rejects.toBeInstanceOf(EtcdUserNotFoundError)
    await nobody.role('root').create()
    await nobody.user('root').create('secret')
    await nobody.user('root').addRole('root')
    await nobody.put('public/a').value('1')
    await nobody.auth.authEnable()

    const ann = etcd3({ hosts, auth: { username: 'ann', password: 'secret' } })
    expect(await ann.get('public/a').string()).toBe('1')
    await ann.put('own').value('2')
    await expect(ann.put('public/a').value('3')).rejects.toBeInstanceOf(EtcdPermissionDeniedError)
    await expect(ann.getAll().keys()).rejects.toBeInstanceOf(EtcdPermissionDeniedError)
    await expect(nobody.get('public/a').string()).rejects.toThrow('etcdserver: user name is empty')
    const wrong = etcd3({ hosts, auth: { username: 'ann', password: 'wrong' } })
    await expect(wrong.get('public/a').string()).rejects.toThrow('authentication failed')

    // Its token is void; it logs in again by itself.
    const root = etcd3({ hosts, auth: { username: 'root', password: 'secret' } })
    await root.role('reader').grant({ permission: 'Write', key: 'public/a' })
    await ann.put('public/a').value('3')
    await root.auth.authDisable()
    expect(await nobody.get('public/a').string()).toBe('3')
    await served.close()
  })
})

describe('the client etcd3 with TLS', () => {
  it('is served where its certificate is, and refused without', async () => {
    const authority = certificateAuthority()
    const [server, own] = [authority.issue({ name: 'server' }), authority.issue({ name: 'client' })]
    const served = await serve({
      listenClientUrls: ['https://127.0.0.1:0'],
      tls: { cert: server.cert, key: server.key, trustedCa: authority.cert, clientCertAuth: true },
    })
    const hosts = `https://${served.target}`
    const rootCertificate = Buffer.from(authority.cert)
    const client = etcd3({
      hosts,
      credentials: { rootCertificate, privateKey: Buffer.from(own.key), certChain: Buffer.from(own.cert) },
    })
    await client.put('secure').value('yes')
    expect(await client.get('secure').string()).toBe('yes')
    const without = etcd3({ hosts, credentials: { rootCertificate } })
    const refused = await without
      .get('secure')
      .string()
      .catch((error: unknown) => error)
    expect(isRecoverableError(refused as Error)).toBe(true)
    await served.close()
  })
})

describe('the client etcd3 with three members', () => {
  it('goes on when the member that it spoke to is gone', async () => {
    const network = new MemoryNetwork()
    const names = ['a', 'b', 'c']
    const cluster = Object.fromEntries(names.map((name) => [name, `${name}:1`]))
    const members: { readonly store: Store; readonly server: EtcdServer }[] = []
    for (const name of names) {
      const store = await open({
        name,
        cluster,
        durability: 'none',
        transport: ({ timers }) => network.transport(`${name}:1`, timers),
      })
      members.push({ store, server: await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:0'] }) })
    }
    await Promise.all(members.map(({ store }) => store.ready()))
    const hosts = members.map(({ server }) => server.clientUrls[0] ?? '')
    const client = etcd3({ hosts })
    await client.put('kept').value('value')
    const watcher = await client.watch().prefix('after/').create()
    const seen = new Promise<string>((resolve) => {
      watcher.on('put', ({ key }) => {
        resolve(key.toString())
      })
    })
    for (const { store, server } of members.slice(0, 1)) {
      await server.close()
      await store.close()
    }
    expect(await until(() => client.get('kept').string())).toBe('value')
    await until(() => client.put('after/1').value('1'))
    expect(await seen).toBe('after/1')
    await watcher.cancel()
    for (const { store, server } of members.slice(1)) {
      await server.close()
      await store.close()
    }
  })
})

/** etcd3 tells its caller of a member that does not answer, and takes another one the next time. */
async function until<Result>(call: () => PromiseLike<Result>): Promise<Result> {
  let failure: unknown
  for (let tries = 0; tries < 20; tries++) {
    try {
      return await call()
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
