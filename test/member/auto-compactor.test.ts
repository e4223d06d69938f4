/** Automatic compaction: by age and by number, by whoever leads, never sooner than it was told to. */
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { AutoCompactor, type AutoCompaction } from '../../src/member/auto-compactor.js'
import { RunningWorld } from '../store/clusters.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** One that makes a revision every second; what it asks for is done unless `lose` says that it is lost. */
function run(options: AutoCompaction, untilMs: number, lose: (atMs: number) => boolean = () => false) {
  const compactor = new AutoCompactor(options, 0)
  const asked: { readonly atMs: number; readonly revision: number }[] = []
  let compactRevision = 0
  for (let atMs = compactor.nextDeadlineMs(); atMs <= untilMs; atMs = compactor.nextDeadlineMs()) {
    const revision = compactor.due(atMs, { revision: 1 + atMs / 1000, compactRevision, leading: true })
    if (revision === undefined) continue
    asked.push({ atMs, revision })
    if (!lose(atMs)) compactRevision = revision
  }
  return asked
}

describe('compaction by time', () => {
  test.each([
    ['of ten minutes comes every ten minutes', 10 * MINUTE_MS, 10 * MINUTE_MS],
    ['of an hour comes every hour', HOUR_MS, HOUR_MS],
    ['of a day comes every hour', 24 * HOUR_MS, HOUR_MS],
  ])('with a retention %s, and keeps at least that and little more', (_, retentionMs, everyMs) => {
    const asked = run({ mode: 'periodic', retentionMs }, 3 * retentionMs)
    expect(asked[0]?.atMs).toBe(retentionMs)
    asked.forEach(({ atMs, revision }, at) => {
      const ageMs = atMs - (revision - 1) * 1000
      expect(ageMs).toBeGreaterThanOrEqual(retentionMs)
      expect(ageMs).toBeLessThanOrEqual(retentionMs + everyMs / 10)
      if (at > 0) expect(atMs - (asked[at - 1]?.atMs ?? 0)).toBe(everyMs)
    })
    expect(asked.length).toBeGreaterThan(1)
  })

  test('that was lost on its way is asked for again at the next look, not a retention later', () => {
    const asked = run(
      { mode: 'periodic', retentionMs: 10 * MINUTE_MS },
      20 * MINUTE_MS,
      (atMs) => atMs === 10 * MINUTE_MS,
    )
    expect(asked.map(({ atMs }) => atMs / MINUTE_MS)).toEqual([10, 11])
  })

  test('asks for nothing where nothing happened, and while another member leads', () => {
    const compactor = new AutoCompactor({ mode: 'periodic', retentionMs: 10_000 }, 0)
    for (let atMs = 0; atMs < 100_000; atMs += 1000) {
      expect(compactor.due(atMs, { revision: 7, compactRevision: 7, leading: true })).toBeUndefined()
      expect(compactor.due(atMs, { revision: 7, compactRevision: 0, leading: false })).toBeUndefined()
    }
    // It has noted all the while: whoever leads from now on knows how old this revision is.
    expect(compactor.due(100_000, { revision: 9, compactRevision: 0, leading: true })).toBe(7)
  })

  test('with a long retention keeps a bounded number of notes, and its promise', () => {
    const asked = run({ mode: 'periodic', retentionMs: 5 * LIMITS.autoCompactionNotesMax * HOUR_MS }, 6000 * HOUR_MS)
    const [first] = asked
    expect(first?.atMs).toBeGreaterThanOrEqual(5000 * HOUR_MS)
    expect(first?.atMs).toBeLessThanOrEqual(5010 * HOUR_MS)
  })
})

describe('compaction by revisions', () => {
  test('keeps the last so many, looked at every five minutes', () => {
    const asked = run({ mode: 'revision', retention: 500 }, 20 * MINUTE_MS)
    expect(asked).toEqual([
      { atMs: 10 * MINUTE_MS, revision: 101 },
      { atMs: 15 * MINUTE_MS, revision: 401 },
      { atMs: 20 * MINUTE_MS, revision: 701 },
    ])
  })

  test('asks for nothing while there are fewer', () => {
    expect(run({ mode: 'revision', retention: 5000 }, HOUR_MS)).toEqual([])
  })
})

describe('a cluster that compacts by itself', () => {
  const RETENTION_MS = 10_000

  test('keeps what is younger through a change of leader and whatever the wall clock says, and forgets what is older', async () => {
    const world = await RunningWorld.start({
      open: { autoCompaction: { mode: 'periodic', retentionMs: RETENTION_MS } },
    })
    const writtenAtMs: number[] = []
    const startedAtMs = world.scheduler.clock.monotonicMs()
    const nowMs = () => world.scheduler.clock.monotonicMs() - startedAtMs
    let deposed = false
    while (nowMs() < 5 * RETENTION_MS) {
      const { revision } = await world.leader.put('key', `at ${nowMs()}`)
      writtenAtMs[revision] = nowMs()
      await world.pass(500)
      for (const { compactRevision } of world.statuses()) {
        // The newest version that is forgotten is the one that this revision replaced.
        const replacedAtMs = writtenAtMs[compactRevision]
        if (replacedAtMs !== undefined) expect(nowMs() - replacedAtMs).toBeGreaterThan(RETENTION_MS * 0.98)
      }
      for (const place of world.places) place.clock.jumpWall(nowMs() % 2000 < 1000 ? HOUR_MS : -HOUR_MS)
      if (deposed || nowMs() < 1.5 * RETENTION_MS) continue
      deposed = true
      const { name } = world.leader.status()
      world.isolate(name)
      await world.pass(3000)
      world.network.healAll()
      await world.until(() => world.statuses().filter(({ role }) => role === 'leader').length === 1)
    }
    const oldest = Math.min(...world.statuses().map(({ compactRevision }) => compactRevision))
    expect(nowMs() - (writtenAtMs[oldest] ?? 0)).toBeLessThan(2.5 * RETENTION_MS)
    await world.halt()
  })
})
