/** What values mean together, and what becomes of them as options of a member. */
import { describe, expect, test } from 'vitest'
import { autoCompactionOf } from '../../../src/cli/serve/auto-compaction.js'
import { authOf } from '../../../src/cli/serve/auth-token.js'
import { cipherSuitesOf } from '../../../src/cli/serve/cipher-suites.js'
import { clusterPlanOf } from '../../../src/cli/serve/cluster-plan.js'
import type { DataDirectory } from '../../../src/cli/serve/data-directory.js'
import { featureNotes } from '../../../src/cli/serve/feature-gates.js'
import { initialClusterOf } from '../../../src/cli/serve/initial-cluster.js'
import { serverOptionsOf } from '../../../src/cli/serve/server-options.js'
import { memberOptionsOf } from '../../../src/cli/serve/member-options.js'
import { clusterIdOf, memberIdOf } from '../../../src/store/identity.js'
import { checked, reading } from './given.js'

const CLUSTER = 'infra0=http://10.0.1.10:2380,infra1=http://10.0.1.11:2380,infra2=http://10.0.1.12:2380'
const INFRA0 =
  '--name infra0 --initial-advertise-peer-urls http://10.0.1.10:2380 --listen-peer-urls http://10.0.1.10:2380 ' +
  '--listen-client-urls http://10.0.1.10:2379,http://127.0.0.1:2379 --advertise-client-urls http://10.0.1.10:2379 ' +
  `--initial-cluster-token etcd-cluster-1 --initial-cluster ${CLUSTER}`
const NEW: DataDirectory = { type: 'new' }

function usedBy(name: string, token: string, names: readonly string[]): DataDirectory {
  const identity = { clusterId: clusterIdOf(token, names), memberId: memberIdOf(token, name), name }
  return { type: 'used', identity, former: [] }
}

describe('what is refused before anything is opened', () => {
  test.each([
    ['--election-timeout 400', '--election-timeout (400 ms) must be at least 5 times --heartbeat-interval (100 ms)'],
    ['--election-timeout 50001 --heartbeat-interval 500', 'must be at most 50000 ms'],
    [
      '--listen-client-urls http://127.0.0.1:2379',
      '--advertise-client-urls is required where --listen-client-urls is given',
    ],
    ['--listen-peer-urls http://etcd.example.com:2380', 'listen on an IP address of this machine'],
    [`--initial-cluster ${CLUSTER} --discovery-srv example.com`, 'both say who the first members are'],
    ['--listen-peer-urls unix:///tmp/peer', 'members reach each other over TCP'],
    ['--initial-advertise-peer-urls http://a:1,http://b:1', 'has 2 URLs, and a member has one address here'],
    ['--listen-peer-urls https://127.0.0.1:2380', 'must be of one scheme'],
    ['--client-cert-auth', '--client-cert-auth needs --trusted-ca-file'],
    ['--cert-file c', '--cert-file is given without --key-file'],
    ['--peer-key-file k', '--peer-key-file is given without --peer-cert-file'],
    ['--listen-client-http-urls https://127.0.0.1:1', 'https://127.0.0.1:1 needs --cert-file and --key-file'],
    [
      '--listen-peer-urls https://127.0.0.1:2380 --initial-advertise-peer-urls https://127.0.0.1:2380',
      'needs --peer-cert-file, --peer-key-file and --peer-trusted-ca-file',
    ],
    [
      '--listen-peer-urls https://127.0.0.1:1 --initial-advertise-peer-urls https://127.0.0.1:1 --peer-cert-file c --peer-key-file k',
      '--peer-trusted-ca-file is needed where members speak TLS',
    ],
    ['--client-cert-allowed-cn a --client-cert-allowed-hostname b', 'exclude each other'],
    ['--cors=', "--cors must not be empty: name those that may, or leave it out (or give `*`) for any; given is ''"],
    ['--host-whitelist=,', '--host-whitelist must not be empty'],
    ['--client-crl-file f', '--client-crl-file needs --trusted-ca-file'],
    ['--tls-min-version TLS1.3 --tls-max-version TLS1.2', '--tls-min-version is above --tls-max-version'],
    ['--max-txn-ops 1000', '--max-txn-ops is at most 128 here, not 1000'],
    ['--max-request-bytes 10000000', '--max-request-bytes is at most 1572864 here'],
  ])('%s', (words, text) => {
    expect(() => checked(words)).toThrow(text)
  })

  test('and what is only strange is told', () => {
    expect(checked('--cert-file c --key-file k').warnings).toEqual([
      '--cert-file is not used: no client URL begins with https://',
    ])
  })
})

