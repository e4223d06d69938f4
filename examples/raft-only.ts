/**
 * The consensus core alone, under a state machine and a storage of your own: a counter, replicated by three nodes in one
 * process. The core decides and does nothing; what it wants done it says in `ready()`.
 *
 *     npx tsx examples/raft-only.ts
 */
import { RawNode, type Entry, type HardState, type Message } from 'quorate/raft'

/** What survives a crash. Here an object; on a real disk, each write is one atomic, synced batch. */
interface Disk {
  hardState: HardState
  entries: Entry[]
}

class Node {
  readonly core: RawNode
  count = 0

  constructor(
    readonly id: number,
    readonly disk: Disk,
  ) {
    const random = { uint32: () => Math.floor(Math.random() * 2 ** 32) }
    // Nothing is ever compacted, and the counter is rebuilt from the log.
    const stored = { ...disk, compacted: { index: 0, term: 0 }, applied: 0 }
    this.core = new RawNode({ id, configuration: { voters: [1, 2, 3] }, random }, stored, nowMs)
  }

  /** Messages may be sent at once: what must wait for the write is not handed out before. */
  perform(): void {
    const { write, messages, committed } = this.core.ready()
    network.push(...messages)
    for (const { kind, data } of committed) if (kind === 'normal') this.count += Number(Buffer.from(data).toString())
    if (write === undefined) return
    this.disk.hardState = write.hardState
    if (write.entries[0] !== undefined) this.disk.entries.length = write.entries[0].index - 1
    this.disk.entries.push(...write.entries)
    this.core.advance(write.id, nowMs)
  }
}

let nowMs = 0
const network: Message[] = []
const nodes = new Map([1, 2, 3].map((id) => [id, new Node(id, { hardState: { term: 0, vote: 0 }, entries: [] })]))

console.log(`counts: ${add(5, -2, 10)}`)
const { id, disk } = leader()
nodes.delete(id)
console.log(`the leader is gone; counts: ${add(100)}`)
nodes.set(id, new Node(id, disk))
pass(3000)
console.log(`it is back from its disk; counts: ${counts()}`)

function add(...amounts: number[]): string {
  const payloads = amounts.map((amount) => Buffer.from(String(amount)))
  leader().core.propose(payloads, nowMs)
  pass(500)
  return counts()
}

function leader(): Node {
  for (; ; pass(100)) for (const node of nodes.values()) if (node.core.role === 'leader') return node
}

/** Time and the network: a number and an array. */
function pass(durationMs: number): void {
  for (const endMs = nowMs + durationMs; nowMs < endMs; nowMs += 10) {
    for (const { core } of nodes.values()) core.tick(nowMs)
    while ([...nodes.values()].some(({ core }) => core.hasReady())) {
      for (const node of nodes.values()) if (node.core.hasReady()) node.perform()
      for (const message of network.splice(0)) nodes.get(message.to)?.core.step(message, nowMs)
    }
  }
}

function counts(): string {
  return [...nodes.values()].map((node) => `${node.id}: ${node.count}`).join(', ')
}
