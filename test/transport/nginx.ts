/** A real nginx, where there is one on the path: its own defaults, and only the places where it writes are ours. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../demo/processes/free-ports.js'

/** What `nginx -v` says, or undefined where there is none. */
export function nginxVersion(): string | undefined {
  const { status, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return status === 0 ? stderr.trim() : undefined
}

export class Nginx {
  readonly address: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, folder: string, address: string) {
    this.#child = child
    this.#folder = folder
    this.address = address
  }

  /** Leads from a path to each target: `/name` to its address. */
  static async start(targets: Readonly<Record<string, string>>): Promise<Nginx> {
    const [port] = await freePorts(1)
    const folder = mkdtempSync(join(tmpdir(), 'quorate-nginx-'))
    writeFileSync(join(folder, 'nginx.conf'), configuration(port as number, targets))
    // One process without a master: it is ended with one signal.
    const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await new Promise<void>((resolve, reject) => {
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
        // In debug or not, it says so once its sockets are open.
        if (said.includes('nginx/')) resolve()
      })
      child.once('exit', () => reject(new Error(`nginx ended: ${said}`)))
    })
    return new Nginx(child, folder, `http://127.0.0.1:${port}`)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve))
      this.#child.kill('SIGKILL')
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function configuration(port: number, targets: Readonly<Record<string, string>>): string {
  const locations = Object.entries(targets).map(([name, target]) => `location /${name}/ { proxy_pass ${target}/; }`)
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`)
  return `
    daemon off; master_process off; pid nginx.pid; error_log stderr notice;
    events { worker_connections 64; }
    http {
      access_log off; ${folders.join(' ')}
      server { listen 127.0.0.1:${port}; ${locations.join(' ')} }
    }`
}
