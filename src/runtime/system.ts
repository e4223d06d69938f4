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

/** The longest delay that setTimeout takes; a longer one would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1

const timers: Timers = {
  after(delayMs, action) {
    const handle = setTimeout(action, Math.min(Math.ceil(delayMs), DELAY_MS_MAX))
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
