import { expect, test } from 'vitest'
import { loopDelay } from '../../src/runtime/loop-delay.js'
import { systemEnvironment } from '../../src/runtime/system.js'

const { timers } = systemEnvironment()
const turn = (ms: number): Promise<void> => new Promise((resolve) => void timers.after(ms, resolve))

test('a loop that is held up is seen as late, one that is not is seen as about on time', async () => {
  const meter = loopDelay()
  // It counts from the second look on.
  await turn(60)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
  await turn(60)
  const taken = meter.take()
  expect(taken?.maxMs).toBeGreaterThan(200)
  expect(taken?.p99Ms).toBeLessThanOrEqual(taken?.maxMs ?? 0)
  expect(meter.take()).toBeUndefined()
  meter.stop()
})
