/** When a leader with a slow disk is to go, and to whom; and when it is to stay though its disk is slow. */
import { beforeEach, describe, expect, test } from 'vitest'
import { DiskPace } from '../../src/member/disk-pace.js'
import { SyncTimes } from '../../src/member/sync-times.js'

const ELECTION_MS = 1_000
const SLOW_MS = 250
const [B, C] = [2, 3]

/** A leader and two followers: how long each takes for a write. */
class Leader {
  readonly pace = new DiskPace(ELECTION_MS)
  nowMs = 0
  index = 0

  constructor() {
    this.pace.lead(this.nowMs)
  }

  /** Writes, with looks after every 10 ms (or once, in the end); who is to lead, as soon as that is said. */
  write(ownMs: number, followersMs: Readonly<Record<number, number>>, lookEveryMs = 10): number | undefined {
    const beganMs = this.nowMs
    const index = ++this.index
    const look = (): number | undefined =>
      this.pace.successor(this.nowMs, () =>
        Object.entries(followersMs).map(([id, tookMs]) => {
          return { id: Number(id), matchIndex: this.nowMs - beganMs >= tookMs ? index : index - 1 }
        }),
      )
    this.pace.begun(index, beganMs)
    let successor: number | undefined
    for (; this.nowMs < beganMs + ownMs; this.nowMs += lookEveryMs) successor ??= look()
    this.nowMs = beganMs + ownMs
    this.pace.durable(this.nowMs)
    return successor ?? look()
  }

  writes(times: number, ownMs: number, followersMs: Readonly<Record<number, number>>): (number | undefined)[] {
    return Array.from({ length: times }, () => this.write(ownMs, followersMs))
  }

  stay(electionTimeouts: number): void {
    this.nowMs += electionTimeouts * ELECTION_MS
  }
}

let leader: Leader
beforeEach(() => {
  leader = new Leader()
  leader.stay(20)
})

describe('a leader with a slow disk', () => {
  test('goes to the follower that is quick, once most of the last writes were slow', () => {
    expect(leader.writes(8, 300, { [B]: 400, [C]: 20 })).toEqual([...Array<undefined>(7).fill(undefined), C])
  })

  test('goes while one write does not end for an election timeout', () => {
    expect(leader.write(5_000, { [B]: 20, [C]: 600 })).toBe(B)
  })

  test('tries once in ten election timeouts', () => {
    const followers = { [C]: 20 }
    expect(leader.writes(20, 300, followers).filter((each) => each === C)).toHaveLength(1)
    leader.stay(10)
    expect(leader.writes(8, 300, followers)).toContain(C)
  })

  test('stays for the first ten election timeouts', () => {
    leader.pace.lead(leader.nowMs)
    expect(leader.writes(20, 300, { [C]: 20 }).filter((each) => each !== undefined)).toEqual([])
    leader.stay(5)
    expect(leader.write(300, { [C]: 20 })).toBe(C)
  })
})

describe('a leader stays', () => {
  test.each([
    ['where all disks are slow alike', 300, { [B]: 300, [C]: 280 }],
    ['where all disks hang', 5_000, { [B]: 5_000, [C]: 5_000 }],
    ['where nobody is twice as quick', 300, { [B]: 140, [C]: 150 }],
    ['where its own disk is quick', 100, { [B]: 10, [C]: 10 }],
    ['where it is alone', 400, {}],
  ])('%s', (_, ownMs, followers) => {
    expect(leader.writes(30, ownMs, followers).filter((each) => each !== undefined)).toEqual([])
  })

  test('where another one is quick each time', () => {
    const turns = Array.from({ length: 30 }, (_, nth) => leader.write(300, nth % 2 === 0 ? { [B]: 10 } : { [C]: 10 }))
    expect(turns.filter((each) => each !== undefined)).toEqual([])
  })

  test('after a slow write now and then', () => {
    const turns = Array.from({ length: 64 }, (_, nth) => leader.write(nth % 4 === 0 ? 600 : 5, { [B]: 10 }))
    expect(turns.filter((each) => each !== undefined)).toEqual([])
  })

  test('where its process was held up, and finds everything late', () => {
    const turns = Array.from({ length: 30 }, () => leader.write(900, { [B]: 10, [C]: 10 }, 900))
    expect(turns.filter((each) => each !== undefined)).toEqual([])
  })

  test('where it does not lead any more', () => {
    leader.pace.follow()
    expect(leader.writes(30, 2_000, { [B]: 10 }).filter((each) => each !== undefined)).toEqual([])
    expect(leader.pace.nextDeadlineMs()).toBe(Infinity)
  })
})

test('a deadline is asked for only while a write is under way that may tell something', () => {
  const { pace, nowMs } = leader
  expect(pace.nextDeadlineMs()).toBe(Infinity)
  pace.begun(1, nowMs)
  expect(pace.nextDeadlineMs()).toBe(nowMs + SLOW_MS / 2)
  pace.successor(nowMs + SLOW_MS / 2, () => [{ id: B, matchIndex: 1 }])
  expect(pace.nextDeadlineMs()).toBe(nowMs + ELECTION_MS)
  pace.durable(nowMs + SLOW_MS)
  expect(pace.nextDeadlineMs()).toBe(Infinity)
})

test('the times of syncs are told of the last 256', () => {
  const times = new SyncTimes()
  expect(times.summary).toEqual({ syncs: 0, lastSyncMs: undefined, medianSyncMs: undefined, p99SyncMs: undefined })
  times.add(7)
  expect(times.summary).toEqual({ syncs: 1, lastSyncMs: 7, medianSyncMs: 7, p99SyncMs: 7 })
  for (let ms = 1; ms <= 300; ms++) times.add(ms)
  expect(times.summary).toEqual({ syncs: 301, lastSyncMs: 300, medianSyncMs: 172, p99SyncMs: 298 })
})
