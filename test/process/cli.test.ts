/** The program `quorate` as it is built: a process of its own, with pipes. `npm test` builds it first. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { open } from '../../src/store/open.js'
import { fingerprint } from '../storage/folders.js'

const program = fileURLToPath(new URL(`../../${packageJson.bin.quorate}`, import.meta.url))
const built = existsSync(program)

test.skipIf(!built)('the built program runs by itself and tells its version', () => {
  expect(execFileSync(program, ['--version'], { encoding: 'utf8' })).toBe(`quorate ${packageJson.version}\n`)
})

test.skipIf(!built)('a reader that goes away is no failure', async () => {
  const child = spawn(program, ['--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let err = ''
  child.stderr.on('data', (text) => (err += String(text)))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect({ code, err }).toEqual({ code: 0, err: '' })
})

const root = process.getuid?.() === 0
const unprivileged = root ? { uid: 65_534, gid: 65_534 } : {}

/** Readable for everybody; gone when the test is over. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-program-'))
  chmodSync(folder, 0o777)
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

test.skipIf(!built)('a directory that may not be written to is saved without its lock, and that is said', async () => {
  const folder = temporaryFolder()
  const dataDir = join(folder, 'data')
  const store = await open({ dataDir })
  await store.put('a', '1')
  await store.close()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isFile() ? 0o444 : 0o555)
  const before = fingerprint(dataDir)
  const words = ['snapshot', 'save', join(folder, 'x.snapshot'), '--data-dir', dataDir, '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    encoding: 'utf8',
    ...unprivileged,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/it was not locked/) as string })
  expect(JSON.parse(stdout)).toMatchObject({ revision: 2, locked: false })
  expect(fingerprint(dataDir)).toEqual(before)
  for (const name of ['', 'log', 'state', 'lock']) chmodSync(join(dataDir, name), 0o755)
})

test.skipIf(!built || !existsSync('/dev/full'))('an output that is full is a failure in one line', () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(program, ['--help'], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] })
  closeSync(full)
  expect(status).toBe(1)
  expect(stderr).toMatch(/^quorate: cannot write what was asked for: ENOSPC.*\n$/)
})

test.skipIf(!built)('a file that may not be read is told as such, in one line', async () => {
  const dataDir = join(temporaryFolder(), 'data')
  await (await open({ dataDir })).close()
  if (root)
    for (const name of ['', ...(readdirSync(dataDir, { recursive: true }) as string[])])
      chownSync(join(dataDir, name), unprivileged.uid ?? 0, unprivileged.gid ?? 0)
  chmodSync(join(dataDir, 'high-water'), 0)
  for (const words of [
    ['verify', dataDir],
    ['snapshot', 'save', join(dataDir, '../x'), '--data-dir', dataDir],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', ...unprivileged })
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^quorate: .* cannot be read: EACCES.*permission to read everything there\. \(DISK_FAILED\)\n$/,
    )
  }
})

test.skipIf(!built || process.platform === 'win32').each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a command at once, with one line, and leaves no copy', async (signal, code) => {
  const folder = temporaryFolder()
  const dataDir = join(folder, 'data')
  await (await open({ dataDir })).close()
  const child = spawn(process.execPath, [program, 'verify', dataDir], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (text) => (err += String(text)))
  const watched = watch(folder, () => void child.kill(signal))
  const [exit, by] = (await once(child, 'close')) as [number | null, string | null]
  watched.close()
  expect({ ended: exit ?? by, err }).toEqual({
    ended: exit === null ? signal : code,
    err: `quorate: ended by ${signal}\n`,
  })
  expect(readdirSync(folder)).toEqual(['data'])
})
