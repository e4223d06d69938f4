/**
 * etcd's API as a Node client sees it: a member of ours beside a real etcd, both as processes of their own, asked by this one
 * over gRPC: `npm run bench -- grpc`. What the figures mean: bench/README.md.
 *
 * Everything is measured in turn, several rounds, and the median is shown: machines drift, ratios hold. The peer is left out
 * where there is no etcd on the path (Debian: `apt-get download etcd-server`, `dpkg -x`).
 *
 *     npm run bench -- grpc put range      only what begins with one of these
 *     GRPC_BENCH_MEMBERS=3                 of clusters of three
 *     GRPC_BENCH_ROUNDS=1                  instead of 3
 *     GRPC_BENCH_PROFILE=profiles          leaves the profiles of our members in this folder (`--cpu-prof`), and etcd out
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { credentials } from '@grpc/grpc-js'
import { freePorts } from '../demo/processes/free-ports.js'
import { etcdVersion } from '../scripts/etcd-diff/etcd-process.js'
import { MemberProcess } from '../scripts/etcdctl/member-process.js'
import {
  KVClient,
  LeaseClient,
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  PutRequest,
  RangeRequest,
  WatchClient,
  WatchRequest,
} from '../src/etcd/generated/rpc.js'
import { median } from './common.js'

const ROUNDS = Number(process.env['GRPC_BENCH_ROUNDS'] ?? 3)
const PROFILE = process.env['GRPC_BENCH_PROFILE']
const VALUE = Buffer.alloc(256, 'v')
const KEYS = 1000
const WATCHES = 100
/** Calls before those that are measured: V8 compiles what is called often. */
const WARM_UP = 3000
const OURS = [
  process.execPath,
  ...(PROFILE === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILE}`]),
  ...[fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url)), 'serve'],
]

/** A cluster that is asked. */
interface Subject {
  readonly name: string
  readonly addresses: readonly string[]
  readonly processes: readonly MemberProcess[]
  stop(): Promise<void>
}

interface Measured {
  readonly perSecond: number
  /** Of all members together, user and system. */
  readonly serverMicroseconds: number
  readonly clientMicroseconds: number
}

type Work = (subject: Subject) => Promise<Measured>

const WORKS: Readonly<Record<string, Work>> = {
  ...Object.fromEntries([1, 64, 256].map((at) => [`put, ${at} at a time`, (to: Subject) => puts(to, at)])),
  ...Object.fromEntries(
    [1, 64, 256].map((at) => [`range of one key, ${at} at a time`, (to: Subject) => ranges(to, at)]),
  ),
  'range of 1,000 keys, one at a time': largeRanges,
  [`events, ${WATCHES} watches`]: watched,
  'keep-alives, 64 at a time': keepAlives,
}

const only = process.argv.slice(3)
const CHOSEN = Object.entries(WORKS).filter(([work]) => only.length === 0 || only.some((each) => work.startsWith(each)))

await main()

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
  const members = Number(process.env['GRPC_BENCH_MEMBERS'] ?? 1)
  const version = PROFILE === undefined ? etcdVersion() : undefined
  if (version === undefined) console.log('etcd is left out: it is not on the path, or ours is profiled')
  const commands = { ours: OURS, ...(version !== undefined && { etcd: ['etcd'] }) }
  const results = new Map<string, Measured[]>()
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, command] of Object.entries(commands)) {
        const subject = await start(name, command, members, join(folder, `${name}-${round}`))
        try {
          for (const [work, run] of CHOSEN) {
            const key = `${work}\t${name}`
            results.set(key, [...(results.get(key) ?? []), await run(subject)])
          }
        } finally {
          await subject.stop()
        }
      }
    }
    tell(results, members)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function tell(results: ReadonlyMap<string, readonly Measured[]>, members: number): void {
  const of = (key: string, what: keyof Measured): number => median((results.get(key) ?? []).map((each) => each[what]))
  console.log(
    `\n${members} member(s), median of ${ROUNDS}: per second (ratio to etcd), microseconds of processor per operation`,
  )
  for (const [work] of CHOSEN) {
    const [ours, etcd] = [`${work}\tours`, `${work}\tetcd`]
    const ratio = results.has(etcd) ? (of(ours, 'perSecond') / of(etcd, 'perSecond')).toFixed(2) : '-'
    const shown = [ours, etcd].map((key) => {
      const figures = ['perSecond', 'serverMicroseconds', 'clientMicroseconds'] as const
      return figures.map((what) => of(key, what).toFixed(0).padStart(7)).join('')
    })
    console.log(`  ${work.padEnd(36)} ${ratio.padStart(5)}   ours ${shown[0] ?? ''}   etcd ${shown[1] ?? ''}`)
  }
}

async function start(name: string, command: readonly string[], members: number, folder: string): Promise<Subject> {
  const ports = await freePorts(2 * members)
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const names = Array.from({ length: members }, (_, at) => `m${at}`)
  const processes = names.map((member, at) => {
    const [client = '', peer = ''] = urls.slice(2 * at)
    return new MemberProcess(command, {
      name: member,
      'data-dir': join(folder, member),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': names.map((each, of) => `${each}=${urls[2 * of + 1]}`).join(','),
      ...{ logger: 'zap', 'log-outputs': 'stderr' },
    })
  })
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((each) => each.stop(PROFILE === undefined ? 'SIGKILL' : 'SIGTERM')))
  }
  try {
    await Promise.all(processes.map(({ ready }) => ready))
  } catch (error) {
    await stop()
    throw error
  }
  const addresses = names.map((_, at) => (urls[2 * at] ?? '').replace('http://', ''))
  return { name, addresses, processes, stop }
}

/** `times` calls, `concurrent` at a time, spread over the members. */
async function measure(
  { processes }: Subject,
  times: number,
  concurrent: number,
  call: (at: number) => Promise<unknown>,
): Promise<Measured> {
  const before = { server: processorOf(processes), client: process.cpuUsage(), atMs: performance.now() }
  let next = 0
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      for (let at = next++; at < times; at = next++) await call(at)
    }),
  )
  const tookMs = performance.now() - before.atMs
  const { user, system } = process.cpuUsage(before.client)
  return {
    perSecond: (times / tookMs) * 1000,
    serverMicroseconds: (processorOf(processes) - before.server) / times,
    clientMicroseconds: (user + system) / times,
  }
}

async function puts(subject: Subject, concurrent: number): Promise<Measured> {
  const clients = clientsOf(subject, (address) => new KVClient(address, credentials.createInsecure()))
  const put = (at: number): Promise<unknown> =>
    answer((done) =>
      clients.at(at).put(PutRequest.create({ key: Buffer.from(`key/${at % KEYS}`), value: VALUE }), done),
    )
  await measure(subject, WARM_UP, concurrent, put)
  const measured = await measure(subject, concurrent === 1 ? 2_000 : 20_000, concurrent, put)
  clients.close()
  return measured
}

/** Of those that are read, also where nothing else ran before. */
async function putKeys(subject: Subject): Promise<void> {
  const clients = clientsOf(subject, (address) => new KVClient(address, credentials.createInsecure()))
  await measure(subject, KEYS, 64, (at) =>
    answer((done) => clients.at(at).put(PutRequest.create({ key: Buffer.from(`key/${at}`), value: VALUE }), done)),
  )
  clients.close()
}

async function ranges(subject: Subject, concurrent: number): Promise<Measured> {
  await putKeys(subject)
  const clients = clientsOf(subject, (address) => new KVClient(address, credentials.createInsecure()))
  const range = (at: number): Promise<unknown> =>
    answer((done) => clients.at(at).range(RangeRequest.create({ key: Buffer.from(`key/${at % KEYS}`) }), done))
  await measure(subject, WARM_UP, concurrent, range)
  const measured = await measure(subject, concurrent === 1 ? 3_000 : 20_000, concurrent, range)
  clients.close()
  return measured
}

async function largeRanges(subject: Subject): Promise<Measured> {
  await putKeys(subject)
  const clients = clientsOf(subject, (address) => new KVClient(address, credentials.createInsecure()))
  const request = RangeRequest.create({ key: Buffer.from('key/'), range_end: Buffer.from('key0') })
  const range = (at: number): Promise<unknown> => answer((done) => clients.at(at).range(request, done))
  await measure(subject, 100, 1, range)
  const measured = await measure(subject, 300, 1, range)
  clients.close()
  return measured
}

/** Each put is an event for all watches, which are all on one stream, as clients have them. */
async function watched(subject: Subject): Promise<Measured> {
  const kv = clientsOf(subject, (address) => new KVClient(address, credentials.createInsecure()))
  const watch = clientsOf(subject, (address) => new WatchClient(address, credentials.createInsecure()))
  const stream = watch.at(0).watch()
  let [created, events] = [0, 0]
  let heard: () => void = () => undefined
  stream.on('data', (response: { readonly created: boolean; readonly events: readonly unknown[] }) => {
    if (response.created) created++
    events += response.events.length
    heard()
  })
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => (heard = resolve))
  }
  const create = { key: Buffer.from('watched/'), range_end: Buffer.from('watched0') }
  for (let at = 0; at < WATCHES; at++) {
    stream.write(WatchRequest.create({ request_union: { $case: 'create_request', value: create } }))
  }
  await until(() => created === WATCHES)
  const times = 500
  const request = PutRequest.create({ key: Buffer.from('watched/key'), value: VALUE })
  const putAndWatch = async (): Promise<void> => {
    events = 0
    await measure(subject, times, 16, () => answer((done) => kv.at(0).put(request, done)))
    await until(() => events === times * WATCHES)
  }
  await putAndWatch()
  const measured = await measure(subject, 1, 1, putAndWatch)
  stream.cancel()
  stream.on('error', () => undefined)
  kv.close()
  watch.close()
  const of = times * WATCHES
  return {
    perSecond: measured.perSecond * of,
    serverMicroseconds: measured.serverMicroseconds / of,
    clientMicroseconds: measured.clientMicroseconds / of,
  }
}

async function keepAlives(subject: Subject): Promise<Measured> {
  const clients = clientsOf(subject, (address) => new LeaseClient(address, credentials.createInsecure()))
  const ids: bigint[] = []
  for (let at = 0; at < 64; at++) {
    const { ID } = await answer<{ readonly ID: bigint }>((done) =>
      clients.at(0).leaseGrant(LeaseGrantRequest.create({ TTL: 600n }), done),
    )
    ids.push(ID)
  }
  const stream = clients.at(0).leaseKeepAlive()
  const waiting = new Map<bigint, () => void>()
  stream.on('data', ({ ID }: { readonly ID: bigint }) => {
    waiting.get(ID)?.()
  })
  const keep = (ID: bigint): Promise<unknown> =>
    new Promise<void>((resolve) => {
      waiting.set(ID, resolve)
      stream.write(LeaseKeepAliveRequest.create({ ID }))
    })
  const times = 200
  const keepOften = async (at: number): Promise<void> => {
    for (let each = 0; each < times; each++) await keep(ids[at] ?? 0n)
  }
  await measure(subject, 32, 64, keepOften)
  const measured = await measure(subject, 64, 64, keepOften)
  stream.on('error', () => undefined)
  stream.cancel()
  clients.close()
  return {
    perSecond: measured.perSecond * times,
    serverMicroseconds: measured.serverMicroseconds / times,
    clientMicroseconds: measured.clientMicroseconds / times,
  }
}

/** One for each member. */
function clientsOf<Client extends { close(): void }>({ addresses }: Subject, make: (address: string) => Client) {
  const all = addresses.map(make)
  return {
    at(at: number): Client {
      const client = all[at % all.length]
      if (client === undefined) throw new Error('no member')
      return client
    },
    close(): void {
      for (const client of all) client.close()
    },
  }
}

function answer<Response>(
  call: (done: (error: Error | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error === null) resolve(response)
      else reject(error)
    })
  })
}

/** Microseconds of all processes together. */
function processorOf(processes: readonly MemberProcess[]): number {
  const TICKS_PER_SECOND = 100
  const ticks = processes.map(({ pid }) => {
    // Behind the name of the program, which may hold spaces; the twelfth and thirteenth there are user and system.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return (ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND) * 1_000_000
}
