/** `inspect`, `verify` and `snapshot save` on the command line. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { open } from '../../src/store/open.js'
import { restore } from '../../src/store/restore.js'
import { fingerprint, withDatabase } from '../storage/folders.js'
import { stoppedMember, temporaryFolder, type Stopped } from '../store/stopped-member.js'
import { quorate } from './command-line.js'

async function damageLog(folder: string): Promise<void> {
  await withDatabase(folder, 'log', async (database) => {
    const [first = ''] = await database.keys({ lt: 'h', limit: 1 }).all()
    await database.put(first, Buffer.from('damaged'))
  })
}

describe('inspect and verify', () => {
  test('tell of a directory that is whole and end with 0, of a damaged one and end with 1', async () => {
    const { closed } = await stoppedMember({ name: 'a' })
    const inspected = await quorate('inspect', closed)
    expect(inspected).toMatchObject({ code: 0, err: '' })
    expect(inspected.out).toMatch(/^member +'a' \(id \d+\)$/m)
    expect(inspected.out).toMatch(/^keys +5$/m)
    expect(inspected.out).toMatch(/^damage +none$/m)
    const verified = await quorate('verify', closed)
    expect(verified.code).toBe(0)
    expect(verified.out).toMatch(/^log +\d+ records with \d+ entries read/m)
    expect(JSON.parse((await quorate('verify', closed, '--json')).out)).toMatchObject({
      ...{ whole: true, torn: false, damage: [], checked: { stateDigests: true } },
    })
    await damageLog(closed)
    const damaged = await quorate('verify', closed, '-w', 'table')
    expect(damaged.code).toBe(1)
    expect(damaged.out).toMatch(/^\| damage +\| the log record at or behind entry 1 is unreadable/m)
    const { code, out } = await quorate('inspect', closed, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ identity: { name: 'a' }, state: { whole: { keys: 5 } } })
  })

  test('show no value and no password', async () => {
    const { closed } = await stoppedMember()
    for (const format of ['simple', 'table', 'json']) {
      const { out } = await quorate('inspect', closed, '-w', format)
      expect(out).not.toMatch(/value|secret|scrypt|key-0/)
    }
  })

  test('say what a directory is that is none of a member, with 1', async () => {
    const folder = temporaryFolder()
    expect(await quorate('inspect', folder)).toMatchObject({ code: 1, out: '' })
    expect((await quorate('inspect', folder)).err).toMatch(/is empty: no member has been opened in it\. \(NO_DATA\)/)
    expect((await quorate('verify', join(folder, 'none'))).err).toMatch(/There is no directory/)
  })
})

test('a pipe in the place of the high-water file is damage, and a folder for the copy that is none is named', async () => {
  const { closed, folder } = await stoppedMember()
  const wrong = await quorate('verify', closed, '--temp-dir', join(folder, 'none'))
  expect(wrong.err).toMatch(/no copy to look into can be made in .*none: .*\(DISK_FAILED\)/)
  rmSync(join(closed, 'high-water'))
  execFileSync('mkfifo', [join(closed, 'high-water')])
  const { code, out } = await quorate('verify', closed)
  expect(code).toBe(1)
  expect(out).toMatch(/^damage +the high-water file cannot be read/m)
})

describe('snapshot save', () => {
  async function contentOf(file: string): Promise<Record<string, string>> {
    const dataDir = join(temporaryFolder(), 'restored')
    const options = { dataDir, clusterToken: 'restored' }
    await restore({ from: file, ...options })
    const store = await open(options)
    await store.ready()
    const { items } = await store.range({ prefix: '' })
    await store.close()
    return Object.fromEntries(items.map((item) => [item.key, item.text()]))
  }

  const LAST = Object.fromEntries([0, 1, 2, 3, 4].map((at) => [`key-${at}`, 'last']))

  async function save(from: string, { folder }: Stopped, ...flags: readonly string[]) {
    const file = join(folder, 'saved.snapshot')
    return { file, ...(await quorate('snapshot', 'save', file, '--data-dir', from, ...flags)) }
  }

  test('after a crash has all that was acknowledged, and leaves the directory as it was', async () => {
    const stopped = await stoppedMember()
    const withoutLock = (folder: string) =>
      Object.entries(fingerprint(folder)).filter(([name]) => !name.startsWith('/lock'))
    const before = withoutLock(stopped.crashed)
    const { file, code, out, err } = await save(stopped.crashed, stopped, '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ path: file, revision: 12, damage: [] })
    expect((JSON.parse(out) as { replayed: number }).replayed).toBeGreaterThan(10)
    expect(withoutLock(stopped.crashed)).toEqual(before)
    expect(readdirSync(stopped.folder).sort()).toEqual(['closed', 'crashed', 'saved.snapshot'])
    expect(await contentOf(file)).toEqual(LAST)
  })

  test('replaces a file only where that is said', async () => {
    const stopped = await stoppedMember()
    writeFileSync(join(stopped.folder, 'saved.snapshot'), 'mine')
    expect((await save(stopped.closed, stopped)).err).toMatch(/on the command line --overwrite.*\(ALREADY_EXISTS\)/)
    expect((await save(stopped.closed, stopped, '--overwrite')).code).toBe(0)
  })

  test('never writes into the directory of a member, by whatever name it is called', async () => {
    const stopped = await stoppedMember()
    const other = join(stopped.folder, 'other')
    symlinkSync(stopped.crashed, other)
    const before = fingerprint(join(stopped.crashed, 'state'))
    for (const inside of [
      'crashed/high-water',
      'other/high-water',
      'crashed/log/CURRENT',
      'closed/x',
      'other/state/x',
    ]) {
      const file = join(stopped.folder, inside)
      const { code, err } = await quorate('snapshot', 'save', file, '--data-dir', stopped.crashed, '--overwrite')
      expect({ inside, code }).toEqual({ inside, code: 1 })
      expect(err).toMatch(/lies in .*(crashed|closed), the data directory of a member.*\(ALREADY_EXISTS\)/)
    }
    expect(fingerprint(join(stopped.crashed, 'state'))).toEqual(before)
    expect((await quorate('verify', stopped.crashed)).code).toBe(0)
    // Also where nothing shows any more that it is one.
    for (const name of ['high-water', 'log/CURRENT', 'lock']) rmSync(join(stopped.crashed, name), { recursive: true })
    rmSync(join(stopped.crashed, 'state/CURRENT'))
    const last = join(stopped.crashed, 'x')
    expect((await quorate('snapshot', 'save', last, '--data-dir', stopped.crashed)).code).toBe(1)
    expect(existsSync(last)).toBe(false)
  })

  test('of a damaged log says what would do, and with --skip-log what is missing', async () => {
    const stopped = await stoppedMember()
    await damageLog(stopped.closed)
    const refused = await save(stopped.closed, stopped)
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/log record at or behind entry 1 is unreadable.*--skip-log.*\(DATA_DAMAGED\)/)
    expect(existsSync(refused.file)).toBe(false)
    const { file, code, err } = await save(stopped.closed, stopped, '--skip-log')
    expect(code).toBe(0)
    expect(err).toMatch(/state at entry \d+, revision 12\. What was acknowledged after that is not in it/)
    expect(err).toMatch(/damaged, and not in it: the log record/)
    expect(await contentOf(file)).toEqual(LAST)
  })

  test('where nobody can tell any more whose it was, saves the state all the same with --skip-log', async () => {
    const stopped = await stoppedMember()
    for (const name of ['high-water', 'log']) rmSync(join(stopped.closed, name), { recursive: true })
    const refused = await save(stopped.closed, stopped)
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/Of whom .* cannot be told any more.*--skip-log/)
    const { file, code, err } = await save(stopped.closed, stopped, '--skip-log')
    expect(code).toBe(0)
    expect(err).toMatch(/damaged, and not in it: the high-water file is missing/)
    expect(await contentOf(file)).toEqual(LAST)
  })

  test('of a damaged state does not save half of it', async () => {
    const stopped = await stoppedMember()
    await withDatabase(stopped.closed, 'state', async (database) => {
      const [key = ''] = await database.keys({ gte: 'r', lt: 's', limit: 1 }).all()
      await database.put(key, Buffer.from('damaged'))
    })
    for (const flags of [[], ['--skip-log']]) {
      const { file, code, err } = await save(stopped.closed, stopped, ...flags)
      expect({ code, there: existsSync(file) }).toEqual({ code: 1, there: false })
      expect(err).toMatch(/closed is damaged: the state record \w+ is unreadable.*\(DATA_DAMAGED\)/)
    }
  })

  test('does not take a state that is lost for an empty one', async () => {
    const stopped = await stoppedMember()
    rmSync(join(stopped.closed, 'state/CURRENT'))
    const skipping = await save(stopped.closed, stopped, '--skip-log')
    expect({ code: skipping.code, there: existsSync(skipping.file) }).toEqual({ code: 1, there: false })
    expect(skipping.err).toMatch(
      /There is no state in .*the state database cannot be opened.*Try it without --skip-log/,
    )
    const { code, err } = await save(stopped.closed, stopped)
    expect(code).toBe(0)
    expect(err).toMatch(/damaged, and made anew out of the log: the state database cannot be opened/)
  })

  test('of a member that runs says how it is done there', async () => {
    const dataDir = join(temporaryFolder(), 'data')
    const store = await open({ dataDir })
    const { code, err } = await quorate('snapshot', 'save', join(dataDir, '..', 'x'), '--data-dir', dataDir)
    expect(code).toBe(1)
    expect(err).toMatch(/is in use.*saveSnapshot\(store, path\).*\(DATA_DIR_IN_USE\)/)
    await store.put('still', 'works')
    await store.close()
  })
})
