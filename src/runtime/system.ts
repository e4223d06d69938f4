/**
 * The real clock, timers, randomness and log behind base's ports: the only place that touches them.
 * Nothing here decides anything.
 */
import { randomBytes } from 'node:crypto'
import type { Clock, Environment, Timers } from '../base/clock.js'
import { SILENT, type Logger } from '../base/logger.js'
import { seededRandom } from '../base/seeded-random.js'
import { loopDelay } from './loop-delay.js'

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}

/** The longest delay that setTimeout takes; a longer one would fire at once, and is taken in parts. */
const DELAY_MS_MAX = 2 ** 31 - 1

const timers: Timers = {
  after(delayMs, action) {
    const dueMs = performance.now() + delayMs
    // It counts whole milliseconds of a clock that is read once in a turn, and so fires up to one too early by ours. Whoever
    // then looks whether the time is over, and is called once, would wait for ever.
    const look = (): void => {
      const leftMs = dueMs - performance.now()
      if (leftMs > 0) handle = start(leftMs)
      else action()
    }
    const start = (leftMs: number) => setTimeout(look, Math.min(Math.ceil(leftMs), DELAY_MS_MAX))
    let handle = start(delayMs)
    return () => {
      clearTimeout(handle)
    }
  },
  soon(action) {
    const handle = setImmediate(action)
    return () => {
      clearImmediate(handle)
    }
  },
}

/** The surroundings of a member in production. Each call seeds a generator of its own from the operating system. */
export function systemEnvironment(logger: Logger = SILENT): Environment {
  return { clock, timers, random: seededRandom(randomBytes(4).readInt32BE()), logger, loopDelay }
}
