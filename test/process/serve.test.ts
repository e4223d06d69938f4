/** `quorate serve` in the place of `etcd`: processes started by its flags, and used by its clients. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { credentials, type Client } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../demo/processes/free-ports.js'
import { ClusterService, KVService } from '../../src/etcd/generated/rpc.js'
import { certificateAuthority } from '../certificates.js'
import { call, clientOf } from '../etcd/served.js'
import { notifySocket } from './notify-socket.js'
import { BUILT, ServedProcess } from './served.js'

const folder = mkdtempSync(join(tmpdir(), 'quorate-serve-'))
const running = new Set<ServedProcess>()

afterAll(async () => {
  await Promise.all([...running].map((each) => each.end('SIGKILL')))
  rmSync(folder, { recursive: true, force: true })
})

function started(flags: readonly string[], env: NodeJS.ProcessEnv = {}): ServedProcess {
  const served = new ServedProcess(flags, { cwd: folder, env })
  running.add(served)
  return served
}

interface Place {
  readonly name: string
  readonly peerUrl: string
  readonly clientUrl: string
}

describe.skipIf(!BUILT)(
  'three processes by the flags of the clustering guide, with TLS for clients and members',
  () => {
    const authority = certificateAuthority()
    const certificates = join(folder, 'certificates')
    const file = (name: string): string => join(certificates, name)
    const places: Place[] = []
    const members: ServedProcess[] = []
    const clients: Client[] = []

    /** To the letter those of the guide, section "Static" and "Self-signed certificates". */
    const flagsOf = (place: Place, state: 'new' | 'existing', cluster: readonly Place[]): readonly string[] => [
      ...['--name', place.name],
      ...['--initial-advertise-peer-urls', place.peerUrl, '--listen-peer-urls', place.peerUrl],
      ...['--listen-client-urls', place.clientUrl, '--advertise-client-urls', place.clientUrl],
      ...['--initial-cluster-token', 'etcd-cluster-1'],
      ...['--initial-cluster', cluster.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')],
      ...['--initial-cluster-state', state],
      ...['--client-cert-auth', `--trusted-ca-file=${file('ca.pem')}`],
      ...[`--cert-file=${file('server.pem')}`, `--key-file=${file('server.key')}`],
      ...['--peer-client-cert-auth', `--peer-trusted-ca-file=${file('ca.pem')}`],
      ...[`--peer-cert-file=${file('member.pem')}`, `--peer-key-file=${file('member.key')}`],
    ]
    const clientFor = ({ clientUrl }: Place): Client => {
      const { cert, key } = authority.issue({ name: 'client' })
      const by = credentials.createSsl(Buffer.from(authority.cert), Buffer.from(key), Buffer.from(cert))
      const client = clientOf(new URL(clientUrl).host, by)
      clients.push(client)
      return client
    }
    const at = (index: number): Place => places[index] as Place

    beforeAll(async () => {
      mkdirSync(certificates)
      writeFileSync(file('ca.pem'), authority.cert)
      for (const name of ['server', 'member']) {
        const { cert, key } = authority.issue({ name })
        writeFileSync(file(`${name}.pem`), cert)
        writeFileSync(file(`${name}.key`), key)
      }
      const ports = await freePorts(8)
      for (const index of [0, 1, 2, 3]) {
        places.push({
          name: `infra${index}`,
          peerUrl: `https://127.0.0.1:${ports[2 * index]}`,
          clientUrl: `https://127.0.0.1:${ports[2 * index + 1]}`,
        })
      }
      const first = places.slice(0, 3)
      members.push(...first.map((place) => started(flagsOf(place, 'new', first))))
      await Promise.all(members.map((member) => member.ready()))
    })

    afterAll(() => {
      for (const client of clients) client.close()
    })

    test('what is put on one is read on the others, over gRPC and as JSON', async () => {
      await call(clientFor(at(0)), KVService.put, { key: Buffer.from('greeting'), value: Buffer.from('hello') })
      const { kvs } = await call(clientFor(at(1)), KVService.range, { key: Buffer.from('greeting') })
      expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('hello')
      const { cert, key } = authority.issue({ name: 'client' })
      const answer = await posted(
        `${at(2).clientUrl}/v3/kv/range`,
        { key: base64('greeting') },
        { ca: authority.cert, cert, key },
      )
      expect(answer).toMatchObject({ kvs: [{ value: base64('hello') }], count: '1' })
    })

    test('nobody is let in without a certificate of the authority', async () => {
      const stranger = certificateAuthority().issue({ name: 'client' })
      for (const shown of [{}, { cert: stranger.cert, key: stranger.key }]) {
        await expect(
          posted(`${at(0).clientUrl}/v3/kv/range`, { key: base64('greeting') }, { ca: authority.cert, ...shown }),
        ).rejects.toThrow(/certificate|unknown ca|hang up|ECONNRESET/)
      }
    })

    test('one that is killed comes back by the same command, with what was written meanwhile', async () => {
      await members[1]?.end('SIGKILL')
      await call(clientFor(at(0)), KVService.put, { key: Buffer.from('meanwhile'), value: Buffer.from('1') })
      const again = started(flagsOf(at(1), 'new', places.slice(0, 3)))
      members[1] = again
      await again.ready()
      const { kvs } = await call(clientFor(at(1)), KVService.range, { key: Buffer.from('meanwhile') })
      expect(kvs).toHaveLength(1)
    })

    test('a member is removed, and another one added with --initial-cluster-state existing', async () => {
      const client = clientFor(at(0))
      const list = async () => (await call(client, ClusterService.memberList)).members
      const gone = (await list()).find(({ name }) => name === at(2).name)
      expect(gone?.clientURLs).toEqual([at(2).clientUrl])
      await call(client, ClusterService.memberRemove, { ID: gone?.ID ?? 0n })
      expect(await members[2]?.ended).toEqual({ code: 0, signal: null })
      await call(client, ClusterService.memberAdd, { peerURLs: [at(3).peerUrl] })
      const cluster = [at(0), at(1), at(3)]
      const added = started(flagsOf(at(3), 'existing', cluster))
      members[2] = added
      await added.ready()
      expect((await list()).map(({ name }) => name).sort()).toEqual(['infra0', 'infra1', 'infra3'])
      // It is a learner until the leader makes it a voter, and answers nobody before.
      while ((await list()).some(({ isLearner }) => isLearner)) continue
      const { kvs } = await call(clientFor(at(3)), KVService.range, { key: Buffer.from('meanwhile') })
      expect(kvs).toHaveLength(1)
    })

    const etcdctl = onPath('etcdctl')
    test.skipIf(!etcdctl)('etcdctl works against all of them', async () => {
      const endpoints = [at(0), at(1), at(3)].map(({ clientUrl }) => clientUrl).join(',')
      const { cert, key } = authority.issue({ name: 'client' })
      writeFileSync(file('client.pem'), cert)
      writeFileSync(file('client.key'), key)
      const tls = [`--cacert=${file('ca.pem')}`, `--cert=${file('client.pem')}`, `--key=${file('client.key')}`]
      const run = promisify(execFile)
      const options = { env: { ...process.env, ETCDCTL_API: '3' } }
      expect((await run('etcdctl', [`--endpoints=${endpoints}`, ...tls, 'put', 'a', 'b'], options)).stdout).toBe('OK\n')
      expect((await run('etcdctl', [`--endpoints=${endpoints}`, ...tls, 'get', 'a'], options)).stdout).toBe('a\nb\n')
    })

    test('SIGTERM ends each of them in order, by that signal', async () => {
      const ended = await Promise.all(members.map((member) => member.end()))
      expect(ended).toEqual(members.map(() => ({ code: null, signal: 'SIGTERM' })))
      for (const member of members) expect(member.lines.at(-1)).toMatchObject({ level: 'info', msg: 'closed' })
    })
  },
)

