/** From words, variables and files to values: as etcd reads them. */
import { describe, expect, test } from 'vitest'
import { serverOptionsOf } from '../../../src/cli/serve/server-options.js'
import { FLAG_NAMES, FLAGS, flagNamed, rowOf } from '../../../src/cli/serve/flags.js'
import { checked, given } from './given.js'

describe('the table of flags', () => {
  test('has a default for each that the flag itself takes', () => {
    for (const name of FLAG_NAMES) {
      const { fallback, parse } = rowOf(name)
      expect(() => parse(fallback), name).not.toThrow()
    }
  })

  test('says of each that is not supported why, and of each what it is', () => {
    for (const name of FLAG_NAMES) {
      const { meaning, fate } = rowOf(name)
      expect(meaning, name).toMatch(/\.$/)
      if (fate.type !== 'supported') expect(fate.why, name).toMatch(/^\w.*[^.]$/)
    }
  })

  test('has the flags of etcd 3.6 as its help lists them', () => {
    const known =
      `name data-dir wal-dir snapshot-count heartbeat-interval election-timeout initial-election-tick-advance
      listen-peer-urls listen-client-urls listen-client-http-urls max-wals memory-mlock quota-backend-bytes
      backend-bbolt-freelist-type backend-batch-interval backend-batch-limit max-txn-ops max-request-bytes
      max-concurrent-streams grpc-keepalive-min-time grpc-keepalive-interval grpc-keepalive-timeout socket-reuse-port
      socket-reuse-address enable-grpc-gateway raft-read-timeout raft-write-timeout feature-gates initial-advertise-peer-urls
      initial-cluster initial-cluster-state initial-cluster-token advertise-client-urls discovery discovery-token
      discovery-endpoints discovery-dial-timeout discovery-request-timeout discovery-keepalive-time
      discovery-keepalive-timeout discovery-insecure-transport discovery-insecure-skip-tls-verify discovery-cert
      discovery-key discovery-cacert discovery-user discovery-password discovery-fallback discovery-proxy discovery-srv
      discovery-srv-name strict-reconfig-check pre-vote auto-compaction-retention auto-compaction-mode cert-file key-file
      client-cert-auth client-cert-file client-key-file client-crl-file client-cert-allowed-hostname trusted-ca-file
      auto-tls peer-cert-file peer-key-file peer-client-cert-auth peer-client-cert-file peer-client-key-file
      peer-trusted-ca-file peer-cert-allowed-cn peer-cert-allowed-hostname peer-auto-tls self-signed-cert-validity
      peer-crl-file cipher-suites cors host-whitelist tls-min-version tls-max-version auth-token bcrypt-cost
      auth-token-ttl enable-pprof metrics listen-metrics-urls logger log-outputs log-level log-format
      enable-log-rotation log-rotation-config-json warning-unary-request-duration enable-distributed-tracing
      distributed-tracing-address distributed-tracing-service-name distributed-tracing-instance-id
      distributed-tracing-sampling-rate corrupt-check-time compact-hash-check-time compaction-batch-limit
      peer-skip-client-san-verification watch-progress-notify-interval warning-apply-duration
      bootstrap-defrag-threshold-megabytes max-learners compaction-sleep-interval downgrade-check-time
      snapshot-catchup-entries force-new-cluster unsafe-no-fsync config-file version`.split(/\s+/)
    expect(known.filter((name) => flagNamed(name) === undefined)).toEqual([])
  })
})

