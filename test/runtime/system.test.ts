/** The timers of a process: what others rest on, not how exact they are. */
import { expect, test } from 'vitest'
import { systemEnvironment } from '../../src/runtime/system.js'

const { clock, timers } = systemEnvironment()

test('a timer never fires earlier than it was asked to, by the clock that whoever set it reads', async () => {
  const early = await Promise.all(
    Array.from({ length: 400 }, (_, nth) => {
      const delayMs = 1 + (nth % 40) + (nth % 7) / 7
      const dueMs = clock.monotonicMs() + delayMs
      return new Promise<number>((resolve) => {
        timers.after(delayMs, () => {
          resolve(Math.max(0, dueMs - clock.monotonicMs()))
        })
        // The clock of the event loop stands still within a turn, that of the process does not.
        while (clock.monotonicMs() < dueMs - delayMs + 0.05);
      })
    }),
  )
  expect(early.filter((ms) => ms > 0)).toEqual([])
})

test('a timer that is cancelled does not fire, and one for longer than a timer of Node takes not at once', async () => {
  const fired: string[] = []
  timers.after(1, () => fired.push('cancelled'))()
  const cancel = timers.after(2 ** 40, () => fired.push('in 34 years'))
  await new Promise<void>((resolve) => {
    timers.after(5, resolve)
  })
  cancel()
  expect(fired).toEqual([])
})
