import { runInNewContext } from 'node:vm'
import type { Plan } from '../../../src/testing/swarm/plan.js'
import { planText, testFileFor } from '../../../src/testing/report/test-file.js'
import { describe, expect, test } from 'vitest'

const PLAN: Plan = {
  seed: 12,
  members: ['a', 'b', 'c'],
  settings: { electionTimeoutMs: 300, heartbeatIntervalMs: 50, stateBufferBytesMax: 1000, logRetainBytes: 100_000 },
  network: { lossPerMillion: 1000, delayMsHalf: 3 },
  buggify: [],
  faults: [
    { atMs: 1200, type: 'crash', member: 'b', disk: 'power', downMs: 800 },
    { atMs: 2000, type: 'partition', groups: [['a'], ['b', 'c']], forMs: 1500 },
  ],
  operations: [
    { id: 1, atMs: 900, client: 1, member: 'a', timeoutMs: 2000, type: 'put', key: 'x', valueBytes: 10 },
    { id: 2, atMs: 1000, client: 2, member: 'b', timeoutMs: 2000, type: 'read', key: 'x', consistency: 'linearizable' },
  ],
  safetyMs: 5000,
}

describe('a test file', () => {
  test('says in words what each fault and each operation does', () => {
    expect(testFileFor(PLAN, { kind: 'invariant', message: 'R5 violated: b applied 7@2\nwhere a applied 7@1' }))
      .toBe(`/**
 * Seed 12, with 2 faults and 2 operations. When it was written, it failed (invariant):
 *
 *     R5 violated: b applied 7@2
 *     where a applied 7@1
 *
 * Times are milliseconds of the run. To see more: \`transcript\` and \`timelinePage\` of quorate/testing.
 */
import { runPlan, type Plan } from 'quorate/testing'
import { expect, test } from 'vitest'

const plan: Plan = {
  seed: 12,
  members: ['a', 'b', 'c'],
  settings: { electionTimeoutMs: 300, heartbeatIntervalMs: 50, stateBufferBytesMax: 1000, logRetainBytes: 100000 },
  network: { lossPerMillion: 1000, delayMsHalf: 3 },
  buggify: [],
  faults: [
    // 1.2 s: power fails at b; a new process starts after 800 ms
    { atMs: 1200, type: 'crash', member: 'b', disk: 'power', downMs: 800 },
    // 2 s: the network falls apart into a | b c for 1.5 s
    { atMs: 2000, type: 'partition', groups: [['a'], ['b', 'c']], forMs: 1500 },
  ],
  operations: [
    // 900 ms: client 1 puts 10 bytes to "x" through a, within 2 s
    { id: 1, atMs: 900, client: 1, member: 'a', timeoutMs: 2000, type: 'put', key: 'x', valueBytes: 10 },
    // 1 s: client 2 reads "x" through b, within 2 s
    { id: 2, atMs: 1000, client: 2, member: 'b', timeoutMs: 2000, type: 'read', key: 'x', consistency: 'linearizable' },
  ],
  safetyMs: 5000,
}

test('what failed once in a simulated run holds', async () => {
  const { failure } = await runPlan(plan)
  expect(failure).toBeUndefined()
})
`)
  })

  test('holds the plan exactly, whatever its keys are', () => {
    const nasty = `it's "this"\\ \n\u2028*/ \`\${1}\``
    const operations = [{ ...PLAN.operations[0], key: nasty } as Plan['operations'][number]]
    const plan: Plan = { ...PLAN, operations }
    expect(runInNewContext(`JSON.stringify(${planText(plan)})`)).toBe(JSON.stringify(plan))
  })

  test('cannot be ended by what the failure says', () => {
    const text = testFileFor(PLAN, { kind: 'a */ b', message: 'one */ two\u2028three' })
    expect(text.indexOf('*/')).toBe(text.indexOf(' */\nimport') + 1)
  })
})