describe('words', () => {
  test('are read as Go reads flags: one dash or two, the value behind = or in the next word', () => {
    for (const words of ['-name x', '--name x', '-name=x', '--name=x', '--name=y --name x']) {
      expect(given(words).values.name).toBe('x')
    }
    expect(given('--data-dir=a=b').values['data-dir']).toBe('a=b')
  })

  test('a boolean stands alone, or takes its value behind =', () => {
    for (const words of ['--client-cert-auth', '-client-cert-auth=T', '--client-cert-auth=1']) {
      expect(given(words).values['client-cert-auth']).toBe(true)
    }
    expect(given('--enable-grpc-gateway=false').values['enable-grpc-gateway']).toBe(false)
    expect(() => given('--client-cert-auth true')).toThrow(
      "'true' is no flag; --client-cert-auth takes its value behind",
    )
  })

  test('what was experimental is understood under both names, and nothing else is', () => {
    expect(given('--experimental-corrupt-check-time 1h').values['corrupt-check-time']).toBe(3_600_000)
    expect(given('--corrupt-check-time 1h').values['corrupt-check-time']).toBe(3_600_000)
    expect(() => given('--experimental-name x')).toThrow('there is no flag --experimental-name')
  })

  const refused: readonly (readonly [string, string])[] = [
    [
      '--listen-client-url http://127.0.0.1:1',
      'there is no flag --listen-client-url (did you mean --listen-client-urls?)',
    ],
    ['--nope', 'there is no flag --nope'],
    ['nope', "'nope' is no flag"],
    ['--name', '--name needs a value, TEXT'],
    ['--pre-vote=maybe', "--pre-vote must be true or false; given is 'maybe'"],
    ['--election-timeout 1.5', "--election-timeout must be a whole number, not less than 1; given is '1.5'"],
    ['--grpc-keepalive-interval 5', "must be a duration with its units, like 300ms, 5s or 1h30m; given is '5'"],
    ['--initial-cluster-state old', "--initial-cluster-state must be one of new, existing; given is 'old'"],
    ['--listen-client-urls 127.0.0.1:2379', 'must be URLs that begin with http://, https://, unix:// or unixs://'],
    [
      '--listen-client-urls http://127.0.0.1',
      'must be URLs like http://10.0.0.1:2379, with a host, a port and nothing',
    ],
    ['--listen-client-urls http://127.0.0.1:1/v3', 'with a host, a port and nothing behind'],
    ['--listen-client-urls http://127.0.0.1:65536', 'with a host, a port and nothing behind'],
    ['--discovery https://discovery.etcd.io/1', '--discovery is not taken: discovery by another etcd is not there'],
    ['--wal-dir /wal', '--wal-dir is not taken: log and state lie in one directory here'],
    ['--auto-tls', '--auto-tls is not taken'],
  ]
  test.each(refused)('%s is refused, saying what would be right', (words, text) => {
    expect(() => given(words)).toThrow(text)
  })

  test('what is refused may be given as it is by default', () => {
    expect(given('--auto-tls=false --discovery= --proxy off').notes).toEqual([])
  })

  test('what has no effect is told with the reason, unless it is the default', () => {
    expect(given('--snapshot-count 10000 --max-wals=7').notes).toEqual([
      {
        level: 'info',
        text: '--max-wals has no effect: the log is bounded by bytes, and trimmed behind the state that is on disk',
      },
    ])
  })

  test('a value that may be a secret is not told', () => {
    expect(() => given('--discovery-password hunter2')).not.toThrow()
    expect(JSON.stringify(given('--discovery-password hunter2').notes)).not.toContain('hunter2')
  })
})

