/** Snapshots on the command line. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusterOf } from '../../src/cli/snapshot-restore.js'
import { open } from '../../src/store/open.js'
import { saveSnapshot } from '../../src/store/save-snapshot.js'
import { quorate } from './command-line.js'

let folder = ''
let file = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-cli-'))
  file = join(folder, 'monday.snapshot')
  const store = await open()
  await store.put('secret/key', 'secret value')
  await store.leases.grant({ ttlMs: 60_000 })
  await saveSnapshot(store, file)
  await store.close()
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('snapshot status', () => {
  test('tells what is in the file, as lines, as a table and as JSON', async () => {
    const simple = await quorate('snapshot', 'status', file)
    expect(simple).toMatchObject({ code: 0, err: '' })
    expect(simple.out).toMatch(/^keys +1$/m)
    expect(simple.out).toMatch(/^of member +'default' \(id \d+, cluster \d+\)$/m)
    const table = await quorate('snapshot', 'status', '-w', 'table', file)
    expect(table.out).toMatch(/^\| revision +\| 2 +\|$/m)
    const json = await quorate('snapshot', 'status', file, '--json')
    expect(JSON.parse(json.out)).toMatchObject({ name: 'default', revision: 2, keys: 1, leases: 1 })
    expect((await quorate('snapshot', 'status', file, '-w=json')).code).toBe(2)
    expect((await quorate('snapshot', 'status', file, '--write-out=json')).out).toBe(json.out)
  })

  test('shows nothing of what is stored', async () => {
    const { out } = await quorate('snapshot', 'status', file)
    expect(out).not.toContain('secret')
  })

  test('fails with what is wrong with the file', async () => {
    const cut = join(folder, 'cut.snapshot')
    writeFileSync(cut, 'no snapshot')
    expect(await quorate('snapshot', 'status', cut)).toMatchObject({ code: 1, out: '' })
    expect((await quorate('snapshot', 'status', cut)).err).toMatch(/cut\.snapshot.*\(SNAPSHOT_DAMAGED\)\n$/)
    expect((await quorate('snapshot', 'status', join(folder, 'none'))).err).toMatch(/\(DISK_FAILED\)/)
  })
})

test('what is no regular file is refused by name, and never waited for', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const restoring = ['snapshot', 'restore', pipe, '--data-dir', join(folder, 'piped'), '--cluster-token', 'after']
  for (const words of [['snapshot', 'status', pipe], restoring]) {
    const { code, err } = await quorate(...words)
    expect(code).toBe(1)
    expect(err).toMatch(/pipe cannot be read: it is a named pipe\. A snapshot is a file\. \(DISK_FAILED\)/)
  }
  expect((await quorate('snapshot', 'status', folder)).err).toMatch(/it is a folder/)
})

describe('snapshot restore', () => {
  test('makes a directory that opens, and says who may open it', async () => {
    const dataDir = join(folder, 'restored')
    const flags = ['--data-dir', dataDir, '--name', 'b', '--cluster-token', 'after', '--json']
    const { code, out, err } = await quorate('snapshot', 'restore', file, ...flags)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ name: 'b', revision: 2, snapshot: { keys: 1 } })
    const store = await open({ dataDir, name: 'b', clusterToken: 'after' })
    await store.ready()
    expect((await store.get('secret/key'))?.text()).toBe('secret value')
    await store.close()
    const again = await quorate('snapshot', 'restore', file, ...flags)
    expect(again.code).toBe(1)
    expect(again.err).toMatch(/\(ALREADY_EXISTS\)/)
  })

  test("takes etcdutl's names, its addresses, and raises the revision", async () => {
    const dataDir = join(folder, 'bumped')
    const cluster = 'a=http://127.0.0.1:7001,b=127.0.0.1:7002,c=https://127.0.0.1:7003'
    const own = '--initial-advertise-peer-urls=http://127.0.0.1:7001'
    const names = [
      '--name=a',
      own,
      `--initial-cluster=${cluster}`,
      '--initial-cluster-token=after',
      '--data-dir',
      dataDir,
    ]
    const { code, out } = await quorate(
      ...['snapshot', 'restore', file, ...names, '--bump-revision=1000', '--mark-compacted', '--json'],
    )
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ name: 'a', revision: 1002, compactRevision: 1002 })
    expect(clusterOf(cluster)).toEqual({ a: '127.0.0.1:7001', b: '127.0.0.1:7002', c: '127.0.0.1:7003' })
  })

  const misused: readonly (readonly [string, string[], RegExp])[] = [
    ['a bump without its mark', ['--bump-revision', '5'], /--mark-compacted as well/],
    ['a mark without a bump', ['--mark-compacted'], /goes with --bump-revision/],
    ['a bump that is no number', ['--bump-revision', '1e3', '--mark-compacted'], /whole number/],
    ['a bump beyond every revision', ['--bump-revision', '9007199254740991', '--mark-compacted'], /beyond/],
    ['a member without address', ['--cluster', 'a'], /'a' in --cluster/],
    ['an address that is none', ['--cluster', 'a=ftp://x:1'], /cannot be used/],
    [
      'two addresses of its own',
      ['--cluster', 'a=x:1', '--name', 'a', '--initial-advertise-peer-urls', 'http://x:2'],
      /says that 'a' is at x:2/,
    ],
    ['a member twice', ['--cluster', 'a=x:1,a=x:2'], /two members named 'a'/],
    ['a name that is not in the cluster', ['--cluster', 'a=x:1', '--name', 'b'], /not one of the members/],
  ]
  test.each(misused)('refuses %s with 2, and touches nothing', async (_, flags, text) => {
    const before = readdirSync(folder)
    const command = ['snapshot', 'restore', file, '--data-dir', join(folder, 'untouched'), '--cluster-token', 'after']
    const { code, err } = await quorate(...command, ...flags)
    expect(err).toMatch(text)
    expect(code).toBe(2)
    expect(readdirSync(folder)).toEqual(before)
  })
})
