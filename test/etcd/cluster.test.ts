/** etcd's Cluster as its clients see it: members that are added, start, are promoted, moved and removed, with its exact refusals. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Client } from '@grpc/grpc-js'
import { open, MemoryNetwork, type OpenOptions, type Store } from '../../src/index.js'
import { serveEtcd, type EtcdServer } from '../../src/etcd/index.js'
import { ClusterService, type Member } from '../../src/etcd/generated/rpc.js'
import { addressOfPeerUrl } from '../../src/etcd/wire/peer-url.js'
import { call, clientOf, refusalOf, targetOf } from './served.js'

const { memberAdd, memberList, memberPromote, memberRemove, memberUpdate } = ClusterService
const network = new MemoryNetwork()
const stores: Store[] = []
const servers: EtcdServer[] = []
const clients: Client[] = []
let client: Client

async function start(name: string, address: string, options: OpenOptions): Promise<Store> {
  const transport: OpenOptions['transport'] = ({ timers }) => network.transport(address, timers)
  const store = await open({ name, transport, durability: 'none', electionTimeoutMs: 300, ...options })
  stores.push(store)
  return store
}

async function served(store: Store, clientUrl: string): Promise<Client> {
  const advertiseClientUrls = [clientUrl]
  const server = await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:0'], advertiseClientUrls })
  servers.push(server)
  const made = clientOf(targetOf(server))
  clients.push(made)
  return made
}

const join = (name: string, address: string): Promise<Store> => {
  return start(name, address, { join: ['10.0.0.1:2380'], advertise: address })
}

/** `a voter, (nobody) learner` */
const told = (members: readonly Member[]): string[] => {
  const all = members.map(({ name, peerURLs, clientURLs, isLearner }) =>
    [name || '-', ...peerURLs, ...clientURLs, ...(isLearner ? ['learner'] : [])].join(' '),
  )
  return all.sort()
}

async function listed(asked = client): Promise<Member[]> {
  return (await call(asked, memberList, { linearizable: true })).members
}

