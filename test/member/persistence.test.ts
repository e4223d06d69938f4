/**
 * When the state is written and the log trimmed: with the real storage, machine and core over a simulated disk, driven by
 * hand, so that a write can be caught while it is under way.
 */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/seeded-random.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import { Persistence } from '../../src/member/persistence.js'
import { RawNode } from '../../src/raft/raw-node.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'

const IDENTITY = { clusterId: 1, memberId: 7, name: 'a' }
const LIMITS = { stateBufferBytesMax: 3_000, logRetainBytes: 1_000 }

class Bench {
  readonly scheduler: SimScheduler
  readonly disk: SimDisk
  storage!: Storage
  machine!: Machine
  raft!: RawNode
  persistence!: Persistence
  readonly failures: unknown[] = []
  #sequence = 0

  /** On the disk of an earlier one. */
  constructor(before?: Bench) {
    this.scheduler = before?.scheduler ?? new SimScheduler()
    this.disk = before?.disk ?? new SimDisk({ timers: this.scheduler.timersOf(), seed: 1 })
  }

  async open(): Promise<this> {
    await this.load()
    const { storage } = this
    const { appliedIndex, appliedTerm } = this.machine
    this.raft = new RawNode(
      {
        id: IDENTITY.memberId,
        configuration: { voters: [IDENTITY.memberId] },
        electionTimeoutMs: 100,
        heartbeatIntervalMs: 10,
        random: seededRandom(2),
      },
      storage.log.storedState({ index: appliedIndex, term: appliedTerm }),
      this.scheduler.nowMs,
    )
    this.persistence = new Persistence({ storage, machine: this.machine, raft: this.raft }, LIMITS, (error) =>
      this.failures.push(error),
    )
    await this.turnsUntil(() => this.raft.role === 'leader' && !this.raft.hasReady(true))
    return this
  }

  /** Storage, and the machine as it was written. */
  async load(): Promise<void> {
    this.storage = await this.wait(openStorage(this.disk.mount(), IDENTITY))
    this.machine = new Machine({ backend: this.storage.state })
    await this.wait(this.#load())
  }

  /** Lets time pass until the promise has an answer. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let over = false
    const end = (): void => {
      over = true
    }
    promise.then(end, end)
    while (!over) if (!(await this.scheduler.step())) await Promise.resolve()
    return promise
  }

  propose(valueBytes: number): void {
    const value = new Uint8Array(valueBytes)
    this.request({ type: 'put', key: `k${this.#sequence + 1}`, value, lease: 0n })
  }

  request(request: Request): void {
    const proposal = { member: IDENTITY.memberId, incarnation: this.storage.incarnation, sequence: ++this.#sequence }
    const command = encodeCommand({ proposal, identity: MEMBER, request })
    expect(this.raft.propose([command], this.scheduler.nowMs).accepted).toBe(true)
  }

  /** One turn of a loop that waits for each write of the log; it does not start to write the state. */
  async turn(): Promise<void> {
    const ready = this.raft.ready(this.persistence.mayApply)
    if (ready.write !== undefined) {
      await this.wait(this.storage.log.append(ready.write))
      this.raft.advance(ready.write.id, this.scheduler.nowMs)
    }
    for (const { index, term, kind, data } of ready.committed) {
      if (kind === 'normal') this.machine.apply(index, term, data)
      else this.machine.skip(index, term)
    }
  }

  async turnsUntil(done: () => boolean): Promise<void> {
    for (let turns = 0; !done(); turns++) {
      if (turns > 100) throw new Error('a hundred turns were not enough')
      if (this.scheduler.nowMs >= this.raft.nextDeadlineMs()) this.raft.tick(this.scheduler.nowMs)
      if (this.raft.hasReady(this.persistence.mayApply)) await this.turn()
      else await this.scheduler.runUntil(() => false, Math.max(1, this.raft.nextDeadlineMs() - this.scheduler.nowMs))
    }
  }

  async apply(count: number, valueBytes: number): Promise<void> {
    for (let nth = 0; nth < count; nth++) this.propose(valueBytes)
    await this.turnsUntil(() => !this.raft.hasReady(this.persistence.mayApply))
  }

  async written(): Promise<void> {
    const { stateWrites } = this.persistence.statistics
    let done = false
    this.persistence.maybeWrite(() => {
      done = true
    })
    await this.scheduler.runUntil(() => done, 1_000)
    expect([done, this.persistence.statistics.stateWrites]).toEqual([true, stateWrites + 1])
  }

  async #load(): Promise<void> {
    for await (const records of this.storage.state.iterateAll()) {
      for (const [key, record] of records) this.machine.load(key, record)
    }
    this.machine.finishLoading()
  }
}

