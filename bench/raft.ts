/**
 * The consensus core alone: cores wired to each other, without disk, network or codec. `npm run bench -- raft`. What the
 * figures mean: bench/README.md.
 *
 * Messages go from one core to the next by reference and a write is durable as soon as it is handed out, so that only the
 * deciding is measured: in time of the processor, so that a busy machine does not tell. Each figure is the median of
 * several rounds, the rounds of all rows taken in turn.
 */
import { setFlagsFromString } from 'node:v8'
import { cpus } from 'node:os'
import { runInNewContext } from 'node:vm'
import { RawNode, type Message, type Ready } from 'quorate/raft'
import { seededRandom } from '../src/base/seeded-random.js'
import { median } from './common.js'

const ROUNDS = 5
const ROUND_MS = 400
const ELECTION_TIMEOUT_MS = 1000
const HEARTBEAT_INTERVAL_MS = 100
/** Entries that stay in memory where the length of the log is not the subject. */
const RETAINED = 10_000

class WiredCluster {
  readonly nodes: RawNode[]
  nowMs = 0
  /** What the leader was given to apply. */
  committed = 0
  readonly #network: Message[] = []

  constructor(members: number) {
    const voters = Array.from({ length: members }, (_, at) => at + 1)
    this.nodes = voters.map((id) => {
      const stored = { hardState: { term: 0, vote: 0 }, compacted: { index: 0, term: 0 }, entries: [], applied: 0 }
      const options = {
        id,
        configuration: { voters },
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
        random: seededRandom(id),
      }
      return new RawNode(options, stored, 0)
    })
    this.nowMs = 2 * ELECTION_TIMEOUT_MS
    this.leader.tick(this.nowMs)
    this.settle()
    if (this.leader.role !== 'leader') throw new Error('the first member was not elected')
    this.committed = 0
  }

  get leader(): RawNode {
    const [leader] = this.nodes
    if (leader === undefined) throw new Error('a cluster without members')
    return leader
  }

  propose(payloads: readonly Uint8Array[]): void {
    if (!this.leader.propose(payloads, this.nowMs).accepted) throw new Error('the proposal was refused')
    this.settle()
  }

  settle(): void {
    const network = this.#network
    do {
      for (const node of this.nodes) this.#perform(node)
      for (let at = 0; at < network.length; at++) {
        const message = network[at]
        if (message !== undefined) this.nodes[message.to - 1]?.step(message, this.nowMs)
      }
      network.length = 0
    } while (this.nodes.some((node) => node.hasReady()))
  }

  /** Forgets all but the last `retained` entries, once there are twice as many. */
  trim(retained: number): void {
    for (const node of this.nodes) {
      if (node.lastIndex - node.firstIndex > 2 * retained) node.compact(node.lastIndex - retained)
    }
  }

  #perform(node: RawNode): void {
    while (node.hasReady()) {
      const ready: Ready = node.ready()
      for (const message of ready.messages) this.#network.push(message)
      if (node === this.leader) this.committed += ready.committed.length
      if (ready.write !== undefined) node.advance(ready.write.id, this.nowMs)
    }
  }
}