async function until(holds: (members: readonly Member[]) => boolean): Promise<Member[]> {
  for (;;) {
    const members = await listed()
    if (holds(members)) return members
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const idOf = (members: readonly Member[], peerUrl: string): bigint => {
  return members.find(({ peerURLs }) => peerURLs[0] === peerUrl)?.ID ?? 0n
}

beforeAll(async () => {
  const a = await start('a', '10.0.0.1:2380', { cluster: { a: '10.0.0.1:2380' } })
  await a.ready()
  client = await served(a, 'http://10.0.0.1:2379')
})

afterAll(async () => {
  for (const each of clients) each.close()
  for (const server of servers) await server.close()
  for (const store of stores.reverse()) await store.close()
})

describe('a cluster of one', () => {
  test('announces where clients reach it, and answers without a revision', async () => {
    expect(told(await until(([a]) => a?.clientURLs.length === 1))).toEqual([
      'a http://10.0.0.1:2380 http://10.0.0.1:2379',
    ])
    const { header } = await call(client, memberList, {})
    expect(header).toMatchObject({ revision: 0n, member_id: BigInt(stores[0]?.status().memberId ?? 0) })
  })

  test('takes a member by its URL alone, which has no name until it is started, and becomes a voter by itself', async () => {
    const added = await call(client, memberAdd, { peerURLs: ['http://10.0.0.2:2380'] })
    expect(added.member).toMatchObject({
      name: '',
      peerURLs: ['http://10.0.0.2:2380'],
      clientURLs: [],
      isLearner: true,
    })
    expect(told(added.members)).toEqual([
      '- http://10.0.0.2:2380 learner',
      'a http://10.0.0.1:2380 http://10.0.0.1:2379',
    ])
    const b = await join('b', '10.0.0.2:2380')
    await served(b, 'http://10.0.0.2:2379')
    const members = await until((all) => all.every(({ isLearner, clientURLs }) => !isLearner && clientURLs.length > 0))
    expect(told(members)).toEqual([
      'a http://10.0.0.1:2380 http://10.0.0.1:2379',
      'b http://10.0.0.2:2380 http://10.0.0.2:2379',
    ])
    expect(idOf(members, 'http://10.0.0.2:2380')).toBe(added.member?.ID)
    expect((await b.cluster.list()).map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('takes one learner, which stays one until it is promoted', async () => {
    const peerURLs = ['http://10.0.0.3:2380']
    const { member } = await call(client, memberAdd, { peerURLs, isLearner: true })
    const ID = member?.ID ?? 0n
    const another = call(client, memberAdd, { peerURLs: ['http://10.0.0.4:2380'], isLearner: true })
    expect(await refusalOf(another)).toBe('FAILED_PRECONDITION etcdserver: too many learner members in cluster')
    expect(await refusalOf(call(client, memberPromote, { ID }))).toBe(
      'FAILED_PRECONDITION etcdserver: can only promote a learner member which is in sync with leader',
    )
    const c = await join('c', '10.0.0.3:2380')
    await c.ready()
    await until((all) => all.some(({ name }) => name === 'c'))
    expect((await listed()).find((each) => each.ID === ID)?.isLearner).toBe(true)
    while ((await refusalOf(call(client, memberPromote, { ID }))) !== 'OK') continue
    expect((await listed()).find((each) => each.ID === ID)?.isLearner).toBe(false)
    expect(await refusalOf(call(client, memberPromote, { ID }))).toBe(
      'FAILED_PRECONDITION etcdserver: can only promote a learner member',
    )
  })

  test('moves a member, and takes it out, once', async () => {
    const ID = idOf(await listed(), 'http://10.0.0.3:2380')
    const moved = await call(client, memberUpdate, { ID, peerURLs: ['http://10.0.0.5:2380'] })
    expect(told(moved.members)).toContain('c http://10.0.0.5:2380')
    const { members } = await call(client, memberRemove, { ID })
    expect(members.map(({ name }) => name).sort()).toEqual(['a', 'b'])
    expect(await refusalOf(call(client, memberRemove, { ID }))).toBe('NOT_FOUND etcdserver: member not found')
  })
})

describe('what is refused', () => {
  test.each([
    ['no URL', []],
    ['two URLs', ['http://10.0.0.6:2380', 'http://10.0.0.7:2380']],
    ['no scheme', ['10.0.0.6:2380']],
    ['no port', ['http://10.0.0.6']],
    ['a path', ['http://10.0.0.6:2380/']],
    ['another scheme', ['ftp://10.0.0.6:2380']],
  ])('a member with %s', async (_what, peerURLs) => {
    const refused = 'INVALID_ARGUMENT etcdserver: given member URLs are invalid'
    expect(await refusalOf(call(client, memberAdd, { peerURLs }))).toBe(refused)
    expect(await refusalOf(call(client, memberUpdate, { ID: 1n, peerURLs }))).toBe(refused)
  })

  test('the URL of another member', async () => {
    const peerURLs = ['http://10.0.0.2:2380']
    const taken = 'FAILED_PRECONDITION etcdserver: Peer URLs already exists'
    expect(await refusalOf(call(client, memberAdd, { peerURLs }))).toBe(taken)
    const ID = idOf(await listed(), 'http://10.0.0.1:2380')
    expect(await refusalOf(call(client, memberUpdate, { ID, peerURLs }))).toBe(taken)
  })

  test.each([0n, 77n, 2n ** 64n - 1n])('a member that is not there: %i', async (ID) => {
    const missing = 'NOT_FOUND etcdserver: member not found'
    const peerURLs = ['http://10.0.0.9:2380']
    expect(await refusalOf(call(client, memberRemove, { ID }))).toBe(missing)
    expect(await refusalOf(call(client, memberPromote, { ID }))).toBe(missing)
    expect(await refusalOf(call(client, memberUpdate, { ID, peerURLs }))).toBe(missing)
  })

  test('a member beside one that is in memory alone, with the reason', async () => {
    const store = await open()
    stores.push(store)
    await store.ready()
    const refusal = await refusalOf(
      call(await served(store, 'http://10.0.0.8:2379'), memberAdd, { peerURLs: ['http://10.0.0.9:2380'] }),
    )
    expect(refusal).toMatch(/^FAILED_PRECONDITION this member takes no others: .* needs dataDir/)
  })

  test('what would leave no quorum; the list of this member needs none', async () => {
    await stores[1]?.close()
    const ID = idOf(await call(client, memberList, {}).then(({ members }) => members), 'http://10.0.0.1:2380')
    expect(ID).toBeGreaterThan(0n)
    expect((await call(client, memberList, { linearizable: false })).members).toHaveLength(2)
  })
})

test('peer URLs are of hosts, and IPv4 and IPv6 addresses, with ports', () => {
  expect(['https://host.example:1', 'http://[::1]:2380', 'HTTP://10.0.0.1:65535'].map(addressOfPeerUrl)).toEqual([
    'host.example:1',
    '[::1]:2380',
    '10.0.0.1:65535',
  ])
  expect(
    ['http://a:0', 'http://a:65536', 'unix://a:1', 'http://u@a:1', 'http://a:1?b', 'http://:1', ''].map(
      addressOfPeerUrl,
    ),
  ).toEqual(new Array(7).fill(undefined))
})
