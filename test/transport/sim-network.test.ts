import { describe, expect, test } from 'vitest'
import { NO_FAULTS, SimNetwork, type NetworkEvent, type NetworkFaults } from '../../src/testing/sim/sim-network.js'
import type { Transport } from '../../src/transport/transport.js'
import { ManualTime } from './manual-time.js'

interface Arrival {
  readonly at: number
  readonly from: number
  readonly to: number
  readonly kind: number
  readonly nth: number
}

/** Members 1, 2, … at places 'p1', 'p2', …, each knowing all others. */
class Cluster {
  readonly time = new ManualTime()
  readonly network: SimNetwork
  readonly events: NetworkEvent[] = []
  readonly arrivals: Arrival[] = []
  readonly reports: string[] = []
  readonly #size: number
  readonly #lives = new Map<number, Transport>()

  private constructor(size: number, faults: Partial<NetworkFaults>, seed: number) {
    this.#size = size
    const { clock, timers } = this.time
    this.network = new SimNetwork({ seed, clock, timers, faults, observe: (event) => this.events.push(event) })
  }

  static async of(size: number, faults: Partial<NetworkFaults> = {}, seed = 1): Promise<Cluster> {
    const cluster = new Cluster(size, faults, seed)
    for (let id = 1; id <= size; id++) await cluster.start(id)
    cluster.time.pass(0)
    cluster.reports.length = 0
    return cluster
  }

