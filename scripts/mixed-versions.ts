/**
 * Members of two versions in one cluster: three processes out of the sources of an older commit, upgraded one after the other
 * while all of them write, over TCP and on disk.
 *
 *     npm run test:versions            # from the last commit that speaks version 1 of the protocol
 *     npm run test:versions -- COMMIT
 *
 * Fails where a write that was acknowledged is missing at the end, where the states differ, where the members can be changed
 * while one of the older version runs (which speaks version 1), or not once all are upgraded.
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../demo/processes/free-ports.js'
import type { Order, Start, Told } from './mixed-versions/member.js'

/** The last one without channels, questions and changes of members. */
const OLDER = 'f234832'
const WRITES_BETWEEN = 200

const commit = process.argv[2] ?? OLDER
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'quorate-versions-'))
const acknowledged = new Set<string>()

class Running {
  readonly #child: ChildProcess
  readonly #waiting: ((told: Told) => void)[] = []
  #acknowledged = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (told: Told) => {
      if (told.type !== 'acknowledged') this.#waiting.shift()?.(told)
      else {
        acknowledged.add(told.key)
        this.#acknowledged++
        this.onWrite?.()
      }
    })
  }

  onWrite: (() => void) | undefined

  static async start(start: Start): Promise<Running> {
    const script = fileURLToPath(new URL('mixed-versions/member.ts', import.meta.url))
    const running = new Running(fork(script, [JSON.stringify(start)], { execArgv: process.execArgv, cwd: root }))
    await running.#told()
    return running
  }

  async ask(order: Order): Promise<Told> {
    const told = this.#told()
    this.#child.send(order)
    return told
  }

  /** Resolves when so many further writes through it were acknowledged. */
  writes(count: number): Promise<void> {
    const enough = this.#acknowledged + count
    return new Promise((done) => {
      this.onWrite = () => {
        if (this.#acknowledged >= enough) done()
      }
    })
  }

  #told(): Promise<Told> {
    return new Promise((told, failed) => {
      this.#waiting.push(told)
      this.#child.once('exit', (code) => {
        failed(new Error(`a member ended with ${code}`))
      })
    })
  }
}

try {
  await run()
} finally {
  rmSync(folder, { recursive: true })
}

async function run(): Promise<void> {
  const older = sourcesOf(commit)
  const [a, b, c, address] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`) as [string, string, string, string]
  const cluster = { a, b, c }
  const startOf = (name: string, sources: string): Start => ({ sources, name, dataDir: join(folder, name), cluster })
  const running = new Map<string, Running>()
  for (const name of Object.keys(cluster)) running.set(name, await Running.start(startOf(name, older)))
  const all = (): Running[] => [...running.values()]
  await Promise.all(all().map((member) => member.writes(WRITES_BETWEEN)))
  console.log(`three members of ${commit} run`)
  for (const [nth, name] of Object.keys(cluster).entries()) {
    await running.get(name)?.ask({ type: 'close' })
    const upgraded = await Running.start(startOf(name, resolve(root)))
    running.set(name, upgraded)
    await Promise.all(all().map((member) => member.writes(WRITES_BETWEEN)))
    const told = await upgraded.ask({ type: 'add', address })
    const refused = told.type === 'add' ? told.refused : undefined
    console.log(`${name} is upgraded; a change of members is ${refused ?? 'made'}`)
    if (refused !== (nth < 2 ? 'MEMBERS_TOO_OLD' : undefined)) throw new Error('that should not be so')
  }
  await check(all())
  await Promise.all(all().map((member) => member.ask({ type: 'close' })))
}

async function check(members: readonly Running[]): Promise<void> {
  await Promise.all(members.map((member) => member.ask({ type: 'stop-writing' })))
  const states = new Set<string>()
  for (const member of members) {
    const told = await member.ask({ type: 'keys' })
    const keys = new Set(told.type === 'keys' ? told.keys : [])
    const missing = [...acknowledged].filter((key) => !keys.has(key))
    if (missing.length > 0) throw new Error(`${missing.length} writes are missing that were acknowledged`)
    // What a linearizable read saw, all have applied.
    const status = await member.ask({ type: 'status' })
    if (status.type === 'status') states.add(`${status.appliedIndex} ${status.digest}`)
  }
  if (states.size > 1) throw new Error(`the states differ: ${[...states].join(', ')}`)
  console.log(`${acknowledged.size} writes were acknowledged, none is missing, and the states are the same`)
}

/** As they were at that commit, beside the packages of now. */
function sourcesOf(commit: string): string {
  const target = join(folder, 'older')
  mkdirSync(target)
  const archive = execFileSync('git', ['archive', commit, 'src', 'package.json', 'tsconfig.json'], {
    cwd: root,
    maxBuffer: 2 ** 28,
  })
  execFileSync('tar', ['-x', '-C', target], { input: archive })
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'))
  return target
}