describe('the flags of a static cluster', () => {
  test('in an empty directory make one of its first members', () => {
    const given = checked(INFRA0)
    expect(given.warnings).toEqual([])
    expect(clusterPlanOf(given, NEW)).toEqual({
      options: {
        name: 'infra0',
        listen: '10.0.1.10:2380',
        cluster: { infra0: '10.0.1.10:2380', infra1: '10.0.1.11:2380', infra2: '10.0.1.12:2380' },
        clusterToken: 'etcd-cluster-1',
      },
      notes: [],
    })
  })

  test('in the directory of that member make it again', () => {
    const used = usedBy('infra0', 'etcd-cluster-1', ['infra0', 'infra1', 'infra2'])
    expect(clusterPlanOf(checked(INFRA0), used)).toEqual(clusterPlanOf(checked(INFRA0), NEW))
  })

  test('do not count in a directory that knows another cluster', async () => {
    const used = usedBy('infra0', 'another', ['infra0'])
    const { options, notes } = clusterPlanOf(checked(INFRA0), used)
    expect(options).toMatchObject({ name: 'infra0', listen: '10.0.1.10:2380', advertise: '10.0.1.10:2380' })
    expect(options).not.toHaveProperty('cluster')
    expect(typeof options.join === 'function' && (await options.join())).toEqual(['10.0.1.11:2380', '10.0.1.12:2380'])
    expect(notes[0]?.text).toContain('flags about how the cluster begins are passed over')
  })

  test('with state existing ask the other members', () => {
    const given = checked(`${INFRA0} --initial-cluster-state existing`)
    expect(clusterPlanOf(given, NEW).options).toEqual({
      name: 'infra0',
      listen: '10.0.1.10:2380',
      advertise: '10.0.1.10:2380',
      join: ['10.0.1.11:2380', '10.0.1.12:2380'],
    })
  })

  test('must name this member, with the address that it advertises', () => {
    const plan = (words: string) => () => clusterPlanOf(checked(`${INFRA0} ${words}`), NEW)
    expect(plan('--name infra7')).toThrow("--initial-cluster has no member 'infra7', which is this one by --name")
    expect(plan('--initial-advertise-peer-urls http://10.0.1.99:2380')).toThrow('they must be the same')
    expect(plan('--initial-cluster infra0=http://10.0.1.10:2380 --initial-cluster-state existing')).toThrow(
      '--initial-cluster-state=existing needs --initial-cluster with the members that are there',
    )
  })

  test('left out, make a cluster of one by its name', () => {
    expect(clusterPlanOf(checked('--name n'), NEW).options).toMatchObject({ cluster: { n: 'localhost:2380' } })
  })

  test('with another name for a directory that has one keep the one of the first start', () => {
    const { options, notes } = clusterPlanOf(checked('--name later'), usedBy('early', 'etcd-cluster', ['early']))
    expect(options.name).toBe('early')
    expect(notes.map(({ text }) => text)).toContain("the member keeps the name of its first start, 'early'")
  })

  test('a member listens where it is advertised, whatever else it was to listen on', () => {
    const { options, notes } = clusterPlanOf(
      checked(
        '--listen-peer-urls http://127.0.0.1:2380,http://10.0.0.1:2380 --initial-advertise-peer-urls http://10.0.0.1:2380',
      ),
      NEW,
    )
    expect(options.listen).toBe('10.0.0.1:2380')
    expect(notes[0]?.text).toContain('and not on http://127.0.0.1:2380')
  })
})

