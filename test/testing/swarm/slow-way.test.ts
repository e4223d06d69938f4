/** A large write over a way that carries it slowly: it must not hold up what comes after it for longer than it has to. */
import { runPlan, type Fault, type Operation, type Plan } from 'quorate/testing'
import { expect, test } from 'vitest'
import { FRAME_KIND } from '../../../src/member/wire/frame-kind.js'
import type { NetworkEvent } from '../../../src/testing/sim/sim-network.js'

const SLOW_MS = 18_000

/** From the slow way's beginning on: c writes 60 kB, which take two seconds there, and nine seconds later a few bytes. */
function planOf(operations: readonly Operation[], safetyMs: number): Plan {
  const slow = (to: string): Fault => ({ type: 'slow-link', atMs: 2_000, from: 'c', to, bytesPerSecond: 30_000, forMs: SLOW_MS }) // prettier-ignore
  return {
    // One with which c does not lead: what it writes goes to the leader.
    seed: 2,
    members: ['a', 'b', 'c'],
    settings: {
      electionTimeoutMs: 426,
      heartbeatIntervalMs: 47,
      stateBufferBytesMax: 2_000,
      logRetainBytes: 1_000_000,
    },
    network: {},
    buggify: [],
    faults: [slow('a'), slow('b')],
    operations,
    safetyMs,
  }
}

const LARGE: Operation = { id: 1, atMs: 2_100, client: 1, member: 'c', timeoutMs: 5_000, type: 'put', key: 'a', valueBytes: 60_000 } // prettier-ignore
const SMALL: Operation = { id: 2, atMs: 11_100, client: 2, member: 'c', timeoutMs: 5_000, type: 'put', key: 'b', valueBytes: 8 } // prettier-ignore

/** Of the large write, on its way to the leader. */
function isCopy({ type, from, kind, bytes }: NetworkEvent): boolean {
  return type === 'sent' && from === 'c' && kind === FRAME_KIND.propose && bytes > 60_000
}

async function run(plan: Plan): Promise<{ readonly copies: number; readonly ended: readonly string[] }> {
  const ended: string[] = []
  let copies = 0
  const report = await runPlan(plan, {
    observe: (event) => {
      if (event.subject === 'network' && isCopy(event.event)) copies++
      if (event.subject === 'call' && event.event === 'return') ended.push(`${event.id} ${event.detail}`)
    },
  })
  expect(report.failure?.message).toBeUndefined()
  return { copies, ended }
}

test('a few copies of it are sent, and once they are through writes take effect again', async () => {
  const { copies, ended } = await run(planOf([LARGE, SMALL], SLOW_MS + 4_000))
  expect(ended).toEqual(['1 ok', '2 ok'])
  expect(copies).toBeLessThanOrEqual(4)
})

test('when the way is not slow any more, what waits for it does not keep it slow', async () => {
  const plan = planOf([LARGE, { ...SMALL, atMs: 4_300, timeoutMs: 500 }], 5_000)
  const faults = plan.faults.map((fault) => ({ ...fault, forMs: 2_250 }))
  const { ended } = await run({ ...plan, faults })
  expect(ended).toEqual(['1 ok', '2 ok'])
})
