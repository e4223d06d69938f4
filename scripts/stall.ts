/**
 * A leader whose application holds up its event loop for longer than an election timeout, in real processes: the others elect
 * another leader and acknowledge a write meanwhile, and what the first one answers when it wakes is not older than that.
 *
 *     npx tsx scripts/stall.ts
 *
 * The loop is held up until that write is acknowledged, so however slow the machine is, nothing here depends on times. Exit
 * code: 0 nothing stale was served, 1 it was.
 */
import { fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../demo/processes/free-ports.js'
import { open, type Store } from '../src/index.js'

/** The first is to lead: its time without a leader is over before that of the others has begun. */
const ELECTION_TIMEOUT_MS = 500
const OTHERS_TIMEOUT_MS = 1_500
const BLOCKED_MS_MAX = 60_000

const [role, ports = '', file = ''] = process.argv.slice(2)
if (role === 'others') await runOthers(ports.split(',').map(Number), file)
else process.exitCode = (await run()) ? 0 : 1

async function run(): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), 'quorate-stall-'))
  const file = join(directory, 'acknowledged')
  const free = await freePorts(3)
  const others = fork(process.argv[1] ?? '', ['others', free.join(','), file])
  const store = await open({
    name: 'a',
    cluster: clusterOf(free),
    durability: 'none',
    electionTimeoutMs: ELECTION_TIMEOUT_MS,
  })
  try {
    await untilLed(store, (leader) => leader === 'a')
    await store.put('key', 'first')
    const { term } = store.status()
    console.log(`a leads in term ${term}; its application now holds up its event loop`)
    const under = store.get('key')
    holdUpUntil(() => existsSync(file))
    const claims = store.status().role
    const asked = store.get('key')
    const answer = (await asked)?.text()
    await under
    const { eventLoop, leader, term: now } = store.status()
    console.log(`meanwhile ${readFileSync(file, 'utf8')}, and acknowledged 'second'`)
    console.log(`a stood still for ${Math.round(eventLoop.lastStallMs ?? 0)} ms, and took itself for the ${claims}`)
    console.log(`asked then, it answered '${answer}', under ${leader} in term ${now}`)
    const noticed = eventLoop.stalls > 0 && (eventLoop.lastStallMs ?? 0) >= ELECTION_TIMEOUT_MS
    const passed = answer === 'second' && noticed && now > term
    console.log(passed ? 'passed: nothing stale was served' : 'FAILED')
    return passed
  } finally {
    others.disconnect()
    await store.close()
    rmSync(directory, { recursive: true })
  }
}

/** Nothing else runs in this process meanwhile. */
function holdUpUntil(over: () => boolean): void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const endMs = performance.now() + BLOCKED_MS_MAX
  while (!over() && performance.now() < endMs) Atomics.wait(cell, 0, 0, 20)
}

async function runOthers(ports: readonly number[], file: string): Promise<void> {
  const stores: Store[] = []
  for (const name of ['b', 'c']) {
    const options = { cluster: clusterOf(ports), durability: 'none', electionTimeoutMs: OTHERS_TIMEOUT_MS } as const
    stores.push(await open({ name, ...options }))
  }
  process.once('disconnect', () => {
    void Promise.all(stores.map((store) => store.close())).then(() => process.exit())
  })
  const [store] = stores
  if (store === undefined) return
  await untilLed(store, (leader) => leader === 'a')
  await untilLed(store, (leader) => leader === 'b' || leader === 'c')
  await store.put('key', 'second', { timeoutMs: BLOCKED_MS_MAX })
  const { leader, term } = store.status()
  writeFileSync(file, `${leader} was elected in term ${term}`)
}

/** Resolves when a leader that is wanted is known. */
function untilLed(store: Store, wanted: (leader: string | undefined) => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (wanted(store.status().leader)) {
      resolve()
      return
    }
    const off = store.on('leader', ({ leader }) => {
      if (!wanted(leader)) return
      off()
      resolve()
    })
  })
}

function clusterOf([a, b, c]: readonly number[]): Record<string, string> {
  return { a: `127.0.0.1:${a}`, b: `127.0.0.1:${b}`, c: `127.0.0.1:${c}` }
}
