/** What the log says of leases, against many leaders in a row: pure, with the clock and the log in hand. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Checkpoints } from '../../src/lease/checkpoints.js'
import { Expiry } from '../../src/lease/expiry.js'
import type { Lease, LeaseCheckpoint } from '../../src/lease/lease.js'
import { Lessor } from '../../src/lease/lessor.js'
import { Pace } from '../../src/lease/pace.js'

const INTERVAL_MS = 10_000
const EXTENSION_MS = 1_000

/** One leader after the other over one log; each has what is committed, and what it appended itself. */
class Succession {
  readonly committed: LeaseCheckpoint[][] = []
  /** Appended by the leader and not committed. */
  pending: (readonly LeaseCheckpoint[])[] = []
  nowMs = 0
  expiry = new Expiry()
  checkpoints = new Checkpoints(INTERVAL_MS, (id) => this.expiry.deadlineMs(id))
  readonly #lessor = new Lessor()

  constructor(leases: readonly Lease[]) {
    for (const { id, ttlSeconds } of leases) this.#lessor.grant(id, ttlSeconds, 1)
    this.#takeOver(0)
  }

  /** What is appended survives up to `kept` entries of it; the next leader begins with it applied. */
  change(kept: number): void {
    for (const entry of this.pending.slice(0, kept)) this.#apply(entry)
    this.pending = []
    this.#takeOver(EXTENSION_MS)
  }

  /** The first `count` entries that wait are committed and applied. */
  commit(count: number): void {
    for (const entry of this.pending.splice(0, count)) {
      this.#apply(entry)
      this.checkpoints.applied(entry)
    }
  }

  /** What the loop of a leader does in each turn. */
  turn(accepted = true): void {
    const said = [...this.checkpoints.restorations(100), ...this.checkpoints.due(this.nowMs, 100)]
    if (said.length === 0) return
    this.checkpoints.proposed(said, accepted, this.nowMs)
    if (accepted) this.pending.push(said)
  }

  renew(id: bigint): boolean {
    if (this.expiry.renew(id, this.nowMs) === undefined) return false
    this.checkpoints.restore(id)
    return true
  }

  #apply(entry: readonly LeaseCheckpoint[]): void {
    for (const checkpoint of entry) this.#lessor.checkpoint(checkpoint, Infinity)
  }

  #takeOver(extensionMs: number): void {
    this.expiry.promote(this.#lessor.all(), this.nowMs, extensionMs)
    this.checkpoints.clear()
    for (const lease of this.#lessor.all()) this.checkpoints.add(lease, this.nowMs)
  }
}

const SHORT: Lease = { id: 1n, ttlSeconds: 8 }
const LONG: Lease = { id: 2n, ttlSeconds: 60 }
const LONGER: Lease = { id: -3n, ttlSeconds: 200 }

describe('what is left of a long lease', () => {
  test('is said once half of the interval has passed, and never of a short one', () => {
    const leader = new Succession([SHORT, LONG])
    expect(leader.checkpoints.nextDueMs).toBe(5_000)
    leader.nowMs = 4_999
    expect(leader.checkpoints.due(leader.nowMs, 10)).toEqual([])
    leader.nowMs = 5_000
    leader.turn()
    expect(leader.pending).toEqual([[{ id: 2n, remainingMs: 55_000 }]])
    expect(leader.checkpoints.nextDueMs).toBe(10_000)
  })

  test('is not said while it is renewed often enough, and costs no renewal a word in the log', () => {
    const leader = new Succession([LONG])
    for (leader.nowMs = 0; leader.nowMs < 100_000; leader.nowMs += 4_000) {
      expect(leader.renew(2n)).toBe(true)
      expect(leader.checkpoints.saysAll(2n)).toBe(true)
      leader.turn()
    }
    expect(leader.pending).toEqual([])
  })

  test('is said again when the log did not take it', () => {
    const leader = new Succession([LONG])
    leader.nowMs = 5_000
    leader.turn(false)
    expect(leader.pending).toEqual([])
    leader.nowMs = 5_100
    leader.turn()
    expect(leader.pending).toEqual([[{ id: 2n, remainingMs: 54_900 }]])
  })

  test('is where the next leader starts from', () => {
    const leader = new Succession([LONG])
    leader.nowMs = 5_000
    leader.turn()
    leader.nowMs = 5_500
    leader.change(1)
    expect(leader.expiry.deadlineMs(2n)).toBe(5_500 + 55_000 + EXTENSION_MS)
  })

  test('does not grow when leaders follow each other quickly', () => {
    const leader = new Succession([LONGER])
    for (let nth = 0; nth < 30; nth++) {
      leader.nowMs += INTERVAL_MS / 2 + EXTENSION_MS
      leader.turn()
      leader.change(1)
    }
    const left = (leader.expiry.deadlineMs(-3n) ?? 0) - leader.nowMs
    expect(left).toBeLessThanOrEqual(200_000 - 30 * (INTERVAL_MS / 2) + EXTENSION_MS)
  })
})

