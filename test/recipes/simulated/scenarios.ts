/** Every scenario of a recipe: a new one adds a line here, and is run by the tests and by `npm run sim:recipes`. */
import { barrier } from './barrier.js'
import { cachedView } from './cached-view.js'
import { configuration } from './configuration.js'
import { counter } from './counter.js'
import { doubleBarrier } from './double-barrier.js'
import { election } from './election.js'
import { fencing } from './fencing.js'
import { mutex } from './mutex.js'
import { namespace } from './namespace.js'
import { queue } from './queue.js'
import { registry } from './registry.js'
import { rwLock } from './rw-lock.js'
import type { Scenario } from './scenario.js'
import { scheduler } from './scheduler.js'
import { semaphore } from './semaphore.js'
import { session } from './session.js'
import { stmScenario } from './stm.js'

export const SCENARIOS: readonly Scenario[] = [
  barrier,
  cachedView,
  configuration,
  counter,
  doubleBarrier,
  election,
  fencing,
  mutex,
  namespace,
  queue,
  registry,
  rwLock,
  semaphore,
  session,
  stmScenario,
  scheduler,
]