interface Row {
  readonly name: string
  readonly unit: string
  /** One round: how much of the unit. */
  readonly measure: () => number
}

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, one thread; median of ${ROUNDS} rounds\n`,
)
report('committed entries per second of processor time, three cores', throughputRows())
report('the same, batches of 64 of 16 B, with so many entries in memory', lengthRows())
report('an idle leader', idleRows())
report('memory of an entry in the log, besides its payload', memoryRows())

function throughputRows(): Row[] {
  return [1, 64, 1024].flatMap((batch) =>
    [16, 256].map((bytes) => ({
      name: `batch ${batch}, ${bytes} B`,
      unit: 'entries/s',
      measure: () => entriesPerSecond(new WiredCluster(3), batch, bytes, RETAINED),
    })),
  )
}

function lengthRows(): Row[] {
  return [10_000, 100_000, 1_000_000].map((length) => ({
    name: `${length.toLocaleString('en')} entries`,
    unit: 'entries/s',
    // Made anew each time: the other logs must not be there for the garbage collector to walk through.
    measure: () => entriesPerSecond(filled(length), 64, 16, length),
  }))
}

function idleRows(): Row[] {
  return [1, 3, 5, 7].flatMap((members) => {
    const cluster = new WiredCluster(members)
    return [
      {
        name: `${members} members, a tick with nothing due`,
        unit: 'ns',
        measure: () => perCallNs(() => cluster.leader.tick(cluster.nowMs)),
      },
      {
        name: `${members} members, a heartbeat round, all cores together`,
        unit: 'ns',
        measure: () =>
          perCallNs(() => {
            cluster.nowMs += HEARTBEAT_INTERVAL_MS
            cluster.leader.tick(cluster.nowMs)
            cluster.settle()
          }),
      },
    ]
  })
}

function memoryRows(): Row[] {
  const count = 200_000
  const shared = new Uint8Array(16)
  const frame = new Uint8Array(1024)
  return [
    { name: 'the log alone, payloads shared', unit: 'B', measure: () => bytesPerEntry(count, () => shared) },
    {
      name: 'with a Uint8Array of its own, 16 B not counted',
      unit: 'B',
      measure: () => bytesPerEntry(count, () => new Uint8Array(16)) - 16,
    },
    {
      name: 'with a view into a larger buffer, as decoded from a frame',
      unit: 'B',
      measure: () => bytesPerEntry(count, () => frame.subarray(0, 16)),
    },
  ]
}

function filled(length: number): WiredCluster {
  const cluster = new WiredCluster(3)
  const payloads = new Array<Uint8Array>(1000).fill(new Uint8Array(16))
  while (cluster.leader.lastIndex < length) cluster.propose(payloads)
  return cluster
}

function entriesPerSecond(cluster: WiredCluster, batch: number, bytes: number, retained: number): number {
  const payloads = new Array<Uint8Array>(batch).fill(new Uint8Array(bytes))
  // What earlier rounds left behind is not this one's to clear away.
  garbageCollector()()
  const before = cluster.committed
  const startMs = processorMs()
  let endMs = startMs
  for (let turn = 0; endMs < startMs + ROUND_MS; turn++) {
    cluster.propose(payloads)
    if (turn % 16 !== 0) continue
    cluster.trim(retained)
    endMs = processorMs()
  }
  return ((cluster.committed - before) / (endMs - startMs)) * 1000
}

/** Time of the processor spent by this process, that of the garbage collector's threads included: others do not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function perCallNs(call: () => void): number {
  const startMs = processorMs()
  let endMs = startMs
  let calls = 0
  while (endMs < startMs + ROUND_MS / 4) {
    for (let at = 0; at < 1000; at++) call()
    calls += 1000
    endMs = processorMs()
  }
  return ((endMs - startMs) / calls) * 1e6
}

/** By a cluster of one, whose log is the only thing that grows. */
function bytesPerEntry(count: number, payload: () => Uint8Array): number {
  const collectGarbage = garbageCollector()
  const cluster = new WiredCluster(1)
  collectGarbage()
  const before = memoryBytes()
  for (let at = 0; at < count; at += 1000) cluster.propose(Array.from({ length: 1000 }, payload))
  collectGarbage()
  const after = memoryBytes()
  // It must live until here.
  if (cluster.leader.lastIndex !== count + 1) throw new Error('entries are missing')
  return (after - before) / count
}

function memoryBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    // Twice: what the first run made unreachable is gone after the second.
    collect()
    collect()
  }
}

function report(title: string, rows: readonly Row[]): void {
  const measured = rows.map((row) => ({ row, values: [] as number[] }))
  for (let round = 0; round < ROUNDS; round++) for (const { row, values } of measured) values.push(row.measure())
  console.log(title)
  for (const { row, values } of measured) {
    const text = Math.round(median(values)).toLocaleString('en')
    console.log(`  ${row.name.padEnd(56)} ${text.padStart(11)} ${row.unit}`)
  }
  console.log()
}
