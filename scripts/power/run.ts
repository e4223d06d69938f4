/**
 * A power-loss run: what a real member asked of the system while it wrote is replayed on a modelled disk, the power is lost at
 * drawn moments, and a member is opened on what the disk may then hold.
 *
 *     member under strace ─► calls ─► model ─┬─ lose the power ─► directory ─► open, read everything ─┐
 *                                            └──────────────── at the next drawn moment ◄─────────────┘
 *
 * Always: everything that was acknowledged before the loss is there, at its revision, and nothing that nobody wrote; the
 * directory opens, since a loss of power is no damage.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from '../../src/base/checksum.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { checkContents } from '../rot/facts.js'
import { readContents } from '../rot/found.js'
import { Cluster } from '../rot/members.js'
import type { Report } from '../rot/messages.js'
import { Told } from '../rot/told.js'
import type { Order } from './disk-model.js'
import { Replay } from './replay.js'
import { callsOf, TRACED, type Call } from './trace.js'

export interface PowerOptions {
  readonly seed: number
  /** How often the power is lost. */
  readonly losses: number
  readonly order: Order
  /** The program that writes. */
  readonly script: URL
  readonly folder: string
  readonly say: (text: string) => void
}

export interface PowerSummary {
  readonly losses: number
  readonly calls: number
  readonly syncs: number
  readonly acknowledged: number
  readonly failed: readonly FailedLoss[]
}

export interface FailedLoss {
  /** After so many calls. */
  readonly at: number
  readonly message: string
  /** The directory as it was before it was opened. */
  readonly kept: string
}

const STRING_BYTES_MAX = 16 * 1024 * 1024
/** Losses at one moment, each with another fate of what was not synced. */
const FATES_PER_MOMENT = 4
const FAILED_MAX = 10

export async function powerRun(options: PowerOptions): Promise<PowerSummary> {
  const { seed, losses, folder, say } = options
  const root = join(folder, 'data')
  const calls = await record(options, root)
  say(`${calls.length} calls are recorded; losing the power begins`)
  const random = seededRandom(crc32(Buffer.from(`power ${seed}`)))
  const moments = Array.from({ length: Math.ceil(losses / FATES_PER_MOMENT) }, () => below(random, calls.length + 1))
  moments.sort((a, b) => a - b)
  const told = new Told()
  const replay = new Replay(root, options.order, (line) => {
    const report = JSON.parse(line) as Report
    if (report.type !== 'prepared') told.hear(report)
  })
  const failed: FailedLoss[] = []
  let done = 0
  for (const moment of moments) {
    while (replay.at < moment) replay.do(calls[replay.at] as Call)
    for (let fate = 0; fate < FATES_PER_MOMENT && failed.length < FAILED_MAX; fate++, done++) {
      const failure = await loseThePower(replay, random, told, folder)
      if (failure === undefined) continue
      failed.push(failure)
      say(`loss after call ${failure.at} FAILED: ${failure.message.split('\n')[0]}`)
      console.log(`    the directory as it was found: ${failure.kept}`)
    }
  }
  const acknowledged = told.facts().acknowledged.length
  return { losses: done, calls: calls.length, syncs: calls.filter(isSync).length, acknowledged, failed }
}

/** Runs the program that writes, under strace. Rejects when it fails. */
async function record({ script, seed, folder }: PowerOptions, root: string): Promise<Call[]> {
  mkdirSync(root, { recursive: true })
  const trace = join(folder, 'trace')
  const traced = ['-f', '-xx', '-s', String(STRING_BYTES_MAX), '-e', 'signal=none', '-e', `trace=${TRACED.join(',')}`]
  const program = [process.execPath, script.pathname, root, String(seed)]
  await promisify(execFile)('strace', [...traced, '-o', trace, ...program], { maxBuffer: STRING_BYTES_MAX })
  return callsOf(readFileSync(trace, 'latin1'))
}

async function loseThePower(
  { model, at }: Replay,
  random: Random,
  told: Told,
  folder: string,
): Promise<FailedLoss | undefined> {
  const place = mkdtempSync(join(folder, 'lost-'))
  model.loseThePower(random, join(place, 'found'))
  cpSync(join(place, 'found'), join(place, 'opened'), { recursive: true })
  try {
    const store = await new Cluster(1, join(place, 'opened')).open('a')
    try {
      await store.ready()
      checkContents(told.facts(), await readContents(store))
    } finally {
      await store.close()
    }
    rmSync(place, { recursive: true })
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const kept = join(folder, `failed-${at}-${place.slice(-6)}`)
    renameSync(join(place, 'found'), kept)
    rmSync(place, { recursive: true })
    return { at, message, kept }
  }
}

function isSync({ name }: Call): boolean {
  return name === 'fsync' || name === 'fdatasync'
}
