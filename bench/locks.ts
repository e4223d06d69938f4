/**
 * Locks taken and given back, beside the lock of the `etcd3` client on a real etcd: `npm run bench -- locks`. What the
 * figures mean: bench/README.md.
 *
 * Everything is measured in turn with the rest, several rounds, and the median is shown: machines drift, ratios hold. The
 * peer is left out where there is no etcd on the path (Debian: `apt-get download etcd-server`, `dpkg -x`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3, EtcdLockFailedError } from 'etcd3'
import { Mutex, open, Session, type Store } from 'quorate'
import { EtcdProcess, etcdVersion } from '../scripts/etcd-diff/etcd-process.js'
import { closeAll, median, storeAt, three } from './common.js'

const ROUNDS = 3
const TIMES: Readonly<Record<number, number>> = { 1: 200, 16: 320 }
const TTL_MS = 10_000
/** The lock of etcd3 tries once: who did not get it tries again after a random time up to this. */
const RETRY_MS_MAX = 5

/** Somebody who takes the lock and gives it back. */
type Contender = () => Promise<unknown>

interface Subject {
  readonly name: string
  readonly contender: (number: number) => Contender
  readonly close: () => Promise<unknown>
}

const folder = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
const version = etcdVersion()
try {
  if (version === undefined) console.log('no etcd on the path: the etcd3 client is left out')
  for (const contenders of [1, 16]) await compare(contenders)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function compare(contenders: number): Promise<void> {
  const makes = [aloneOwn, aloneShared, threeOwn, threeShared, ...(version === undefined ? [] : [peer])]
  const rates = new Map<string, number[]>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const make of makes) {
      const subject = await make(join(folder, `${contenders}-${round}-${make.name}`))
      const rate = await measure(subject, contenders)
      rates.set(subject.name, [...(rates.get(subject.name) ?? []), rate])
      await subject.close()
    }
  }
  const base = version === undefined ? undefined : median([...rates.values()].at(-1) ?? [])
  console.log(
    `\n${contenders} on one key, taken and given back per second, median of ${ROUNDS} (least to most; ratio to etcd3)`,
  )
  for (const [name, each] of rates) {
    const ratio = base === undefined ? '' : `   ${(median(each) / base).toFixed(2)}`
    const [least = 0] = [...each].sort((a, b) => a - b)
    console.log(
      `  ${name.padEnd(56)} ${shown(median(each))} (${shown(least).trim()} to ${shown(Math.max(...each)).trim()})${ratio}`,
    )
  }
}

async function measure(subject: Subject, contenders: number): Promise<number> {
  const all = Array.from({ length: contenders }, (_, number) => subject.contender(number))
  for (const contend of all) await contend()
  const times = TIMES[contenders] ?? 200
  let left = times
  const startMs = performance.now()
  await Promise.all(
    all.map(async (contend) => {
      while (left-- > 0) await contend()
    }),
  )
  return (times / (performance.now() - startMs)) * 1000
}

async function aloneOwn(path: string): Promise<Subject> {
  return own('one member on disk, a session for each lock', [await alone(path)])
}

async function aloneShared(path: string): Promise<Subject> {
  return shared('one member on disk, one shared session', [await alone(path)])
}

async function threeOwn(path: string): Promise<Subject> {
  return own('three members in one process, TCP, disk, own sessions', await three(path))
}

async function threeShared(path: string): Promise<Subject> {
  return shared('three members in one process, TCP, disk, shared session', await three(path))
}

function own(name: string, stores: readonly Store[]): Subject {
  return {
    name,
    contender: (number) => {
      const mutex = new Mutex(storeAt(stores, number), 'work')
      return () => mutex.withLock(() => undefined, { ttlMs: TTL_MS })
    },
    close: () => closeAll(stores),
  }
}

/** One session for each member. */
async function shared(name: string, stores: readonly Store[]): Promise<Subject> {
  const sessions = await Promise.all(stores.map((store) => Session.open(store, { ttlMs: TTL_MS })))
  return {
    name,
    contender: (number) => {
      const session = sessions[number % sessions.length]
      const mutex = new Mutex(storeAt(stores, number), 'work', { session })
      return () => mutex.withLock(() => undefined)
    },
    close: async () => {
      await Promise.all(sessions.map((session) => session.close()))
      await closeAll(stores)
    },
  }
}

/** One etcd on the same disk as ours, and one client for all contenders, as ours share a process. */
async function peer(): Promise<Subject> {
  const etcd = await EtcdProcess.start(folder)
  const client = new Etcd3({ hosts: etcd.address })
  return {
    name: `etcd3 1.1.2, one etcd ${version ?? ''} on disk`,
    contender: () => async () => {
      for (;;) {
        const lock = client.lock('work').ttl(TTL_MS / 1000)
        try {
          await lock.acquire()
          await lock.release()
          return
        } catch (error) {
          if (!(error instanceof EtcdLockFailedError)) throw error
          await new Promise((resolve) => setTimeout(resolve, Math.random() * RETRY_MS_MAX))
        }
      }
    },
    close: () => {
      client.close()
      return etcd.stop()
    },
  }
}

async function alone(path: string): Promise<Store> {
  const store = await open({ dataDir: path })
  await store.ready()
  return store
}

function shown(rate: number): string {
  return Math.round(rate).toLocaleString('en').padStart(6)
}
