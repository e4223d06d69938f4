/** A real process on a real disk: it alone has the directory, and SIGKILL takes nothing that it acknowledged. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { levelDisk } from '../../../src/storage/level-disk.js'
import { openStorage } from '../../../src/storage/storage.js'
import { temporaryFolder } from '../disks.js'

const APPENDER = fileURLToPath(new URL('appender.ts', import.meta.url))
const IDENTITY = { clusterId: 1, memberId: 2, name: 'parent' }

test('killed again and again', async () => {
  const folder = temporaryFolder()
  let acknowledged = 0
  for (const entries of [1, 40, 150]) {
    const child = spawn(process.execPath, ['--import', 'tsx', APPENDER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line)
      if (acknowledged < entries) continue
      if (!child.killed)
        await expect(openStorage(levelDisk(folder), IDENTITY)).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
      child.kill('SIGKILL')
    }
    await exited
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    expect(storage.log.last.index).toBeGreaterThanOrEqual(acknowledged)
    expect(storage.log.last.index).toBeLessThanOrEqual(acknowledged + 1)
    await storage.close()
  }
})
