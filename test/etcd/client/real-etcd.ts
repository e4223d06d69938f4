/** A real etcd, where there is one: on the PATH, or where QUORATE_ETCD says. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ETCD = process.env.QUORATE_ETCD ?? 'etcd'

export function hasEtcd(): boolean {
  return spawnSync(ETCD, ['--version']).status === 0
}

export interface RealEtcd {
  readonly endpoint: string
  stop(): Promise<void>
}

/** A cluster of one with data of its own; resolves when it serves. */
export async function startEtcd(): Promise<RealEtcd> {
  const dataDir = await mkdtemp(join(tmpdir(), 'quorate-etcd-'))
  const [client, peer] = [await freePort(), await freePort()]
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`]
  const flags = {
    'data-dir': dataDir,
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `default=${peerUrl}`,
    'unsafe-no-fsync': 'true',
  }
  const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(ETCD, given, { stdio: ['ignore', 'ignore', 'pipe'] })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended(child)
    await rm(dataDir, { recursive: true, force: true })
  }
  for await (const line of createInterface(child.stderr)) {
    if (line.includes('ready to serve client requests') || line.includes('serving insecure client requests')) break
  }
  child.stderr.resume()
  return { endpoint: `127.0.0.1:${client}`, stop }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
