import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import {
  decidedAtStart,
  dueFiring,
  nextFiringMs,
  type Decided,
  type MissedPolicy,
} from '../../src/recipes/schedule/due-firing.js'
import { scheduleOf } from '../../src/recipes/schedule/schedule.js'
import { SightedSpans } from '../../src/recipes/schedule/sighted-spans.js'

const EVERY_MS = 10_000
const START_MS = 1_000_000
const schedule = scheduleOf({ everyMs: EVERY_MS })

const missed: fc.Arbitrary<MissedPolicy> = fc.oneof(
  fc.constant({ type: 'latest' } as const),
  fc.constant({ type: 'all' } as const),
  fc.nat(60_000).map((graceMs) => ({ type: 'skip', graceMs }) as const),
)

/** What is in the store, and which firings were begun. */
class Job {
  decided: Decided = decidedAtStart(START_MS)
  readonly begun: number[] = []

  /** A process looks at its clock and begins what is due. */
  look(policy: MissedPolicy, nowMs: number, sightings: SightedSpans): number | undefined {
    sightings.look(this.decided.skipped, nowMs)
    const due = dueFiring(schedule, this.decided, policy, nowMs, sightings)
    if (due === undefined) return undefined
    this.decided = due.decided
    this.begun.push(due.scheduledMs)
    return due.scheduledMs
  }
}

describe('which firing is due', () => {
  it('is what one finds who writes down every time, where one clock goes right', () => {
    const gap = fc.oneof(
      fc.nat(EVERY_MS),
      fc.nat(30 * EVERY_MS),
      fc.constant(2 * LIMITS.jobMissedFiringsMax * EVERY_MS),
    )
    fc.assert(
      fc.property(missed, fc.array(gap, { maxLength: 30 }), (policy, gaps) => {
        const job = new Job()
        const sightings = new SightedSpans()
        let nowMs = START_MS
        let last = START_MS
        for (const each of gaps) {
          nowMs += each
          const times: number[] = []
          for (let at = START_MS; at <= nowMs; at += EVERY_MS) if (at > last) times.push(at)
          const latest = times.at(-1)
          const expected =
            policy.type === 'all'
              ? times.slice(-LIMITS.jobMissedFiringsMax)[0]
              : policy.type === 'skip' && latest !== undefined && nowMs - latest > policy.graceMs
                ? undefined
                : latest
          const next = nextFiringMs(schedule, job.decided, nowMs, sightings)
          expect(next).toBe(Math.floor(nowMs / EVERY_MS) * EVERY_MS + EVERY_MS)
          expect(job.look(policy, nowMs, sightings)).toBe(expected)
          last = expected ?? last
        }
      }),
    )
  })

  it('was never begun before, whatever the clocks show', () => {
    const looks = fc.array(fc.record({ process: fc.nat(2), nowMs: fc.nat(2 * START_MS), policy: missed }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(looks, (all) => {
        const job = new Job()
        const processes = [new SightedSpans(), new SightedSpans(), new SightedSpans()]
        for (const { process, nowMs, policy } of all) {
          const upToMs = job.decided.upToMs
          const begun = job.look(policy, nowMs, processes[process]!)
          expect(begun ?? 0).toBeLessThanOrEqual(nowMs)
          expect(job.decided.upToMs).toBeGreaterThanOrEqual(upToMs)
          expect(job.decided.skipped.length).toBeLessThanOrEqual(LIMITS.jobSkippedSpansMax)
        }
        expect(new Set(job.begun).size).toBe(job.begun.length)
      }),
    )
  })

  it('is swallowed by no clock that is ahead, where another one goes right', () => {
    const wrong = fc.record({ atMs: fc.nat(400_000), aheadMs: fc.oneof(fc.nat(20_000), fc.nat(3 * START_MS)) })
    fc.assert(
      fc.property(fc.array(wrong, { maxLength: LIMITS.jobSkippedSpansMax - 2 }), (looks) => {
        const job = new Job()
        const [right, other] = [new SightedSpans(), new SightedSpans()]
        for (let atMs = 0; atMs <= 500_000; atMs += 1_000) {
          for (const look of looks.filter((each) => Math.floor(each.atMs / 1_000) * 1_000 === atMs)) {
            job.look({ type: 'latest' }, START_MS + look.atMs + look.aheadMs, other)
          }
          job.look({ type: 'latest' }, START_MS + atMs, right)
        }
        const due = Array.from({ length: 50 }, (_, at) => START_MS + (at + 1) * EVERY_MS)
        expect(due.filter((each) => !job.begun.includes(each))).toEqual([])
        expect(new Set(job.begun).size).toBe(job.begun.length)
      }),
    )
  })
})
