/** Looking into the directory of a member: what is told of one that is whole, and that all damage is told of one that is not. */
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examineDirectory, type Examination } from '../../src/store/examine-directory.js'
import { open } from '../../src/store/open.js'
import { codeOfAsync } from '../code-of.js'
import { fingerprint, flipBit, withDatabase } from '../storage/folders.js'
import { stoppedMember, temporaryFolder } from './stopped-member.js'

const CLOSED_REVISION = 12

describe('a directory that is whole', () => {
  test('tells whose it is, what it holds and how far it goes, and stays as it was', async () => {
    const { closed } = await stoppedMember({ name: 'a' })
    const before = fingerprint(closed)
    const { identity, format, promises, log, state, damage, torn, formerClusters, leftovers } =
      await examineDirectory(closed)
    expect(fingerprint(closed)).toEqual(before)
    expect({ damage, torn, promises, formerClusters, leftovers }).toEqual({
      ...{ damage: [], torn: false, promises: 'kept', formerClusters: [], leftovers: [] },
    })
    expect(identity?.name).toBe('a')
    expect(format).toBe(2)
    expect(log).toMatchObject({
      incarnation: expect.any(Number) as number,
      base: { index: 0 },
      hardState: { vote: identity?.memberId },
    })
    expect(log?.entries).toBe(log?.last.index)
    expect(state?.whole).toMatchObject({ keys: 5, revision: CLOSED_REVISION, compactRevision: 0, applied: log?.last })
    expect(state?.kinds).toMatchObject({ versions: 15, leases: 1, users: 1 })
    expect(state?.proposers).toEqual([identity?.memberId])
  })

  test('as a crash leaves it, has a log that goes on behind its state', async () => {
    const { crashed } = await stoppedMember()
    const { log, state, damage } = await examineDirectory(crashed)
    expect(damage).toEqual([])
    expect(log?.last.index).toBeGreaterThan(10)
    expect(state).toMatchObject({ records: 0, whole: undefined })
  })

  test('may be in use', async () => {
    const dataDir = join(temporaryFolder(), 'data')
    const store = await open({ dataDir })
    await store.put('a', '1')
    const { torn, damage, log } = await examineDirectory(dataDir)
    expect({ torn, damage }).toEqual({ torn: false, damage: [] })
    await store.put('a', '2')
    expect(store.status().log.lastIndex).toBe((log?.last.index ?? 0) + 1)
    await store.close()
  })
})

describe('damage', () => {
  const damageOf = async (folder: string): Promise<readonly string[]> => (await examineDirectory(folder)).damage

  test('of many records is told of each of them', async () => {
    const { closed } = await stoppedMember()
    const keys = await withDatabase(closed, 'state', async (database) => {
      const versions = await database.keys({ gte: 'r', lt: 's' }).all()
      for (const key of versions.slice(0, 3)) await database.put(key, Buffer.from('damaged'))
      return versions.slice(0, 3)
    })
    await withDatabase(closed, 'log', async (database) => {
      const [first, second, ...rest] = await database.keys({ lt: 'h' }).all()
      await database.put(first ?? '', Buffer.from('damaged'))
      await database.del(rest[1] ?? second ?? '')
    })
    const damage = await damageOf(closed)
    expect(damage.filter((what) => what.includes('state record'))).toHaveLength(3)
    for (const key of keys) expect(damage.join()).toContain(Buffer.from(key, 'latin1').toString('hex'))
    expect(damage.filter((what) => /log record .*unreadable/.test(what))).toHaveLength(1)
    expect(damage.filter((what) => /missing from the log/.test(what))).toHaveLength(1)
    expect(damage).toHaveLength(5)
  })

  test('of a record that is missing is told by the digest', async () => {
    const { closed } = await stoppedMember()
    await withDatabase(closed, 'state', async (database) => {
      const [key = ''] = await database.keys({ gte: 'r', lt: 's', reverse: true, limit: 1 }).all()
      await database.del(key)
    })
    expect(await damageOf(closed)).toEqual([expect.stringMatching(/its records come to .* where .* was recorded/)])
  })

  test('of the mark, of the log behind it, and of a state without its log', async () => {
    const { closed, crashed } = await stoppedMember()
    writeFileSync(join(closed, 'high-water'), 'no mark')
    expect(await damageOf(closed)).toEqual([expect.stringMatching(/high-water file cannot be read/)])
    rmSync(join(closed, 'high-water'))
    expect(await damageOf(closed)).toEqual([expect.stringMatching(/high-water file is missing/)])
    rmSync(join(closed, 'log'), { recursive: true })
    expect((await examineDirectory(closed)).identity).toBe(undefined)
    const log = join(crashed, 'log')
    const [name = ''] = readdirSync(log).filter((file) => file.endsWith('.log'))
    truncateSync(join(log, name), statSync(join(log, name)).size - 20)
    expect(await damageOf(crashed)).toEqual([expect.stringMatching(/last \d+ writes of the log are gone/)])
    rmSync(log, { recursive: true })
    expect(await damageOf(crashed)).toEqual([expect.stringMatching(/the log is missing.*counts \d+ writes/)])
  })

  test('of the files themselves is told, and ends nothing', async () => {
    const { closed } = await stoppedMember()
    await withDatabase(closed, 'state', (database) => database.compactRange('\0', '\xff'))
    const state = join(closed, 'state')
    const [table = ''] = readdirSync(state).filter((file) => file.endsWith('.ldb'))
    flipBit(join(state, table), 100)
    expect(await damageOf(closed)).toEqual([expect.stringMatching(/state database cannot be opened/)])
    writeFileSync(join(closed, 'log', 'CURRENT'), 'nowhere\n')
    expect(await damageOf(closed)).toHaveLength(2)
  })
})

test('a newer format is refused as such, and every flipped bit of the high-water file is survived', async () => {
  const { closed } = await stoppedMember()
  const path = join(closed, 'high-water')
  const whole = readFileSync(path)
  const examined: Examination[] = []
  for (const at of [3, 9, 13, 40, 2048, 4100, 4140]) {
    flipBit(path, at)
    examined.push(await examineDirectory(closed))
    writeFileSync(path, whole)
  }
  expect(examined.map(({ damage }) => damage.length)).toEqual([1, 1, 1, 1, 1, 0, 0])
  const newer = Buffer.from(whole)
  newer.writeUInt32BE(99, 8)
  newer.writeUInt32BE((await import('node:zlib')).crc32(newer.subarray(0, 12)), 12)
  writeFileSync(path, newer)
  expect(await codeOfAsync(() => examineDirectory(closed))).toBe('FORMAT_TOO_NEW')
})
