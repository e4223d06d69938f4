/**
 * A member on a real disk that fills up: a small file system in memory (tmpfs), which only root may mount, on Linux.
 *
 *     npx tsx scripts/full-disk.ts
 *
 * Nearly full: adding is refused, the rest goes on. Full, by the files of others: the member stops and does not start. With
 * room again: it opens with everything that was acknowledged. Fails when anything of that is not so.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isStoreError, type ErrorCode, type StoreError } from '../src/base/errors.js'
import { open } from '../src/store/open.js'

const DISK_MEBIBYTES = 160
const VALUE = Buffer.alloc(256 * 1024, 'x')

if (process.platform !== 'linux' || process.geteuid?.() !== 0) {
  console.log('skipped: a small file system can be mounted by root on Linux only')
  process.exit(0)
}
const mountPoint = mkdtempSync(join(tmpdir(), 'quorate-full-disk-'))
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEBIBYTES}m`, 'tmpfs', mountPoint])
try {
  await run(join(mountPoint, 'data'), join(mountPoint, 'of-others'))
  console.log('done: nothing acknowledged is missing')
} finally {
  execFileSync('umount', ['--lazy', mountPoint])
  rmSync(mountPoint, { recursive: true })
}

async function run(dataDir: string, ballast: string): Promise<void> {
  const first = await open({ dataDir })
  let acknowledged = 0
  const refused = await refusal('NO_SPACE', async () => {
    for (let nth = 0; nth < 1_000; nth++, acknowledged++) await first.put(`key ${nth}`, VALUE)
  })
  console.log(`nearly full after ${acknowledged} puts: ${refused.message}`)
  for (let nth = 0; nth < 5; nth++) await first.delete(`key ${nth}`)
  if ((await first.get('key 5'))?.value.byteLength !== VALUE.byteLength) throw new Error('a read is not answered')

  fill(ballast)
  const stopped = await refusal('MEMBER_FAILED', async () => {
    for (;;) await first.delete('key 5')
  })
  console.log(`full: ${stopped.message}`)
  await first.close().catch(() => undefined)
  const unopened = await refusal('DISK_FAILED', async () => (await open({ dataDir })).close())
  console.log(`opened again: ${unopened.message}`)

  rmSync(ballast)
  const second = await open({ dataDir })
  await second.ready()
  const { count } = await second.range({ prefix: 'key ' }, { countOnly: true })
  if (count !== acknowledged - 5 && count !== acknowledged - 6) throw new Error(`${count} keys of ${acknowledged - 5}`)
  await second.delete({ prefix: 'key ' })
  await second.compact(second.status().revision, { physical: true })
  await second.maintenance.defragment()
  await second.maintenance.disarm()
  await second.put('key', 'after')
  console.log(`with room: ${count} keys are there, and a put is taken`)
  await second.close()
}

/** To the last byte. */
function fill(path: string): void {
  for (const bytes of [2 ** 20, 4096, 1]) {
    const block = Buffer.alloc(bytes)
    try {
      for (;;) writeFileSync(path, block, { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
}

async function refusal(code: ErrorCode, action: () => Promise<void>): Promise<StoreError> {
  try {
    await action()
  } catch (error) {
    if (isStoreError(error, code)) return error
    throw error
  }
  throw new Error(`${code} is expected, and nothing failed`)
}
