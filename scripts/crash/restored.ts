/**
 * A new cluster out of a snapshot that was taken while members were killed, with restores that are killed themselves.
 *
 * Always: a directory in which a restore was killed is refused by every open, until a restore into it is done.
 */
import { fork } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isStoreError, open, snapshotStatus, type RestoreOptions } from '../../src/index.js'
import { below, type Random } from '../../src/base/random.js'
import { CrashCluster } from './cluster.js'
import type { Change } from './messages.js'

export interface RestoreTrial {
  readonly random: Random
  /** A snapshot of the cluster. */
  readonly from: string
  readonly folder: string
  readonly names: readonly string[]
  readonly memberScript: URL
  readonly restoreScript: URL
  /** How many restores are killed. */
  readonly kills: number
  /** All changes of the cluster. */
  readonly history: readonly Change[]
}

const TOKEN = 'after the crash'
/** From when it begins. */
const KILL_MS_MAX = 50
const TIMES = { electionTimeoutMs: 200, heartbeatIntervalMs: 20 } as const

/** Resolves with how many directories were refused because of a killed restore. Throws what is wrong. */
export async function restoreTrial(trial: RestoreTrial): Promise<number> {
  const { from, folder, names, memberScript, restoreScript, random } = trial
  const { revision } = await snapshotStatus(from)
  let refused = 0
  const cluster = await CrashCluster.create(names, folder, memberScript, {
    ...TIMES,
    clusterToken: TOKEN,
    watches: false,
  })
  for (let kill = 0; kill < trial.kills; kill++) {
    const target = {
      ...targetOf(trial, cluster, names[kill % names.length] ?? ''),
      dataDir: join(folder, `killed-${kill}`),
    }
    if ((await runRestore(restoreScript, target, below(random, KILL_MS_MAX))) !== null) continue
    if (!(await isRefused(target))) continue
    refused++
    await mustRestore(restoreScript, target)
  }
  for (const name of names) await mustRestore(restoreScript, targetOf(trial, cluster, name))
  try {
    for (const member of cluster.members) cluster.start(member)
    await cluster.heard.until('the restored members are ready', () => cluster.allReady)
    for (const member of cluster.members) {
      const found = await cluster.history(member, revision)
      const { compactRevision } = await cluster.status(member)
      const expected = trial.history.filter(
        (change) => change.revision > compactRevision && change.revision <= revision,
      )
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`${member.name}, restored, has another history than the cluster had up to revision ${revision}`)
    }
  } finally {
    await cluster.clear()
  }
  return refused
}

async function mustRestore(script: URL, target: Target): Promise<void> {
  const code = await runRestore(script, target, undefined)
  if (code !== 0) throw new Error(`the restore into ${target.dataDir} ended with ${code}`)
}

/** Of one restore: everything is said. */
type Target = RestoreOptions & Required<Pick<RestoreOptions, 'name' | 'cluster' | 'dataDir'>>

function targetOf({ from }: RestoreTrial, cluster: CrashCluster, name: string): Target {
  return { from, name, cluster: cluster.addresses, clusterToken: TOKEN, dataDir: cluster.directory(name) }
}

/** Its exit code; null when it was killed. */
function runRestore(script: URL, target: Target, killMs: number | undefined): Promise<number | null> {
  return new Promise((resolve) => {
    const child = fork(script, [JSON.stringify(target)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    let timer: NodeJS.Timeout | undefined
    child.once('message', () => {
      if (killMs !== undefined) timer = setTimeout(() => child.kill('SIGKILL'), killMs)
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve(code)
    })
  })
}

/** Whether it was refused, and not killed before it had left anything or behind its last step. */
async function isRefused({ name, cluster, clusterToken, dataDir }: Target): Promise<boolean> {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return false
  try {
    const store = await open({ ...TIMES, name, cluster, clusterToken, dataDir })
    const { revision } = store.status()
    await store.close()
    if (revision > 1) return false
  } catch (error) {
    if (isStoreError(error, 'DATA_DAMAGED')) return true
    throw error
  }
  throw new Error(`a restore into ${dataDir} was killed, and what it left opens as a new member`)
}
