/**
 * Whether this member works, for those who ask over HTTP without a client: `/health` as older tools know it, `/livez` and
 * `/readyz` with their single checks as Kubernetes asks for them.
 *
 * Always: a member that cannot say so within the deadline of a read is not healthy; what is said is found out anew each time.
 * Not here: users and permissions. Whoever reaches the port may ask, and learns of no key.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ERRORS } from '../../base/errors.js'
import type { Store } from '../../api/store.js'
import type { Logger } from '../../base/logger.js'
import type { HealthEndpoint, HealthObserver } from '../server/call-observer.js'
import { failureOf } from '../server/failure.js'
import { answerJson, answerText, isAllowed, type Endpoint } from './answer.js'

/** Throws, or rejects, with what is wrong. */
type Check = (signal: AbortSignal) => void | Promise<void>
type Checks = ReadonlyMap<string, Check>

/** The endpoints, by their paths; they are served beside the metrics, too, where those have a port of their own. */
export function probes(store: Store, observer: HealthObserver): ReadonlyMap<string, Endpoint> {
  return new Map([
    ['/health', health(store, observer)],
    ...endpointsOf('livez', livenessChecks(store), store.environment.logger, observer),
    ...endpointsOf('readyz', readinessChecks(store), store.environment.logger, observer),
  ])
}

function livenessChecks(store: Store): Checks {
  return new Map([['serializable_read', readCheck(store, 'local')]])
}

function readinessChecks(store: Store): Checks {
  return new Map([
    ['data_corruption', () => checkAlarms(store, 'corrupt', 'alarm activated: CORRUPT')],
    ['serializable_read', readCheck(store, 'local')],
    ['linearizable_read', readCheck(store, 'linearizable')],
    ['non_learner', () => checkVoter(store)],
  ])
}

/** `{"health":"true","reason":""}`, or 503 and why not. */
function health(store: Store, observer: HealthObserver): Endpoint {
  return async (request, response, url) => {
    if (!isAllowed(request, response, 'GET', 'HEAD')) return
    const reason = await whyUnhealthy(store, url.searchParams, abortedWith(response))
    observer.health(reason === undefined)
    if (reason === undefined) answerJson(response, 200, { health: 'true', reason: '' })
    else answerJson(response, 503, { health: 'false', reason })
  }
}

async function whyUnhealthy(
  store: Store,
  parameters: URLSearchParams,
  signal: AbortSignal,
): Promise<string | undefined> {
  const excluded = new Set(parameters.getAll('exclude'))
  const isSerializable = parameters.get('serializable') === 'true'
  const { alarms, leader } = store.status()
  const names = alarms.map(({ alarm }) => ALARM_NAMES[alarm])
  const active = names.find((name) => !excluded.has(name))
  if (active !== undefined) return `ALARM ${active}`
  if (!isSerializable && leader === undefined) return 'RAFT NO LEADER'
  try {
    await read(store, isSerializable ? 'local' : 'linearizable', signal)
    return undefined
  } catch (error) {
    return `RANGE ERROR:${reasonOf(error, '/health', store.environment.logger)}`
  }
}

const ALARM_NAMES = { 'no-space': 'NOSPACE', corrupt: 'CORRUPT' } as const

/** All checks of an endpoint at its own path, and each at one below it. */
function endpointsOf(
  endpoint: HealthEndpoint,
  checks: Checks,
  logger: Logger,
  observer: HealthObserver,
): [string, Endpoint][] {
  const path = `/${endpoint}`
  const run = async (names: readonly string[], response: ServerResponse): Promise<Result> => {
    let [isPassed, lines] = [true, '']
    for (const name of names) {
      const failure = await failureOfCheck(checks.get(name), abortedWith(response), path, logger)
      observer.checked(endpoint, name, failure === undefined)
      lines += failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`
      isPassed &&= failure === undefined
    }
    return { isPassed, lines }
  }
  const all: Endpoint = async (request, response, url) => {
    const excluded = new Set(url.searchParams.getAll('exclude'))
    const names = [...checks.keys()].filter((name) => !excluded.has(name))
    await answerWith(() => run(names, response), request, response, url)
  }
  const each = [...checks.keys()].map((name): [string, Endpoint] => [
    `${path}/${name}`,
    (request, response, url) => answerWith(() => run([name], response), request, response, url),
  ])
  return [[path, all], ...each]
}

interface Result {
  readonly isPassed: boolean
  readonly lines: string
}

async function answerWith(
  run: () => Promise<Result>,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  if (!isAllowed(request, response, 'GET', 'HEAD')) return
  const { isPassed, lines } = await run()
  const isVerbose = url.searchParams.has('verbose')
  if (isPassed) answerText(response, 200, `${isVerbose ? lines : ''}ok\n`)
  else answerText(response, 503, `${lines}\n`)
}

async function failureOfCheck(
  check: Check | undefined,
  signal: AbortSignal,
  path: string,
  logger: Logger,
): Promise<string | undefined> {
  try {
    await check?.(signal)
    return undefined
  } catch (error) {
    return error instanceof CheckFailed ? error.message : reasonOf(error, path, logger)
  }
}

class CheckFailed extends Error {
  override readonly name = 'CheckFailed'
}

function checkAlarms(store: Store, name: 'no-space' | 'corrupt', message: string): void {
  if (store.status().alarms.some(({ alarm }) => alarm === name)) throw new CheckFailed(message)
}

function checkVoter(store: Store): void {
  if (store.status().learner) throw new CheckFailed('not supported for learner')
}

type ReadConsistency = 'linearizable' | 'local'

function readCheck(store: Store, consistency: ReadConsistency): Check {
  return (signal) => {
    // Known at once, while the read would wait for a leader for longer than probes have patience.
    if (consistency === 'linearizable' && store.status().leader === undefined) {
      throw new CheckFailed(ERRORS.NO_LEADER.etcd)
    }
    return read(store, consistency, signal)
  }
}

/** A real read, of no value. */
async function read(store: Store, consistency: ReadConsistency, signal: AbortSignal): Promise<void> {
  await store.range({ all: true }, { limit: 1, keysOnly: true, consistency, signal })
}

function reasonOf(error: unknown, path: string, logger: Logger): string {
  return failureOf(error, path, logger).details
}

/** Aborts when whoever asked has gone. */
function abortedWith(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => controller.abort())
  return controller.signal
}
