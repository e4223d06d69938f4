/** Prometheus as a process: scrapes every half second, and answers queries. */
import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'

/** Undefined where there is none on the path. */
export function prometheusVersion(): string | undefined {
  const { stdout, stderr, status } = spawnSync('prometheus', ['--version'], { encoding: 'utf8' })
  return status === 0 ? /version (\S+)/.exec(stdout + stderr)?.[1] : undefined
}

/** What `promtool check metrics` finds; undefined where there is no promtool. */
export async function checkMetrics(text: string): Promise<string | undefined> {
  if (spawnSync('promtool', ['--version']).status !== 0) return undefined
  return new Promise((resolve) => {
    const tool = execFile('promtool', ['check', 'metrics'], (_error, stdout, stderr) => resolve(stdout + stderr))
    tool.stdin?.end(text)
  })
}

export type Rules = readonly { readonly alert: string; readonly expr: string }[]

/** Labels with a number, one for each series. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export class Prometheus {
  readonly #process: ChildProcess
  readonly #url: string
  readonly #folder: string

  private constructor(process: ChildProcess, url: string, folder: string) {
    this.#process = process
    this.#url = url
    this.#folder = folder
  }

  static async start(targets: readonly string[], rules: Rules): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-prometheus-'))
    const rulesFile = join(folder, 'rules.yml')
    // JSON is YAML.
    writeFileSync(rulesFile, JSON.stringify({ groups: [{ name: 'etcd', interval: '1s', rules }] }))
    const configuration = {
      global: { scrape_interval: '500ms', scrape_timeout: '400ms', evaluation_interval: '1s' },
      rule_files: [rulesFile],
      scrape_configs: [{ job_name: 'etcd', static_configs: [{ targets }] }],
    }
    const file = join(folder, 'prometheus.yml')
    writeFileSync(file, JSON.stringify(configuration))
    if (spawnSync('promtool', ['--version']).status === 0) execFileSync('promtool', ['check', 'config', file])
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const process = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    const prometheus = new Prometheus(process, url, folder)
    globalThis.process.once('exit', () => prometheus.stop())
    return prometheus
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const body = (await this.#get(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as Answer
    if (body.status !== 'success') throw new Error(`${expression}: ${body.error}`)
    return body.data.result
  }

  /** The state of each alert: `inactive`, `pending` or `firing`. */
  async alerts(): Promise<ReadonlyMap<string, string>> {
    const body = (await this.#get('/api/v1/rules')) as RulesAnswer
    return new Map(
      body.data.groups.flatMap(({ rules }) => rules.map(({ name, state, health }) => [name, `${health} ${state}`])),
    )
  }

  stop(): void {
    this.#process.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** It may not listen yet. */
  async #get(path: string): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      try {
        return await (await fetch(this.#url + path)).json()
      } catch (error) {
        if (tries === 40) throw error
        await pass(250)
      }
    }
  }
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly Sample[] }
}

interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly state: string; readonly health: string }[]
    }[]
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
