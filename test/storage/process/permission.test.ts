/** A file that the process may not read, for real: as another user where this one is root, who may read everything. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { levelDisk } from '../../../src/storage/level-disk.js'
import { openStorage } from '../../../src/storage/storage.js'
import { IDENTITY, entries, temporaryFolder, write } from '../disks.js'
import { copyFolder, fingerprint } from '../folders.js'

const OPENER = fileURLToPath(new URL('opener.ts', import.meta.url))
const NOBODY = 65_534
const root = process.getuid?.() === 0

/** Every file but those of the lock. */
function dataOf(folder: string): Record<string, string> {
  return Object.fromEntries(Object.entries(fingerprint(folder)).filter(([name]) => !name.startsWith('/lock')))
}

async function openElsewhere(folder: string): Promise<unknown> {
  const user = root ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn(process.execPath, ['--import', 'tsx', OPENER, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...user,
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return JSON.parse(output)
}

test.skipIf(process.platform === 'win32')('a log that may not be read is neither passed over nor deleted', async () => {
  const running = temporaryFolder()
  const storage = await openStorage(levelDisk(running), IDENTITY)
  await storage.log.append(write(entries(1, 3, 1)))
  // As a kill leaves it: everything is in LevelDB's own log.
  const folder = join(dirname(running), 'killed')
  copyFolder(running, folder)
  await storage.close()
  if (root) {
    chmodSync(dirname(folder), 0o755)
    for (const path of ['', ...(readdirSync(folder, { recursive: true }) as string[])])
      chownSync(join(folder, path), NOBODY, NOBODY)
  }
  const logs = readdirSync(join(folder, 'log')).filter((name) => name.endsWith('.log'))
  expect(logs).toHaveLength(1)
  const log = join(folder, 'log', logs[0] as string)
  const before = root ? dataOf(folder) : undefined
  const { mode } = lstatSync(log)

  chmodSync(log, 0)
  for (let attempt = 0; attempt < 2; attempt++) {
    const refused = (await openElsewhere(folder)) as { code: string; message: string }
    expect(refused.code).toBe('DISK_FAILED')
    expect(refused.message).toMatch(
      /000\d+\.log cannot be read and written: it belongs to user \d+, group \d+, and has mode 0000/,
    )
    expect(refused.message).toMatch(/this process runs as user \d+.*Give that user permission.*Nothing was changed/)
  }
  chmodSync(log, mode)
  if (before !== undefined) expect(dataOf(folder)).toEqual(before)

  expect(await openElsewhere(folder)).toEqual({ index: 3 })
})
