/** One member of a run with partitions, in a network namespace of its own: `member.ts <settings as JSON>`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { Parent } from '../../demo/processes/parent.js'
import { compare, get, isStoreError, open, put, type Logger, type Store, type WatchEvent } from '../../src/index.js'
import {
  check,
  etcdModel,
  historyPage,
  record,
  seededRandom,
  watchOracle,
  type History,
} from '../../src/testing/index.js'
import { httpTransport } from '../../src/transport/index.js'
import { mergeHistories, TimedHistory } from './merge.js'
import type { Command, Counts, Judgement, MemberSettings, Report } from './messages.js'

const KEYS = 6
const CALL_MS_MAX = 1500
/** Between two calls of one client; after one that failed, ten times as long. */
const PAUSE_MS = 8

const settings = JSON.parse(process.argv[2] ?? '') as MemberSettings
const history = new TimedHistory()
let working = false
let clients: Promise<unknown> = Promise.resolve()

const parent = new Parent<Command, Report>(answer)
const { transport, ...options } = settings
const address = settings.cluster[settings.name] ?? ''
const store = await open({
  ...options,
  logger: logger(),
  insecure: true,
  ...(transport === 'http' && {
    transport: (environment) => httpTransport({ listen: new URL(address).host, environment, insecure: true }),
  }),
})
store.on('failed', (error) => void parent.report({ type: 'failed', reason: error.stack ?? error.message }))
await parent.report({ type: 'opened' })

async function answer(command: Command): Promise<unknown> {
  switch (command.type) {
    case 'work':
      working = true
      clients = Promise.all(
        Array.from({ length: command.clients }, (_, nth) => work(`${settings.name}/${nth}`, command.seed + nth)),
      )
      return undefined
    case 'rest':
      working = false
      await clients
      return undefined
    case 'ready':
      return store.ready({ timeoutMs: 30_000 })
    case 'status':
      return store.status()
    case 'history':
      writeFileSync(command.path, history.toJsonLines())
      return undefined
    case 'judge':
      return judge(command.paths, command.page)
  }
}

async function work(client: string, seed: number): Promise<void> {
  const recorded = record(store, { history, client })
  const random = seededRandom(seed)
  const below = (limit: number): number => random.uint32() % limit
  for (let nth = 0; working; nth++) {
    let pauseMs = 1 + below(2 * PAUSE_MS)
    try {
      await call(recorded, `key/${below(KEYS)}`, `${client}#${nth}`, below(10))
    } catch (error) {
      if (!isStoreError(error)) throw error
      pauseMs = 10 * PAUSE_MS
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

async function call(recorded: Store, key: string, value: string, kind: number): Promise<void> {
  const limits = { timeoutMs: CALL_MS_MAX }
  if (kind < 3) await recorded.put(key, value, limits)
  else if (kind < 6) await recorded.get(key, limits)
  else if (kind < 7) await recorded.range({ prefix: 'key/' }, limits)
  else if (kind < 8) await recorded.delete(key, limits)
  else {
    const found = await recorded.get(key, limits)
    const unchanged = compare(key).modRevision('=', found?.modRevision ?? 0)
    await recorded.txn({ compare: [unchanged], success: [put(key, value)], failure: [get(key)] }, limits)
  }
}

async function judge(paths: readonly string[], page: string): Promise<Judgement> {
  const merged = mergeHistories(paths.map((path) => readFileSync(path, 'utf8')))
  const { revision } = store.status()
  const verdict = check(merged, etcdModel, { oracle: watchOracle(await changes(revision)) })
  const explanation = 'explanation' in verdict ? verdict.explanation : ''
  if (verdict.verdict === 'illegal') writeFileSync(page, historyPage(merged, verdict))
  return { verdict: verdict.verdict, explanation, calls: countsOf(merged), revision }
}

async function changes(revision: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = []
  if (revision < 2) return events
  for await (const event of store.watch({ prefix: '' }, { startRevision: 2 })) {
    events.push(event)
    if (event.revision >= revision) break
  }
  return events
}

function countsOf({ calls }: Pick<History, 'calls'>): Counts {
  const of = (outcome: string): number => calls.filter((each) => each.outcome === outcome).length
  return { ok: of('ok'), refused: of('refused'), unknown: of('unknown') + of('pending') }
}

function logger(): Logger {
  const write =
    (level: string) =>
    (message: string, fields: object = {}): void => {
      console.log(new Date().toISOString(), level, message, JSON.stringify(fields))
    }
  return { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') }
}
