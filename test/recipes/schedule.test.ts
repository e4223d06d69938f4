import fc from 'fast-check'
import { Cron, scheduledJobs } from 'croner'
import { describe, expect, it } from 'vitest'
import { scheduleOf, type Schedule } from '../../src/recipes/schedule/schedule.js'

const DAY_MS = 86_400_000

const berlin = (cron: string): Schedule => scheduleOf({ cron, timeZone: 'Europe/Berlin' })

/** The times after `from`, in UTC, without the year and the seconds. */
function times(schedule: Schedule, from: string, count: number): string[] {
  const found: string[] = []
  let at = Date.parse(from)
  for (let nth = 0; nth < count; nth++) {
    at = schedule.next(at)!
    found.push(new Date(at).toISOString().slice(5, 16))
  }
  return found
}

describe('the times of a cron pattern', () => {
  it('are those of its time zone, which is UTC where none is given', () => {
    expect(times(scheduleOf({ cron: '0 3 * * *' }), '2026-07-01T00:00:00Z', 2)).toEqual(['07-01T03:00', '07-02T03:00'])
    expect(times(berlin('0 3 * * *'), '2026-07-01T00:00:00Z', 2)).toEqual(['07-01T01:00', '07-02T01:00'])
    expect(times(scheduleOf({ cron: '@monthly' }), '2026-07-01T00:00:00Z', 1)).toEqual(['08-01T00:00'])
    expect(times(scheduleOf({ cron: '0 0 L * *' }), '2026-02-01T00:00:00Z', 1)).toEqual(['02-28T00:00'])
  })

  it('come at the end of the gap where the clock is put forward past them', () => {
    // In Berlin 02:00 becomes 03:00 on 29 March 2026, which is 01:00 in UTC.
    expect(times(berlin('30 2 * * *'), '2026-03-28T12:00:00Z', 2)).toEqual(['03-29T01:00', '03-30T00:30'])
    expect(times(berlin('30 2,14 * * *'), '2026-03-28T14:00:00Z', 2)).toEqual(['03-29T01:00', '03-29T12:30'])
  })

  it('come once where the clock is put back and shows them twice', () => {
    // 03:00 becomes 02:00 on 25 October 2026: 02:30 is 00:30 and 01:30 in UTC.
    expect(times(berlin('30 2 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual(['10-25T00:30', '10-26T01:30'])
    expect(times(berlin('30 2-3 * * *'), '2026-10-24T12:00:00Z', 3)).toEqual([
      '10-25T00:30',
      '10-25T02:30',
      '10-26T01:30',
    ])
  })

  it('follow the clock on the wall where they have a step or a star: nothing in the gap, and twice what is shown twice', () => {
    expect(times(berlin('*/30 2 * * *'), '2026-03-28T12:00:00Z', 2)).toEqual(['03-30T00:00', '03-30T00:30'])
    expect(times(berlin('*/30 2 * * *'), '2026-10-24T12:00:00Z', 5)).toEqual([
      ...['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30'],
      '10-26T01:00',
    ])
    expect(times(berlin('0 * * * *'), '2026-03-29T00:30:00Z', 2)).toEqual(['03-29T01:00', '03-29T02:00'])
  })

  it('end where the pattern has a year that is over', () => {
    const schedule = scheduleOf({ cron: '0 0 0 1 1 * 2026' })
    expect(schedule.next(Date.parse('2025-06-01T00:00:00Z'))).toBe(Date.parse('2026-01-01T00:00:00Z'))
    expect(schedule.next(Date.parse('2026-01-01T00:00:00Z'))).toBeUndefined()
    expect(schedule.last(Date.parse('2026-01-01T00:00:00Z'))).toBe(Date.parse('2026-01-01T00:00:00Z'))
    expect(schedule.last(Date.parse('2025-12-31T00:00:00Z'))).toBeUndefined()
  })

  it('are computed without timers, without a list of jobs, and without a look at the clock', () => {
    const RealDate = Date
    let looks = 0
    const resources = process.getActiveResourcesInfo().length
    globalThis.Date = new Proxy(RealDate, {
      construct(target, parameters: [], newTarget) {
        if (parameters.length === 0) looks++
        return Reflect.construct(target, parameters, newTarget) as Date
      },
      get: (target, name) => {
        if (name === 'now') looks++
        return Reflect.get(target, name) as unknown
      },
    })
    try {
      const schedule = berlin('30 2 * * *')
      for (let at = 0; at < 400; at++) schedule.last(schedule.next(at * DAY_MS)!)
    } finally {
      globalThis.Date = RealDate
    }
    expect(looks).toBe(0)
    expect(process.getActiveResourcesInfo()).toHaveLength(resources)
    expect(scheduledJobs).toEqual([])
  })

  it('are what croner answers where it is asked in public', () => {
    const number = (min: number, max: number): fc.Arbitrary<string> =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min, max }).map(String),
        fc.integer({ min: 2, max: 7 }).map((step) => `*/${step}`),
        fc
          .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
          .map((pair) => pair.sort((a, b) => a - b).join('-')),
      )
    const pattern = fc
      .tuple(number(0, 59), number(0, 23), number(1, 28), number(1, 12), number(0, 6))
      .map((parts) => parts.join(' '))
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata')
    const instant = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2027-12-31') })
    fc.assert(
      fc.property(pattern, zone, instant, (cron, timeZone, at) => {
        const schedule = scheduleOf({ cron, timeZone })
        const twin = new Cron(cron, { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' })
        const next = schedule.next(at)!
        expect(next).toBe(twin.nextRun(new Date(at))?.getTime())
        expect(next).toBeGreaterThan(at)
        // Backwards it finds the same: nothing lies between a time and its next one.
        expect(schedule.last(next)).toBe(next)
        const last = schedule.last(at)!
        expect(last).toBeLessThanOrEqual(at)
        expect(schedule.next(last)).toBe(next)
        expect(schedule.last(next - 1)).toBe(last)
      }),
    )
  })
})

describe('the times of an interval', () => {
  it('are whole multiples of it, the same wherever one asks from', () => {
    const schedule = scheduleOf({ everyMs: 1_500 })
    expect([schedule.next(0), schedule.next(1_499.5), schedule.next(1_500)]).toEqual([1_500, 1_500, 3_000])
    expect([schedule.last(1_499), schedule.last(1_500), schedule.last(2_999.9)]).toEqual([0, 1_500, 1_500])
  })
})
