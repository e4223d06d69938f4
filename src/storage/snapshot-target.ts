/**
 * Where snapshots never go: into the data directory of a member. One that is named like a file of the member would take its
 * place, by a durable rename; any other one is lost with the disk that it is to make up for.
 */
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { StoreError } from '../base/errors.js'
import { isMissing } from './folder.js'

/** Any of these makes a folder that of a member, also where the others are lost. */
const SIGNS = ['high-water', 'restoring', 'log/CURRENT', 'state/CURRENT', 'state-2/CURRENT', 'lock/LOCK'] as const

/**
 * Rejects with `ALREADY_EXISTS` where `folder`, or anything above it, is a data directory, by its signs or because it is
 * `dataDir`. Links are followed; none of them need exist.
 */
export async function refuseDataDirectory(target: string, folder: string, dataDir?: string): Promise<void> {
  const given = dataDir === undefined ? undefined : await truePath(dataDir)
  for (let above = await truePath(folder); ; above = dirname(above)) {
    if (above === given || (await holdsData(above))) {
      throw new StoreError(
        'ALREADY_EXISTS',
        `${target} lies in ${above}, the data directory of a member: snapshots are never written there, where they could ` +
          'replace its files and would be lost with them. Choose a place outside it.',
      )
    }
    if (above === dirname(above)) return
  }
}

/** Of what is not there yet: by the folder above it. */
async function truePath(path: string): Promise<string> {
  const whole = resolve(path)
  try {
    return await realpath(whole)
  } catch {
    const above = dirname(whole)
    return above === whole ? whole : join(await truePath(above), basename(whole))
  }
}

async function holdsData(folder: string): Promise<boolean> {
  for (const sign of SIGNS) if (await isThere(join(folder, sign))) return true
  return false
}

/** What may not even be looked at is not there for us, and cannot be written to either. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isMissing(error) || ['ENOTDIR', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return false
    }
    throw error
  }
}