describe('--force-new-cluster', () => {
  const force = '--name a --force-new-cluster'

  test('makes another cluster of the directory, once', () => {
    const used = usedBy('a', 'etcd-cluster', ['a', 'b', 'c'])
    const { options } = clusterPlanOf(checked(force), used)
    expect(options).toMatchObject({ cluster: { a: 'localhost:2380' }, forceNewCluster: true })
    const forced = usedBy('a', options.clusterToken ?? '', ['a'])
    const former = used.type === 'used' ? [{ clusterId: used.identity.clusterId }] : []
    const again = clusterPlanOf(checked(force), { ...forced, former } as unknown as DataDirectory)
    expect(again.options.clusterToken).toBe(options.clusterToken)
    expect(again.notes[0]?.text).toContain('--force-new-cluster can go')
  })

  test('begins a cluster where there is none', () => {
    expect(clusterPlanOf(checked(force), NEW).options).not.toHaveProperty('forceNewCluster')
  })
})

test('--discovery-srv finds the members by DNS, named after their records', () => {
  const words =
    '--name m --discovery-srv example.com --discovery-srv-name x --initial-advertise-peer-urls http://Infra0.example.com:2380'
  const { options } = clusterPlanOf(checked(words), NEW)
  expect(options).toMatchObject({ name: 'infra0.example.com', cluster: expect.any(Function) as unknown })
})

describe('--initial-cluster', () => {
  test.each([
    ['http://10.0.0.1:1', 'has no name'],
    ['a=10.0.0.1:1', "of member 'a': must be URLs"],
    ['a=http://10.0.0.1:1,b=http://10.0.0.1:1', "has http://10.0.0.1:1 twice, of 'a' and of 'b'"],
    ['a=http://10.0.0.1:1,b=https://10.0.0.2:1', 'mixes http and https'],
    ['a=unix:///x', 'members reach each other over TCP'],
  ])('%s is refused', (text, why) => {
    expect(() => initialClusterOf(text.split(','))).toThrow(why)
  })

  test('has IPv6 addresses in brackets', () => {
    const { options } = clusterPlanOf(
      checked('--initial-advertise-peer-urls http://[::1]:2380 --listen-peer-urls http://[::]:2380'),
      NEW,
    )
    expect(options).toMatchObject({ listen: '[::]:2380', cluster: { default: '[::1]:2380' } })
  })
})

describe('--auto-compaction-retention', () => {
  test.each([
    ['0', undefined],
    ['1', { mode: 'periodic', retentionMs: 3_600_000 }],
    ['5m', { mode: 'periodic', retentionMs: 300_000 }],
    ['1h30m', { mode: 'periodic', retentionMs: 5_400_000 }],
  ])('%s by time', (text, compaction) => {
    expect(autoCompactionOf(checked(`--auto-compaction-retention ${text}`).values)).toEqual(compaction)
  })

  test('counts revisions where that is said', () => {
    const words = '--auto-compaction-mode revision --auto-compaction-retention'
    expect(autoCompactionOf(checked(`${words} 1000`).values)).toEqual({ mode: 'revision', retention: 1000 })
    expect(() => autoCompactionOf(checked(`${words} 5m`).values)).toThrow('is a number of revisions')
    expect(() => autoCompactionOf(checked('--auto-compaction-retention soon').values)).toThrow(
      'is hours, or a duration',
    )
  })
})

describe('--auth-token', () => {
  const auth = (text: string) =>
    authOf(checked(`--auth-token ${text}`).values, reading({ '/k': 'SECRET', '/p': 'PUBLIC' }))

  test('is simple, or signed with keys from files', () => {
    expect(auth('simple')).toEqual({ token: 'simple', simpleTokenTtlMs: 300_000 })
    expect(auth('jwt,pub-key=/p,priv-key=/k,sign-method=RS256,ttl=10m')).toMatchObject({
      token: { jwt: { signMethod: 'RS256', privateKey: 'SECRET', publicKey: 'PUBLIC', ttlMs: 600_000 } },
    })
    expect(auth('jwt,pub-key=/k,priv-key=/k,sign-method=HS256').token).toEqual({
      jwt: { signMethod: 'HS256', privateKey: 'SECRET' },
    })
  })

  test.each([
    ['ldap', 'begins with simple or jwt'],
    ['jwt', 'needs sign-method=...'],
    ['jwt,sign-method=RS256', 'needs priv-key=FILE'],
    ['jwt,sign-method=RS256,priv-key=/none', 'priv-key of --auth-token cannot be read'],
    ['jwt,sign-methode=RS256', 'takes no sign-methode (did you mean sign-method?)'],
  ])('%s is refused', (text, why) => {
    expect(() => auth(text)).toThrow(why)
  })
})

