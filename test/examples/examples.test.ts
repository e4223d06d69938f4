/** The examples run as they are, and print what they are there to show. */
import { expect, it } from 'vitest'
import { freePorts } from '../../demo/processes/free-ports.js'
import { runProgram } from '../process/run.js'

const TIMEOUT_MS = 120_000
/** Where that package brings its native code. */
const ROCKSDB = ['linux-x64', 'darwin-arm64']

it(
  'a single node reads, swaps, watches and is still there after a restart',
  async () => {
    const output = await outputOf('examples/01-single-node.ts')
    expect(output).toContain('swapped at revision 3')
    expect(output).toContain('at revision 2 it was postgres://one')
    expect(output).toContain('3 put config/changed-by = example')
    expect(output).toContain('the key is gone too')
    expect(output).toContain('after a restart: config/changed-by = example, config/database = postgres://two')
  },
  TIMEOUT_MS,
)

it(
  'three members in one process carry on when their leader is closed',
  async () => {
    const output = await outputOf('examples/02-three-members-one-process.ts')
    expect(output.match(/reads: hello$/gm)).toHaveLength(3)
    expect(output.match(/reads: hello again$/gm)).toHaveLength(2)
    expect(output).toContain('the state of both is the same')
  },
  TIMEOUT_MS,
)

it(
  'of three processes another one takes over when the one that works is killed',
  async () => {
    const [first] = await freePorts(1)
    const output = await outputOf('examples/03-three-processes/start.ts', { FIRST_PORT: String(first) })
    const killed = /^kill -9 (\w)$/m.exec(output)?.[1]
    const workers = [...output.matchAll(/^(\w): did piece (\d+) of the work$/gm)]
    expect(workers.slice(0, 5).map(([, name, piece]) => [name, piece])).toEqual(
      ['1', '2', '3', '4', '5'].map((piece) => [killed, piece]),
    )
    const [, successor, piece] = workers.at(-1) ?? []
    expect(successor).not.toBe(killed)
    expect(Number(piece)).toBeGreaterThan(5)
    expect(output).toContain('the work went on')
  },
  TIMEOUT_MS,
)

it(
  'the same code runs on a member and over the wire',
  async () => {
    const output = await outputOf('examples/11-connect.ts')
    expect(output).toContain('the process itself has the lock')
    expect(output).toContain('a client has the lock')
    expect(output).toContain('seen over the wire: jobs/last = somebody else')
  },
  TIMEOUT_MS,
)

it.skipIf(!ROCKSDB.includes(`${process.platform}-${process.arch}`))(
  'a member on a store of others is still there after a restart',
  async () => {
    expect(await outputOf('examples/05-store-of-your-own.ts')).toContain('after a restart: greeting = hello')
  },
  TIMEOUT_MS,
)

it(
  'a store is backed up, spoilt and restored as it was',
  async () => {
    const output = await outputOf('examples/04-backup-and-restore.ts')
    expect(output).toContain('the backup has 2 keys at revision 3')
    expect(output).toContain('restored: orders/1 = paid, orders/2 = open')
    expect(output).toContain('it goes on at revision 4')
  },
  TIMEOUT_MS,
)

it(
  'three members over TLS get certificates of a new authority while they run, and refuse those of the old one',
  async () => {
    const [first] = await freePorts(3)
    const output = await outputOf('examples/06-mutual-tls.ts', { FIRST_PORT: String(first) })
    expect(output).toContain('c reads: hello\n')
    expect(output).toContain('step 3: all believe the new one alone')
    expect(output).toContain('c reads after a restart: hello again')
    expect(output).toContain('with the old certificate: CERTIFICATE_REFUSED')
  },
  TIMEOUT_MS,
)

it(
  'members inside the HTTP servers of an application leave it its own routes',
  async () => {
    const output = await outputOf('examples/07-attach-http.ts')
    expect(output).toContain('b: the last visit was to /shop')
    expect(output).toContain('c: the last visit was to /shop')
    expect(output).toContain('the server of a goes on without its member')
  },
  TIMEOUT_MS,
)

it(
  'members in the threads of one process see what each other writes',
  async () => {
    const output = await outputOf('examples/08-message-port/start.ts')
    for (const name of ['a', 'b', 'c'])
      expect(output.match(new RegExp(`sees that threads/${name} is here`, 'g'))).toHaveLength(3)
  },
  TIMEOUT_MS,
)

it(
  'a cluster grows from one to three, a lost member is replaced, the leader moves and is removed, over TCP',
  async () => {
    const [first] = await freePorts(1)
    const output = await outputOf('examples/09-join-and-replace.ts', { FIRST_PORT: String(first) })
    expect(output).toContain('members: a (voter), b (voter), c (voter); c reads: hello')
    for (const name of ['b', 'c', 'd']) expect(output).toMatch(new RegExp(`^${name}: catching-up, 100 %$`, 'm'))
    expect(output).toContain('members: a (voter), b (voter), d (voter); d reads: hello')
    expect(output).toContain('a is removed; members: b (voter), d (voter)')
    expect(output).toContain('b reads: hello again')
  },
  TIMEOUT_MS,
)

it(
  'writes that take long are told with their kind, their size, their end and the request they were for',
  async () => {
    const output = await outputOf('examples/10-spans.ts')
    expect(output).toMatch(/slow write: put of 1 operation\(s\), 1008 bytes took \S+ ms: revision 2 \(POST \/orders\)/)
    expect(output).toMatch(/transaction of 2 operation\(s\), 21 bytes took \S+ ms: revision 3 \(POST \/checkout\)/)
    expect(output).toMatch(/put of 1 operation\(s\), 11 bytes took \S+ ms: refused, LEASE_NOT_FOUND \(POST \/late\)/)
  },
  TIMEOUT_MS,
)

it(
  'clients of etcd read and write what a service keeps, over gRPC and as JSON, and see how it is',
  async () => {
    const output = await outputOf('examples/12-etcd-api.ts')
    expect(output).toContain('the service sees: settings/colour = green')
    expect(output).toContain('the client reads: blue')
    expect(output).toContain('as JSON: blue, version 2')
    expect(output).toContain('/health: {"health":"true","reason":""}')
    expect(output).toContain('/metrics: etcd_server_has_leader 1')
  },
  TIMEOUT_MS,
)

it(
  'a job runner pays twice after a pause, or when its write is late, and never under the guard of its lock',
  async () => {
    const output = await outputOf('examples/job-runner.sim.ts')
    const [trusting = '', looking = '', guarded = ''] = output.split(/^(?=trusting:|looking:|guarded:)/m).slice(1)
    // Two had the lock, one after the other, and both were paid.
    const story = /: (jobs\/\d+) was paid twice,[^]* {2}(\w) {2}has the lock of \1,[^]* {2}(\w) {2}has the lock of \1,/
    for (const paidTwice of [trusting, looking]) {
      expect(paidTwice).toMatch(story)
      expect(paidTwice.match(/ reports jobs\/\d+$/gm)).toHaveLength(2)
    }
    expect(trusting).toMatch(/fault: \w stands still for/)
    expect(guarded).toContain('nothing was paid twice')
  },
  TIMEOUT_MS,
)

async function outputOf(script: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, output } = await runProgram(script, { env, timeoutMs: TIMEOUT_MS - 5000 })
  expect(code, output).toBe(0)
  return output
}