describe('a renewal of a lease of which the log says less', () => {
  const lessened = (): Succession => {
    const leader = new Succession([LONG])
    leader.nowMs = 5_000
    leader.turn()
    return leader
  }

  test('is in the log before it may be told, and applied', () => {
    const leader = lessened()
    leader.commit(1)
    expect(leader.renew(2n)).toBe(true)
    expect(leader.checkpoints.saysAll(2n)).toBe(false)
    leader.turn()
    expect(leader.pending).toEqual([[{ id: 2n, remainingMs: 60_000 }]])
    expect(leader.checkpoints.saysAll(2n)).toBe(false)
    leader.commit(1)
    expect(leader.checkpoints.saysAll(2n)).toBe(true)
  })

  test('waits also while what lessens it is not applied yet, or may still be lost', () => {
    const leader = lessened()
    leader.renew(2n)
    expect(leader.checkpoints.saysAll(2n)).toBe(false)
    leader.turn()
    expect(leader.pending).toHaveLength(2)
    leader.commit(1)
    expect(leader.checkpoints.saysAll(2n)).toBe(false)
    leader.commit(1)
    expect(leader.checkpoints.saysAll(2n)).toBe(true)
  })

  test('goes into the log once, however often it is renewed meanwhile', () => {
    const leader = lessened()
    leader.commit(1)
    for (let nth = 0; nth < 5; nth++) {
      leader.renew(2n)
      leader.turn()
    }
    expect(leader.pending).toHaveLength(1)
  })

  test('goes into the log again when that did not take it', () => {
    const leader = lessened()
    leader.commit(1)
    leader.renew(2n)
    leader.turn(false)
    expect(leader.checkpoints.mustRestore).toBe(true)
    leader.turn()
    expect([leader.pending.length, leader.checkpoints.mustRestore]).toEqual([1, false])
  })

  test('of a lease that ended meanwhile leaves nothing behind', () => {
    const leader = lessened()
    leader.commit(1)
    leader.renew(2n)
    leader.checkpoints.remove(2n)
    expect([leader.checkpoints.mustRestore, leader.checkpoints.restorations(9), leader.checkpoints.nextDueMs]).toEqual([
      false,
      [],
      undefined,
    ])
  })
})

describe('with leaders that change at every point', () => {
  const LEASES = [SHORT, LONG, LONGER]
  const id = fc.constantFrom(...LEASES.map((lease) => lease.id))
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(6_000) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('renew' as const), id }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('turn' as const), accepted: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('change' as const), kept: fc.nat(3) }) },
  )

  test('no lease ends before the time that its owner was told', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const leader = new Succession(LEASES)
        const promised = new Map(LEASES.map((lease) => [lease.id, lease.ttlSeconds * 1000]))
        /** Renewed under this leader, and not told. */
        let untold = new Map<bigint, number>()
        for (const drawn of steps) {
          switch (drawn.do) {
            case 'pass':
              leader.nowMs += drawn.ms
              break
            case 'renew':
              if (leader.renew(drawn.id)) untold.set(drawn.id, leader.nowMs)
              break
            case 'turn':
              leader.turn(drawn.accepted)
              break
            case 'commit':
              leader.commit(drawn.count)
              break
            case 'change':
              leader.change(drawn.kept)
              untold = new Map()
          }
          for (const [renewed, atMs] of untold) {
            if (!leader.checkpoints.saysAll(renewed)) continue
            const { ttlSeconds } = LEASES.find((lease) => lease.id === renewed) ?? SHORT
            promised.set(renewed, Math.max(promised.get(renewed) ?? 0, atMs + ttlSeconds * 1000))
            untold.delete(renewed)
          }
          const early = [...promised].find(([each, untilMs]) => (leader.expiry.deadlineMs(each) ?? 0) < untilMs)
          if (early !== undefined) throw new Error(`lease ${early[0]} ends before ${early[1]} at ${leader.nowMs}`)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('no change lengthens a lease by more than the interval, or its time, and an election timeout', () => {
    const change = fc.record({ afterMs: fc.nat(30_000), renewed: fc.option(id), kept: fc.nat(1) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 15 }), (changes) => {
        const leader = new Succession(LEASES)
        for (const { afterMs, renewed, kept } of changes) {
          // A turn a second, and what it appends is committed before the next.
          for (const untilMs = leader.nowMs + afterMs; leader.nowMs < untilMs; leader.nowMs += 1_000) {
            leader.commit(1)
            leader.turn()
          }
          if (renewed !== null) leader.renew(renewed)
          const before = LEASES.map((lease) => leader.expiry.deadlineMs(lease.id) ?? 0)
          leader.change(kept)
          LEASES.forEach((lease, at) => {
            // One that is over, and that nobody revokes here, would count for less than nothing.
            const wasMs = Math.max(before[at] ?? 0, leader.nowMs)
            const lengthened = (leader.expiry.deadlineMs(lease.id) ?? 0) - wasMs
            const bound = Math.min(lease.ttlSeconds * 1000, INTERVAL_MS) + EXTENSION_MS
            expect(lengthened).toBeLessThanOrEqual(bound)
          })
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('a pace', () => {
  test('lets so many go in a second, in batches, whatever comes when', () => {
    const pace = new Pace(1_000, 100)
    let gone = 0
    for (let nowMs = 5; nowMs < 1_005; nowMs += 7) {
      const room = Math.min(60, pace.room(nowMs))
      pace.took(room, nowMs)
      gone += room
    }
    expect(gone).toBeGreaterThan(800)
    expect(gone).toBeLessThanOrEqual(1_000)
  })

  test('does not make up for what came late, and says when there is room again', () => {
    const pace = new Pace(1_000, 100)
    pace.took(100, 0)
    expect([pace.room(99), pace.roomAtMs, pace.room(100)]).toEqual([0, 100, 100])
    pace.took(100, 60_000)
    expect([pace.room(60_001), pace.roomAtMs]).toEqual([0, 60_100])
    pace.pause(60_100)
    expect(pace.room(60_150)).toBe(0)
    expect(pace.room(60_200)).toBe(100)
  })
})