test('--cipher-suites are those of OpenSSL by the names of Go', () => {
  expect(cipherSuitesOf([])).toBeUndefined()
  expect(cipherSuitesOf(['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305'])).toBe(
    'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305',
  )
  expect(() => cipherSuitesOf(['TLS_RSA_WITH_RC4_128_SHA'])).toThrow('knows no TLS_RSA_WITH_RC4_128_SHA')
})

test('--feature-gates are told of, and unknown ones refused', () => {
  expect(featureNotes('LeaseCheckpoint=true,InitialCorruptCheck=false')).toHaveLength(2)
  expect(() => featureNotes('LeaseCheckpoints=true')).toThrow(
    'knows no LeaseCheckpoints (did you mean LeaseCheckpoint?)',
  )
  expect(() => featureNotes('LeaseCheckpoint')).toThrow('Name=true')
})

describe('a member', () => {
  const options = (words: string) => memberOptionsOf(checked(words).values, reading())

  test("has its directory named after it, etcd's times and its quota", () => {
    expect(options('--name n')).toEqual({
      dataDir: 'n.etcd',
      heartbeatIntervalMs: 100,
      electionTimeoutMs: 1000,
      auth: { token: 'simple', simpleTokenTtlMs: 300_000 },
      quotaBytes: 0,
      insecure: true,
    })
    expect(options('--quota-backend-bytes -1').quotaBytes).toBe(Infinity)
    expect(options('--quota-backend-bytes 8589934592').quotaBytes).toBe(8 * 2 ** 30)
    expect(options('--corrupt-check-time 1h').checkIntervalMs).toBe(3_600_000)
  })

  test('speaks TLS to the others where its URLs say so, and never in the clear then', () => {
    const urls = '--listen-peer-urls https://10.0.0.1:2380 --initial-advertise-peer-urls https://10.0.0.1:2380'
    const files = '--peer-cert-file c --peer-key-file k --peer-trusted-ca-file ca --peer-client-cert-auth'
    const member = options(`${urls} ${files} --peer-cert-allowed-cn a,b --peer-cert-allowed-hostname c`)
    expect(member.tls).toEqual({ certFile: 'c', keyFile: 'k', caFile: 'ca', allowedNames: ['a', 'b', 'c'] })
    expect(member.insecure).toBeUndefined()
  })
})

describe('what clients are served with', () => {
  const urls =
    '--listen-client-urls https://127.0.0.1:1 --advertise-client-urls https://127.0.0.1:1 --cert-file c --key-file k'
  const options = (words: string) => serverOptionsOf(checked(words).values)

  test("is etcd's by default", () => {
    expect(options('')).toEqual({
      listenClientUrls: ['http://localhost:2379'],
      advertiseClientUrls: ['http://localhost:2379'],
      enableGrpcGateway: true,
      cors: ['*'],
      hostWhitelist: ['*'],
      listenMetricsUrls: [],
      metrics: 'basic',
      requestBytesMax: 1_572_864,
      concurrentStreamsMax: 4_294_967_295,
      transactionOperationsMax: 128,
      peerScheme: 'http',
      learnersMax: 1,
      watchProgressNotifyIntervalMs: 600_000,
      keepAliveIntervalMs: 7_200_000,
      keepAliveTimeoutMs: 20_000,
    })
  })

  test('is TLS where a URL says so, with what clients must show', () => {
    const shown = '--client-cert-auth --trusted-ca-file ca --client-crl-file crl --client-cert-allowed-cn n'
    expect(
      options(`${urls} ${shown} --tls-max-version TLS1.2 --cipher-suites TLS_RSA_WITH_AES_128_CBC_SHA`).tls,
    ).toEqual({
      certFile: 'c',
      keyFile: 'k',
      trustedCaFile: 'ca',
      crlFile: 'crl',
      clientCertAuth: true,
      allowedNames: ['n'],
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers: 'AES128-SHA',
    })
    expect(options(`${urls} --grpc-keepalive-interval 0`)).toMatchObject({ keepAliveIntervalMs: 2 ** 31 - 1 })
  })
})
