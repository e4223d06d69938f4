/**
 * Probes over HTTP, as etcd answers them: `/livez`, `/readyz`, each with `/<check>`, `?verbose` and `?exclude=<check>`, and
 * `/health` with `?serializable=true` and `?exclude=<alarm>`.
 *
 * A function for a server of the user's: it listens to nothing by itself. It answers its own paths only; what else comes goes
 * to `next` where there is one, as in Express, and is not found otherwise.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkFields, kind } from '../../api/check-fields.js'
import type { Health } from '../../api/health.js'
import { HealthChecks, type CheckResult, type HealthStore } from './health-checks.js'

export interface HealthHandlerOptions {
  /** What stands before `/livez` and the others, like `/internal`. Default: nothing. */
  readonly path?: string
  /** Milliseconds that one read of a check may take: less than the probe waits. Default 1000, Infinity is refused. */
  readonly timeoutMs?: number
}

export type HealthHandler = (
  request: Pick<IncomingMessage, 'method' | 'url'>,
  response: Pick<ServerResponse, 'writeHead' | 'end'>,
  next?: () => void,
) => void

interface Answer {
  readonly status: 200 | 503
  readonly type: 'text/plain' | 'application/json'
  readonly body: string
}

type Checks = Readonly<Record<string, () => Promise<CheckResult>>>
type Answering = (query: URLSearchParams) => Promise<Answer>

const OPTION_FIELDS = { path: true, timeoutMs: true } as const
const TIMEOUT_MS = 1_000

/**
 * @example
 * createServer(healthHandler(store)).listen(8080)
 * app.use(healthHandler(store, { path: '/internal' })) // Express
 */
export function healthHandler(store: HealthStore, options: HealthHandlerOptions = {}): HealthHandler {
  if (typeof (store as Partial<HealthStore> | null | undefined)?.health !== 'function') {
    throw new TypeError(`healthHandler() takes a store, not ${kind(store)}`)
  }
  const { path, timeoutMs } = complete(options)
  const checks = new HealthChecks(store, timeoutMs)
  const answers = new Map<string, Answering>([
    [`${path}/health`, (query) => answerHealth(store, checks, query)],
    ...probesOf(`${path}/livez`, checks.live),
    ...probesOf(`${path}/readyz`, checks.ready),
  ])
  return (request, response, next) => {
    const [pathname = '', query = ''] = (request.url ?? '').split('?', 2)
    const answer = answers.get(pathname)
    if (answer === undefined) {
      if (next === undefined) send(request, response, 404, 'text/plain', 'Not Found\n')
      else next()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(request, response, 405, 'text/plain', 'Method Not Allowed\n', { Allow: 'GET, HEAD' })
      return
    }
    answer(new URLSearchParams(query)).then(
      ({ status, type, body }) => {
        send(request, response, status, type, body)
      },
      () => {
        send(request, response, 500, 'text/plain', 'Internal Server Error\n')
      },
    )
  }
}

function complete(options: HealthHandlerOptions): Required<HealthHandlerOptions> {
  checkFields(options, OPTION_FIELDS, 'healthHandler()')
  const { path = '', timeoutMs = TIMEOUT_MS } = options
  if (typeof path !== 'string') throw new TypeError(`path must be a string, not ${kind(path)}`)
  if (path !== '' && (!path.startsWith('/') || path.endsWith('/'))) {
    throw new TypeError(`path must begin with a slash and end without one, like /internal, not ${path}`)
  }
  if (!(timeoutMs > 0 && timeoutMs < Infinity)) {
    throw new RangeError(`timeoutMs must be a positive number of milliseconds, not ${timeoutMs}`)
  }
  return { path, timeoutMs }
}

function probesOf(path: string, checks: Checks): [string, Answering][] {
  const single = Object.entries(checks).map(([name, check]): [string, Answering] => {
    return [`${path}/${name}`, (query) => answerProbe({ [name]: check }, query)]
  })
  return [[path, (query) => answerProbe(checks, query)], ...single]
}

async function answerProbe(checks: Checks, query: URLSearchParams): Promise<Answer> {
  const excluded = query.getAll('exclude')
  const asked = Object.entries(checks).filter(([name]) => !excluded.includes(name))
  const results = await Promise.all(asked.map(async ([name, check]) => [name, await check()] as const))
  const lines = results.map(([name, why]) => (why === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${why}\n`))
  if (results.some(([, why]) => why !== undefined)) return { status: 503, type: 'text/plain', body: lines.join('') }
  return { status: 200, type: 'text/plain', body: `${query.has('verbose') ? lines.join('') : ''}ok\n` }
}

async function answerHealth(store: HealthStore, checks: HealthChecks, query: URLSearchParams): Promise<Answer> {
  const serializable = query.get('serializable') === 'true'
  const why =
    whyUnhealthy(store.health(), serializable, query.getAll('exclude')) ??
    rangeError(await checks.read(serializable ? 'local' : 'linearizable'))
  const body = JSON.stringify({ health: why === undefined ? 'true' : 'false', reason: why ?? '' })
  return { status: why === undefined ? 200 : 503, type: 'application/json', body }
}

/** In the order in which etcd looks at them. */
function whyUnhealthy({ reasons }: Health, serializable: boolean, excluded: readonly string[]): string | undefined {
  const has = (code: string): boolean => reasons.some((reason) => reason.code === code)
  const alarm = ['NOSPACE', 'CORRUPT'].find((code) => has(code) && !excluded.includes(code))
  if (alarm !== undefined) return `ALARM ${alarm}`
  return !serializable && has('NO_LEADER') ? 'RAFT NO LEADER' : undefined
}

function rangeError(why: CheckResult): string | undefined {
  return why?.replace('range error: ', 'RANGE ERROR:').replace('range error', 'RANGE ERROR:')
}

function send(
  { method }: Parameters<HealthHandler>[0],
  response: Parameters<HealthHandler>[1],
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...headers,
  })
  response.end(method === 'HEAD' ? '' : body)
}
