/** A real etcd: started on ports of its own with an empty directory, and killed with what it wrote. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../demo/processes/free-ports.js'

/** In memory where there is such a folder: this etcd syncs every write, and nothing here is about disks. */
const MEMORY_FOLDER = '/dev/shm'
const START_TRIES = 3
const START_MS_MAX = 20_000
const READY = /serving client traffic|ready to serve client requests/

/** What `etcd --version` says, or undefined where there is none. */
export function etcdVersion(): string | undefined {
  const { status, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  if (status !== 0) return undefined
  return /etcd Version: (\S+)/.exec(stdout)?.[1]
}

export class EtcdProcess {
  readonly address: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, folder: string, address: string) {
    this.#child = child
    this.#folder = folder
    this.address = address
    process.once('exit', this.#remove)
  }

  /** A port that was free may be taken by the time it is used: then again, with others. `parent`: of its directory. */
  static async start(parent = existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir()): Promise<EtcdProcess> {
    let failure: unknown
    for (let attempt = 0; attempt < START_TRIES; attempt++) {
      try {
        return await EtcdProcess.#startOnce(parent)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  static async #startOnce(parent: string): Promise<EtcdProcess> {
    const folder = mkdtempSync(join(parent, 'quorate-etcd-'))
    const [client = '', peer = ''] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`)
    const flags = {
      'data-dir': folder,
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
      'bcrypt-cost': '4',
      logger: 'zap',
      'log-outputs': 'stderr',
    }
    const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
    const child = spawn('etcd', given, { stdio: ['ignore', 'ignore', 'pipe'], env: environmentWithoutEtcd() })
    const started = new EtcdProcess(child, folder, client.replace('http://', ''))
    try {
      await ready(child)
      return started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve))
      this.#child.kill('SIGKILL')
      await ended
    }
    this.#remove()
  }

  readonly #remove = (): void => {
    process.off('exit', this.#remove)
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Variables of this name would change its settings. */
function environmentWithoutEtcd(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD_')))
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const late = setTimeout(() => {
      reject(new Error(`etcd was not ready within ${START_MS_MAX} ms; it said:\n${said}`))
    }, START_MS_MAX)
    const settle = (failure?: Error): void => {
      clearTimeout(late)
      if (failure) reject(failure)
      else resolve()
    }
    child.once('error', settle)
    child.once('exit', (code) => {
      settle(new Error(`etcd ended with ${code}; it said:\n${said}`))
    })
    // Also after it is ready: a pipe that nobody reads fills up, and its writer waits.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (READY.test(said)) return
      said += text
      if (READY.test(said)) settle()
    })
  })
}
