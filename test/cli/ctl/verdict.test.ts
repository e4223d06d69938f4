/** What `check perf` says of what it measured. */
import { expect, test } from 'vitest'
import { LOADS, verdictOf } from '../../../src/cli/ctl/check-verdict.js'

const SMALL = LOADS['s'] ?? { clients: 0, writesPerSecond: 0 }
const even = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms)

test('it passes with the load, no slow request and no error', () => {
  const measured = { durationMs: 60_000, latenciesMs: even(9000, 20), errors: new Map() }
  expect(verdictOf(SMALL, measured)).toEqual({
    lines: [
      'PASS: Throughput is 151 writes/s',
      'PASS: Slowest request took 0.020000s',
      'PASS: Stddev is 0.000000s',
      'PASS',
    ],
    passed: true,
  })
})

test('it fails for each of what can be wrong', () => {
  const few = verdictOf(SMALL, { durationMs: 60_000, latenciesMs: even(8000, 20), errors: new Map() })
  expect(few).toMatchObject({
    passed: false,
    lines: ['FAIL: Throughput too low: 134 writes/s', /./, /./, 'FAIL'].map((each) =>
      typeof each === 'string' ? each : (expect.any(String) as string),
    ),
  })
  const slow = verdictOf(SMALL, { durationMs: 60_000, latenciesMs: [...even(9000, 20), 501], errors: new Map() })
  expect(slow.lines[1]).toBe('Slowest request took too long: 0.501000s')
  expect(slow.passed).toBe(false)
  const uneven = verdictOf(SMALL, {
    durationMs: 60_000,
    latenciesMs: [...even(4500, 1), ...even(4500, 400)],
    errors: new Map([['etcdserver: too many requests', 3]]),
  })
  expect(uneven.lines).toContain('FAIL: too many errors')
  expect(uneven.lines).toContain('FAIL: ERROR(etcdserver: too many requests) -> 3')
  expect(uneven.lines.join()).toMatch(/Stddev too high: 0\.199500s/)
})
