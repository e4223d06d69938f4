/** Serves three members, has Prometheus read them, and says what it answers. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { open, type Store } from 'quorate'
import { serveEtcd, type EtcdServer } from 'quorate/etcd'
import { QUERIES, RULES } from './expressions.js'
import { checkMetrics, freePort, Prometheus, type Sample } from './server.js'

/** Until the rates of every expression have their samples. */
const WORK_MS = 12_000
const NAMES = ['a', 'b', 'c'] as const

/** Whether all is as it should be. */
export async function run(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-served-'))
  const stores = await openAll(folder)
  const servers: EtcdServer[] = []
  let prometheus: Prometheus | undefined
  try {
    for (const store of stores) servers.push(await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:0'] }))
    const urls = servers.map(({ clientUrls: [url = ''] }) => url)
    prometheus = await Prometheus.start(
      urls.map((url) => new URL(url).host),
      RULES,
    )
    await work(urls[0] ?? '', stores[0] as Store)
    const problems = [...(await lint(urls[0] ?? '')), ...(await ask(prometheus)), ...(await alerted(prometheus))]
    for (const problem of problems) console.log(`  WRONG: ${problem}`)
    return problems.length === 0
  } finally {
    prometheus?.stop()
    for (const server of servers) await server.close()
    await Promise.all(stores.map((store) => store.close()))
    rmSync(folder, { recursive: true, force: true })
  }
}

async function openAll(folder: string): Promise<Store[]> {
  const ports = await Promise.all(NAMES.map(() => freePort()))
  const cluster = Object.fromEntries(NAMES.map((name, at) => [name, `127.0.0.1:${ports[at]}`]))
  const opening = NAMES.map((name) => {
    // Small, so that the state is written while it runs.
    return open({ name, cluster, dataDir: join(folder, name), stateBufferBytesMax: 64 * 1024, quotaBytes: 1 << 30 })
  })
  const stores = await Promise.all(opening)
  await Promise.all(stores.map((store) => store.ready()))
  return stores
}

/** Calls through the gateway, which count as those over gRPC do. */
async function work(url: string, store: Store): Promise<void> {
  const untilMs = performance.now() + WORK_MS
  const key = Buffer.from('key').toString('base64')
  const value = Buffer.from('x'.repeat(1000)).toString('base64')
  while (performance.now() < untilMs) {
    const asked = [
      ['put', { key, value }],
      ['range', { key }],
    ] as const
    for (const [path, body] of asked) {
      const response = await fetch(`${url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    }
    await store.put('other', 'x'.repeat(1000))
    await pass(20)
  }
}

async function lint(url: string): Promise<string[]> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const found = await checkMetrics(text)
  if (found === undefined) {
    console.log('  promtool: not on the path')
    return []
  }
  // Names that etcd has are what they are: the linter has opinions about some of them.
  const [opinions, errors] = [[] as string[], [] as string[]]
  for (const line of found.split('\n').filter((line) => line !== '')) {
    if (/^(etcd|os|nodejs|process|grpc)_\w+ /.test(line)) opinions.push(line)
    else errors.push(line)
  }
  console.log(
    `  promtool check metrics: ${errors.length} errors, ${opinions.length} opinions about names that etcd has`,
  )
  return errors.map((error) => `promtool: ${error}`)
}

async function ask(prometheus: Prometheus): Promise<string[]> {
  const problems: string[] = []
  for (const expression of QUERIES) {
    const samples = await prometheus.query(expression)
    console.log(`  ${expression}\n    ${describe(samples)}`)
    if (samples.length === 0 || samples.every(({ value: [, text] }) => text === 'NaN')) {
      problems.push(`${expression} gives nothing`)
    }
  }
  const up = await prometheus.query('sum(up{job="etcd"})')
  if (up[0]?.value[1] !== `${NAMES.length}`) problems.push(`up: ${describe(up)}`)
  return problems
}

async function alerted(prometheus: Prometheus): Promise<string[]> {
  const alerts = await prometheus.alerts()
  console.log(`  alerts: ${[...alerts].map(([name, state]) => `${name} ${state}`).join(', ')}`)
  return [...alerts].filter(([, state]) => state !== 'ok inactive').map(([name, state]) => `alert ${name} is ${state}`)
}

function describe(samples: readonly Sample[]): string {
  const shown = samples.slice(0, 3).map(({ value: [, text] }) => String(Number(Number(text).toPrecision(4))))
  return `${samples.length} series: ${shown.join(', ')}${samples.length > 3 ? ', …' : ''}`
}