  async start(id: number): Promise<void> {
    const transport = this.network.transport(`p${id}`, this.time.timers)
    this.#lives.set(id, transport)
    transport.setPeers(Array.from({ length: this.#size }, (_, at) => ({ id: at + 1, address: `p${at + 1}` })))
    await transport.start(
      { clusterId: 1, memberId: id },
      {
        onFrame: (from, { kind, bytes }) => {
          const nth = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
          this.arrivals.push({ at: this.time.clock.monotonicMs(), from, to: id, kind, nth })
        },
        onReachable: (peer) => this.reports.push(`${id}+${peer}`),
        onUnreachable: (peer) => this.reports.push(`${id}-${peer}`),
      },
    )
  }

  send(from: number, to: number, nth: number, kind = 0): boolean {
    const bytes = new Uint8Array(100)
    new DataView(bytes.buffer).setUint32(0, nth)
    return this.#lives.get(from)?.send(to, { kind, bytes }) ?? false
  }

  /** Sends `count` frames, one each millisecond, and waits for all that arrives. */
  stream(from: number, to: number, count: number, kind = 0): number[] {
    const before = this.arrivals.length
    for (let nth = 0; nth < count; nth++) {
      this.send(from, to, nth, kind)
      this.time.pass(1)
    }
    this.time.pass(1_000_000)
    return this.arrivals.slice(before).map((arrival) => arrival.nth)
  }
}

const STORM: Partial<NetworkFaults> = {
  lossPerMillion: 100_000,
  delayMsMin: 1,
  delayMsHalf: 5,
  spikePerMillion: 10_000,
  spikeMs: 200,
  reorderPerMillion: 100_000,
  reorderMsMax: 50,
  duplicatePerMillion: 100_000,
  duplicateMsMax: 300,
}
const range = (length: number): number[] => Array.from({ length }, (_, at) => at)

describe('a seed', () => {
  async function run(seed: number, faults = STORM) {
    const cluster = await Cluster.of(3, faults, seed)
    for (let nth = 0; nth < 300; nth++) {
      for (const [from, to] of [[1, 2], [2, 3], [3, 1]] as const) cluster.send(from, to, nth, nth % 3) // prettier-ignore
      cluster.time.pass(1)
    }
    cluster.time.pass(10_000)
    return cluster
  }

  test('gives the same run again, and another seed another one', async () => {
    const [first, again, other] = [await run(1), await run(1), await run(2)]
    expect(again.arrivals).toEqual(first.arrivals)
    expect(again.events).toEqual(first.events)
    expect(other.arrivals).not.toEqual(first.arrivals)
  })

  /** Which frames met with `type`. */
  const fates = (cluster: Cluster, type: NetworkEvent['type']): string[] =>
    cluster.events
      .filter((event) => event.type === type)
      .map(({ from, to, kind, nth }) => `${from} ${to} ${kind} ${nth}`)

  test('any one kind of fault left out leaves what becomes of all frames by the others as it was', async () => {
    const everything = { ...STORM, flipPerMillion: 20_000 }
    const rates = ['lossPerMillion', 'spikePerMillion', 'reorderPerMillion', 'duplicatePerMillion', 'flipPerMillion'] as const // prettier-ignore
    // What flips shows at arrival, when a break before may have taken it: what is decided when it is sent is compared.
    const decided = ['lost', 'reordered', 'duplicated'] as const
    const all = await run(1, everything)
    for (const left of rates) {
      const without = await run(1, { ...everything, [left]: 0 })
      const sent = new Set(fates(without, 'sent'))
      for (const type of decided) {
        if (left === 'lossPerMillion' || left.startsWith(type.slice(0, 7))) continue
        // A break has the transport drop frames before they count; the fate of the others stays.
        const both = fates(all, type).filter((frame) => sent.has(frame))
        expect(fates(without, type).filter((frame) => fates(all, 'sent').includes(frame))).toEqual(both)
      }
    }
  })

  test('one kind of fault left out leaves the others as they were', async () => {
    const all = await run(1)
    const calm = await run(1, { ...STORM, duplicatePerMillion: 0, spikePerMillion: 0 })
    expect(fates(calm, 'lost')).toEqual(fates(all, 'lost'))
    expect(fates(calm, 'reordered')).toEqual(fates(all, 'reordered'))
    expect(fates(calm, 'duplicated')).toEqual([])
  })

  test('a higher rate only adds to those that are lost', async () => {
    const [some, more] = [await run(1), await run(1, { ...STORM, lossPerMillion: 300_000 })]
    expect(fates(more, 'lost')).toEqual(expect.arrayContaining(fates(some, 'lost')))
    expect(fates(more, 'lost').length).toBeGreaterThan(fates(some, 'lost').length)
  })

  test('frames of one kind or way left out leave the others as they were', async () => {
    const [full, thin] = [await Cluster.of(3, STORM), await Cluster.of(3, STORM)]
    for (let nth = 0; nth < 300; nth++) {
      full.send(1, 2, nth, 0)
      full.send(1, 2, nth, 1)
      full.send(3, 2, nth, 0)
      thin.send(1, 2, nth, 0)
    }
    const kept = fates(full, 'lost').filter((frame) => frame.startsWith('p1 p2 0 '))
    expect(kept.length).toBeGreaterThan(0)
    expect(fates(thin, 'lost')).toEqual(kept)
  })
})

describe('rates', () => {
  test('are met within a few deviations', async () => {
    const cluster = await Cluster.of(2, STORM)
    cluster.stream(1, 2, 10_000)
    const { sent, lost, duplicated, reordered } = cluster.network.statistics
    expect(sent).toBe(10_000)
    expect(lost).toBeGreaterThan(850)
    expect(lost).toBeLessThan(1150)
    for (const count of [duplicated, reordered]) {
      expect(count).toBeGreaterThan(750)
      expect(count).toBeLessThan(1050)
    }
  })

  test('delays are mostly short and sometimes long', async () => {
    const cluster = await Cluster.of(2, { delayMsMin: 10, delayMsHalf: 1, reorderPerMillion: 1_000_000 })
    const sentAt: number[] = []
    for (let nth = 0; nth < 4_000; nth++) {
      sentAt.push(cluster.time.clock.monotonicMs())
      cluster.send(1, 2, nth)
      cluster.time.pass(1)
    }
    cluster.time.pass(1000)
    const delays = cluster.arrivals.map(({ at, nth }) => at - (sentAt[nth] as number) - 10).sort((a, b) => a - b)
    expect(delays[0]).toBeGreaterThanOrEqual(0)
    expect(delays[2_000]).toBeCloseTo(1, 0)
    expect(delays.at(-1)).toBeGreaterThan(8)
    expect(delays.at(-1)).toBeLessThanOrEqual(32)
  })
})

describe('order', () => {
  test('is kept however the delays fall', async () => {
    const faults = { delayMsMin: 0.1, delayMsHalf: 7.3, spikePerMillion: 50_000, spikeMs: 100.7 }
    const cluster = await Cluster.of(2, faults)
    for (let nth = 0; nth < 2_000; nth++) {
      cluster.send(1, 2, nth)
      // Times that no binary fraction meets, so that sums of them are rounded.
      cluster.time.pass(0.1 * (nth % 7))
    }
    cluster.time.pass(10_000)
    expect(cluster.arrivals.map(({ nth }) => nth)).toEqual(range(2_000))
  })

  test('is broken by reordering, without loss', async () => {
    const cluster = await Cluster.of(2, { reorderPerMillion: 200_000, reorderMsMax: 20 })
    const found = cluster.stream(1, 2, 500)
    expect(found).not.toEqual(range(500))
    expect(found.sort((a, b) => a - b)).toEqual(range(500))
  })

  test('a duplicate arrives later, with bytes of its own', async () => {
    const cluster = await Cluster.of(2, { duplicatePerMillion: 1_000_000, duplicateMsMax: 50 })
    expect(cluster.stream(1, 2, 100).sort((a, b) => a - b)).toEqual(range(200).map((at) => at >> 1))
  })
})

describe('cuts', () => {
  test('stop what is sent and what is on the way, and are noticed later', async () => {
    const cluster = await Cluster.of(2, { delayMsMin: 10, noticeMs: 100 })
    cluster.send(1, 2, 0)
    cluster.network.cut('p1', 'p2')
    expect(cluster.send(1, 2, 1)).toBe(true)
    cluster.time.pass(99)
    expect([cluster.arrivals, cluster.reports, cluster.network.statistics.cut]).toEqual([[], [], 2])
    cluster.time.pass(1)
    expect(cluster.reports.sort()).toEqual(['1-2', '2-1'])
    expect(cluster.send(1, 2, 2)).toBe(false)
    cluster.network.heal('p1', 'p2')
    cluster.time.pass(100)
    expect(cluster.reports.slice(2).sort()).toEqual(['1+2', '2+1'])
    expect(cluster.stream(1, 2, 3)).toEqual([0, 1, 2])
  })

  test('may be in one direction', async () => {
    const cluster = await Cluster.of(2)
    cluster.network.cutOneWay('p1', 'p2')
    expect(cluster.stream(1, 2, 3)).toEqual([])
    expect(cluster.stream(2, 1, 3)).toEqual([0, 1, 2])
    expect(cluster.reports).toEqual(['1-2'])
  })

  test('a partition cuts between groups, and a ring is possible', async () => {
    const cluster = await Cluster.of(5)
    const passes = (from: number, to: number): boolean => cluster.stream(from, to, 1).length === 1
    cluster.network.partition([['p1', 'p2'], ['p3', 'p4'], ['p5']])
    expect([passes(1, 2), passes(4, 3), passes(1, 3), passes(5, 2), passes(3, 5)]).toEqual([true, true, false, false, false]) // prettier-ignore
    cluster.network.healAll()
    cluster.time.pass(0)
    expect([passes(1, 3), passes(5, 2)]).toEqual([true, true])
    for (const [a, b] of [['p1', 'p3'], ['p1', 'p4'], ['p2', 'p4'], ['p2', 'p5'], ['p3', 'p5']] as const) cluster.network.cut(a, b) // prettier-ignore
    expect([passes(1, 2), passes(2, 3), passes(3, 4), passes(4, 5), passes(5, 1), passes(1, 3)]).toEqual([true, true, true, true, true, false]) // prettier-ignore
  })

  test('a clog holds frames back and lets them through together, in order', async () => {
    const cluster = await Cluster.of(2, { delayMsHalf: 3 })
    cluster.network.clog('p1', 'p2')
    expect(cluster.stream(1, 2, 50)).toEqual([])
    expect(cluster.stream(2, 1, 5)).toEqual(range(5))
    cluster.arrivals.length = 0
    cluster.network.unclog('p1', 'p2')
    cluster.time.pass(0)
    expect(cluster.arrivals.map(({ nth }) => nth)).toEqual(range(50))
  })

  test('a clog that goes on fills a queue, not the memory', async () => {
    const cluster = await Cluster.of(2)
    cluster.network.clog('p1', 'p2')
    for (let nth = 0; nth < 20_000; nth++) cluster.send(1, 2, nth)
    expect(cluster.network.statistics.overflow).toBe(20_000 - 8192)
  })
})

describe('a connection that breaks', () => {
  test('loses what is on the way between the two, in both directions, and is made anew', async () => {
    const cluster = await Cluster.of(3, { delayMsMin: 10 })
    for (const [from, to] of [[1, 2], [2, 1], [1, 3]] as const) cluster.send(from, to, 0) // prettier-ignore
    cluster.network.reset('p1', 'p2')
    // It has not noticed yet, and has nowhere to send it to.
    expect(cluster.send(1, 2, 1)).toBe(false)
    cluster.time.pass(0)
    expect(cluster.reports.sort()).toEqual(['1+2', '1-2', '2+1', '2-1'])
    expect(cluster.send(1, 2, 2)).toBe(true)
    cluster.time.pass(100)
    expect(cluster.arrivals.map(({ from, to, nth }) => [from, to, nth])).toEqual([[1, 3, 0], [1, 2, 2]]) // prettier-ignore
    expect(cluster.network.statistics.reset).toBe(2)
  })

  test('does not keep the frames after it from arriving in order', async () => {
    const cluster = await Cluster.of(2, { delayMsHalf: 5, spikePerMillion: 100_000, spikeMs: 50 })
    for (let nth = 0; nth < 200; nth++) {
      if (nth % 20 === 10) cluster.network.reset('p1', 'p2')
      cluster.time.pass(0)
      cluster.send(1, 2, nth)
      cluster.time.pass(1)
    }
    cluster.time.pass(1000)
    const found = cluster.arrivals.map(({ nth }) => nth)
    expect(found).toEqual([...found].sort((a, b) => a - b))
    expect(found.length + cluster.network.statistics.reset).toBe(200)
  })

  test('loses what was clogged too, and makes room in the queue', async () => {
    const cluster = await Cluster.of(2)
    cluster.network.clog('p1', 'p2')
    cluster.stream(1, 2, 5)
    cluster.network.reset('p1', 'p2')
    cluster.time.pass(0)
    cluster.send(1, 2, 7)
    cluster.network.unclog('p1', 'p2')
    cluster.time.pass(0)
    expect(cluster.arrivals.map(({ nth }) => nth)).toEqual([7])
  })

  test('is what flipped bits come to: no frame is ever delivered altered', async () => {
    const cluster = await Cluster.of(2, { flipPerMillion: 100_000 })
    const found = cluster.stream(1, 2, 1000)
    const { flipped, delivered, reset } = cluster.network.statistics
    expect(flipped).toBeGreaterThan(50)
    expect(found.length).toBe(delivered)
    expect(delivered + flipped + reset).toBe(1000)
    expect(cluster.reports.filter((report) => report === '1-2')).toHaveLength(flipped)
  })
})

describe('a slow way', () => {
  test('takes its time for every byte, and frames wait for those before them', async () => {
    const cluster = await Cluster.of(2, { delayMsMin: 5 })
    cluster.network.setWayFaults('p1', 'p2', { bytesPerSecond: 10_000 })
    for (let nth = 0; nth < 4; nth++) cluster.send(1, 2, nth)
    cluster.send(2, 1, 9)
    cluster.time.pass(1000)
    expect(cluster.arrivals.map(({ at, from }) => [at, from])).toEqual([[5, 2], [15, 1], [25, 1], [35, 1], [45, 1]]) // prettier-ignore
  })

  const SLOW = { bytesPerSecond: 10_000 }
  test.each<[string, (network: SimNetwork) => void, (network: SimNetwork) => void]>([
    ['all', (network) => network.setFaults(SLOW), (network) => network.setFaults({ bytesPerSecond: 0 })],
    ['one', (network) => network.setWayFaults('p1', 'p2', SLOW), (network) => network.setWayFaults('p1', 'p2', {})],
    ['one, healed', (network) => network.setWayFaults('p1', 'p2', SLOW), (network) => network.healAll()],
  ])('carries at once, in order, what waits for it when it is not slow any more (%s)', async (_, begin, end) => {
    const cluster = await Cluster.of(2, { delayMsMin: 5 })
    begin(cluster.network)
    for (let nth = 0; nth < 6; nth++) cluster.send(1, 2, nth)
    cluster.time.pass(22)
    end(cluster.network)
    cluster.send(1, 2, 6)
    cluster.time.pass(1000)
    expect(cluster.arrivals.map(({ at, nth }) => [at, nth])).toEqual([[15, 0], [27, 1], [27, 2], [27, 3], [27, 4], [27, 5], [27, 6]]) // prettier-ignore
    const { sent, delivered } = cluster.network.statistics
    expect([sent, delivered]).toEqual([7, 7])
  })

  test('stays in line for what waits when its rate is set again', async () => {
    const cluster = await Cluster.of(2, { bytesPerSecond: 10_000 })
    for (let nth = 0; nth < 3; nth++) cluster.send(1, 2, nth)
    cluster.network.setFaults({ lossPerMillion: 0 })
    cluster.time.pass(1000)
    expect(cluster.arrivals.map(({ at, nth }) => [at, nth])).toEqual([[10, 0], [20, 1], [30, 2]]) // prettier-ignore
  })
})

test('a ring lets each place reach its neighbours only, whatever their number', async () => {
  for (const size of [3, 4, 5]) {
    const cluster = await Cluster.of(size)
    cluster.network.ring(Array.from({ length: size }, (_, at) => `p${at + 1}`))
    for (let from = 1; from <= size; from++) {
      const reached = range(size).filter((at) => at + 1 !== from && cluster.stream(from, at + 1, 1).length === 1)
      expect(reached.map((at) => at + 1).sort()).toEqual(
        [...new Set([((from + size - 2) % size) + 1, (from % size) + 1])].sort(),
      )
    }
  }
})

describe('a way of its own', () => {
  test('has its own faults until they are taken back', async () => {
    const cluster = await Cluster.of(3)
    cluster.network.setWayFaults('p1', 'p2', { lossPerMillion: 1_000_000 })
    expect([cluster.stream(1, 2, 5), cluster.stream(1, 3, 5), cluster.stream(2, 1, 5)]).toEqual([
      [],
      range(5),
      range(5),
    ])
    cluster.network.setWayFaults('p1', 'p2', {})
    expect(cluster.stream(1, 2, 5)).toEqual(range(5))
  })

  test('faults may be changed at any time', async () => {
    const cluster = await Cluster.of(2)
    cluster.network.setFaults({ lossPerMillion: 1_000_000 })
    expect(cluster.stream(1, 2, 5)).toEqual([])
    cluster.network.setFaults(NO_FAULTS)
    expect(cluster.stream(1, 2, 5)).toEqual(range(5))
  })
})

describe('a crash', () => {
  test('silences the handle at once, and loses what is on the way to it', async () => {
    const cluster = await Cluster.of(3, { delayMsMin: 10 })
    cluster.send(1, 2, 0)
    cluster.send(2, 3, 0)
    cluster.network.crash('p2')
    expect(cluster.send(2, 3, 1)).toBe(false)
    expect(cluster.send(1, 2, 1)).toBe(false)
    cluster.time.pass(100)
    // What the dead one had sent before arrives still.
    expect(cluster.arrivals).toMatchObject([{ from: 2, to: 3, nth: 0 }])
    expect(cluster.reports.sort()).toEqual(['1-2', '3-2'])
    await cluster.start(2)
    cluster.time.pass(100)
    expect(cluster.stream(1, 2, 3)).toEqual(range(3))
  })

  test('what was on the way may reach the next life', async () => {
    const cluster = await Cluster.of(2, { delayMsMin: 10 })
    cluster.send(1, 2, 7)
    cluster.network.crash('p2')
    await cluster.start(2)
    cluster.time.pass(10)
    expect(cluster.arrivals).toMatchObject([{ from: 1, to: 2, nth: 7 }])
  })
})