describe('durations', () => {
  test.each([
    ['300ms', 300],
    ['5s', 5000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['0', 0],
    ['100us', 0.1],
    ['2h0m0.5s', 7_200_500],
  ])('%s', (text, ms) => {
    expect(given(`--warning-unary-request-duration ${text}`).values['warning-unary-request-duration']).toBeCloseTo(
      ms,
      6,
    )
  })

  test.each(['', '1', '1d', '1h 1m', 'h', '1e3s', '9999999h'])('%j is none', (text) => {
    const flag = FLAGS['grpc-keepalive-timeout']
    expect(() => flag.parse(text)).toThrow('must be a duration')
  })
})

describe('variables', () => {
  test('stand for flags, and the command line beats them', () => {
    const environment = { ETCD_NAME: 'e', ETCD_CLIENT_CERT_AUTH: 'true', ETCD_INITIAL_CLUSTER_STATE: 'existing' }
    const { values, notes, given: names } = given('--name f', { environment })
    expect(values.name).toBe('f')
    expect(values['client-cert-auth']).toBe(true)
    expect(names.has('initial-cluster-state')).toBe(true)
    expect(notes).toEqual([{ level: 'warn', text: 'ETCD_NAME is passed over: --name is given on the command line' }])
  })

  test('that are unknown are warned of without their value, those of other programs are not looked at', () => {
    const environment = { ETCD_LISTEN_CLIENT_URL: 'secret', ETCDCTL_API: '3', HOME: '/', ETCD_NAME: '' }
    expect(given('', { environment })).toMatchObject({
      values: { name: 'default' },
      notes: [
        {
          level: 'warn',
          text: 'ETCD_LISTEN_CLIENT_URL belongs to no flag, and is passed over (did you mean --listen-client-urls?)',
        },
      ],
    })
  })
})

describe('a file', () => {
  const yaml = `
name: m1
data-dir: /var/lib/etcd
heartbeat-interval: 50
auto-compaction-retention: 5
corrupt-check-time: 3600000000000
grpc-keepalive-timeout: 20s
listen-client-urls: https://127.0.0.1:2379
advertise-client-urls: https://127.0.0.1:2379
cors:
cipher-suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
log-outputs: [stderr]
proxy: 'off'
client-transport-security:
  cert-file: /c
  key-file: /k
  client-cert-auth: true
  trusted-ca-file: /ca
peer-transport-security:
  allowed-cn: member
  auto-tls: false
`
  test('beats everything else, with its sections', () => {
    const sources = { files: { '/etc/etcd.yaml': yaml }, environment: { ETCD_ELECTION_TIMEOUT: '2000' } }
    const { values, warnings } = checked('--name other --config-file /etc/etcd.yaml', sources)
    expect(values).toMatchObject({
      name: 'm1',
      'heartbeat-interval': 50,
      'election-timeout': 1000,
      'auto-compaction-retention': '5',
      'corrupt-check-time': 3_600_000,
      'grpc-keepalive-timeout': 20_000,
      cors: ['*'],
      'cipher-suites': ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
      'cert-file': '/c',
      'client-cert-auth': true,
      'trusted-ca-file': '/ca',
      'peer-cert-allowed-cn': ['member'],
    })
    expect(warnings[0]).toBe(
      'the file /etc/etcd.yaml alone counts, not flags and variables; passed over: --name, --election-timeout',
    )
  })

  test('has several names of certificates as a list, and no empty list where that would mean everybody', () => {
    const section = 'client-transport-security: { trusted-ca-file: /ca, allowed-cns: [a, b] }'
    const { values } = given('--config-file c', { files: { c: section } })
    expect(values['client-cert-allowed-cn']).toEqual(['a', 'b'])
    expect(
      serverOptionsOf({
        ...values,
        'listen-client-urls': given('--listen-client-urls https://a:1').values['listen-client-urls'],
      }),
    ).toMatchObject({
      tls: { allowedNames: ['a', 'b'] },
    })
    for (const open of ['cors', 'host-whitelist']) {
      expect(() => given('--config-file c', { files: { c: `${open}: []` } })).toThrow(`--${open} must not be empty`)
    }
  })

  test('may be JSON, and named by a variable', () => {
    const sources = { environment: { ETCD_CONFIG_FILE: 'c' }, files: { c: '{"name": "j", "max-txn-ops": 64}' } }
    expect(given('', sources).values).toMatchObject({ name: 'j', 'max-txn-ops': 64 })
  })

  test.each([
    ['name: [1, 2]', 'name must be a text, a number, true, false or a list of texts, not an array'],
    ['client-transport-security: {client-cert-aut: true}', 'takes no client-cert-aut (did you mean client-cert-auth?)'],
    ['listen-client-url: x', 'has listen-client-url, which is none of the settings (did you mean listen-client-urls?)'],
    ['config-file: x', 'has config-file, which is none of the settings'],
    ['- a', 'f must be fields with their values, not an array'],
    ['a: b: c', 'f is neither YAML nor JSON: '],
  ])('that says %j is refused', (content, text) => {
    expect(() => given('--config-file f', { files: { f: content } })).toThrow(text)
  })

  test('that is not there is told by its path', () => {
    expect(() => given('--config-file nowhere')).toThrow('--config-file nowhere cannot be read: ENOENT')
  })
})