describe('the state', () => {
  test('is not written while little was changed', async () => {
    const bench = await new Bench().open()
    await bench.apply(2, 100)
    bench.persistence.maybeWrite(() => expect.unreachable())
    await bench.scheduler.runUntil(() => false, 100)
    expect(bench.persistence.statistics).toEqual({ stateWrites: 0, logTrims: 0 })
    expect(bench.persistence.durableIndex).toBe(0)
  })

  test('is written at exactly the index it was at when the write began', async () => {
    const bench = await new Bench().open()
    await bench.apply(40, 100)
    const at = bench.machine.appliedIndex
    let done = false
    bench.persistence.maybeWrite(() => {
      done = true
    })
    // Applied while the write is under way: it belongs to the next one.
    bench.propose(10)
    await bench.turn()
    await bench.turn()
    expect(bench.machine.appliedIndex).toBe(at + 1)
    await bench.scheduler.runUntil(() => done, 1_000)
    expect(bench.persistence.durableIndex).toBe(at)

    bench.disk.crash('power')
    const again = new Bench(bench)
    await again.load()
    expect(again.machine.appliedIndex).toBe(at)
  })

  test('is written, and the log trimmed, also when much is applied that changes nothing', async () => {
    const bench = await new Bench().open()
    for (let round = 0; round < 3; round++) {
      for (let nth = 0; nth < 100; nth++) {
        bench.request({ type: 'transaction', compare: [], success: [{ type: 'range', key: 'k' }], failure: [] })
      }
      await bench.turnsUntil(() => !bench.raft.hasReady(bench.persistence.mayApply))
      expect(bench.storage.state.stagedBytes).toBe(0)
      await bench.written()
      expect(bench.persistence.durableIndex).toBe(bench.machine.appliedIndex)
      expect(bench.raft.logBytes).toBeLessThan(2 * LIMITS.logRetainBytes)
    }
    expect(bench.persistence.statistics).toEqual({ stateWrites: 3, logTrims: 3 })
    bench.disk.crash('power')
    const again = new Bench(bench)
    await again.load()
    expect(again.machine.appliedIndex).toBe(bench.machine.appliedIndex)
  })

  test('is written once at a time', async () => {
    const bench = await new Bench().open()
    await bench.apply(40, 100)
    let done = 0
    bench.persistence.maybeWrite(() => done++)
    bench.persistence.maybeWrite(() => done++)
    await bench.scheduler.runUntil(() => done > 0, 1_000)
    await bench.scheduler.runUntil(() => false, 100)
    expect([done, bench.persistence.statistics.stateWrites]).toEqual([1, 1])
  })

  test('holds applying up while a write is under way and as much again is buffered', async () => {
    const bench = await new Bench().open()
    await bench.apply(40, 100)
    expect(bench.persistence.mayApply).toBe(true)
    let done = false
    bench.persistence.maybeWrite(() => {
      done = true
    })
    expect(bench.persistence.mayApply).toBe(true)
    // Behind the back of the disk, which would have finished: the buffer fills at once.
    const { appliedIndex, appliedTerm } = bench.machine
    for (let nth = 1; nth <= 40; nth++) {
      const proposal = { member: 7, incarnation: 1, sequence: 1000 + nth }
      const value = new Uint8Array(100)
      const data = encodeCommand({
        proposal,
        identity: MEMBER,
        request: { type: 'put', key: `x${nth}`, value, lease: 0n },
      })
      bench.machine.apply(appliedIndex + nth, appliedTerm, data)
    }
    expect(bench.persistence.mayApply).toBe(false)
    await bench.scheduler.runUntil(() => done, 1_000)
    expect(bench.persistence.mayApply).toBe(true)
  })

  test('is written at the end, so that the next start replays nothing', async () => {
    const bench = await new Bench().open()
    await bench.apply(3, 100)
    await bench.wait(bench.persistence.finish())
    expect(bench.persistence.durableIndex).toBe(bench.machine.appliedIndex)
    await bench.wait(bench.persistence.finish())
    expect(bench.persistence.statistics.stateWrites).toBe(1)
  })
})

describe('the log', () => {
  test('is trimmed only below what the state on disk holds, and only once more than the rest is kept', async () => {
    const bench = await new Bench().open()
    for (let round = 0; round < 5; round++) {
      await bench.apply(40, 100)
      await bench.written()
      const { firstIndex, lastIndex } = bench.raft.status()
      expect(firstIndex - 1).toBeLessThanOrEqual(bench.persistence.durableIndex)
      expect(lastIndex).toBe(bench.machine.appliedIndex)
      if (round > 0) expect(firstIndex).toBeGreaterThan(1)
    }
    expect(bench.persistence.statistics.logTrims).toBeGreaterThan(0)
    await bench.wait(bench.storage.close())
    const again = await new Bench(bench).open()
    // One entry more: what the leader began its new term with.
    expect(again.machine.appliedIndex).toBe(bench.machine.appliedIndex + 1)
    expect(bench.failures).toEqual([])
  })
})