describe.skipIf(!BUILT)('one process', () => {
  test('started by variables and a file tells systemd that it serves, and that it stops', async (context) => {
    if (!onPath('systemd-notify') || !onPath('python3')) context.skip()
    const [port, peerPort] = await freePorts(2)
    const notices = await notifySocket(join(folder, 'notify'))
    const config = join(folder, 'etcd.yaml')
    writeFileSync(
      config,
      [
        ...['name: one', `data-dir: ${join(folder, 'one')}`, 'log-outputs: [stderr]'],
        ...[`listen-client-urls: http://127.0.0.1:${port}`, `advertise-client-urls: http://127.0.0.1:${port}`],
        ...[
          `listen-peer-urls: http://127.0.0.1:${peerPort}`,
          `initial-advertise-peer-urls: http://127.0.0.1:${peerPort}`,
        ],
      ].join('\n'),
    )
    const served = started([], { ETCD_CONFIG_FILE: config, NOTIFY_SOCKET: join(folder, 'notify') })
    await served.ready()
    expect(await notices.next()).toBe('READY=1 STATUS=serving')
    expect(await served.end('SIGINT')).toEqual({ code: null, signal: 'SIGINT' })
    expect(await notices.next()).toBe('STOPPING=1')
  })

  test.each([
    ['a flag that is none', ['--nope'], 2, /^quorate serve: there is no flag --nope/],
    [
      'flags that contradict each other',
      ['--election-timeout', '100'],
      1,
      /^quorate serve: --election-timeout \(100 ms\)/,
    ],
  ])('ends at once because of %s, with one line', async (_, flags, code, text) => {
    const served = started(flags)
    expect(await served.ended).toEqual({ code, signal: null })
    expect(served.output).toMatch(text)
    expect(served.output.split('\n')).toHaveLength(1)
  })

  test('that cannot listen says so in its log, and ends with 1', async () => {
    const [port] = await freePorts(1)
    const url = `http://127.0.0.1:${port}`
    const taken = ['--data-dir', join(folder, 'taken'), '--listen-client-urls', url, '--advertise-client-urls', url]
    const served = started([...taken, '--listen-peer-urls', url, '--initial-advertise-peer-urls', url])
    expect(await served.ended).toEqual({ code: 1, signal: null })
    expect(served.lines.at(-1)).toMatchObject({ level: 'fatal', code: 'ADDRESS_IN_USE' })
  })
})

function onPath(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function posted(url: string, body: object, tls: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent: false, ...tls }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(JSON.parse(body))
        else reject(new Error(`${response.statusCode} ${body}`))
      })
    })
    sent.on('error', reject)
    sent.end(JSON.stringify(body))
  })
}
