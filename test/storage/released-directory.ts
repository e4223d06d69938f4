/**
 * Data directories as released formats left them, kept in test/testdata/directories: what is in them, and how one is made,
 * packed and unpacked. `npx tsx scripts/fixture-directory.ts` makes one of the format that this version writes.
 *
 * A directory is packed as a JSON object of its files' paths and contents (base64), compressed with gzip. It is copied while
 * its member has it open, as after a crash: the log goes on behind the state that was written last, and its beginning is
 * trimmed.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { compare, put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { open } from '../../src/store/open.js'

const FOLDER = fileURLToPath(new URL('../testdata/directories/', import.meta.url))

/** As it was opened, and is to be opened again. */
const OPTIONS = {
  ...{ name: 'a', stateBufferBytesMax: 2000, logRetainBytes: 1000 },
  auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } },
}

export function fixturePath(format: number): string {
  return join(FOLDER, `format-${format}.json.gz`)
}

/** Makes a directory in `folder`, which is not there yet, and packs it. */
export async function packFixture(folder: string): Promise<Uint8Array> {
  const live = `${folder}.live`
  const first = await open({ ...OPTIONS, dataDir: live })
  await fill(first)
  await first.close()
  // Opened a second time, LevelDB has tables beside its log.
  const second = await open({ ...OPTIONS, dataDir: live })
  await second.put('last', 'behind the state')
  cpSync(live, folder, { recursive: true })
  await second.close()
  rmSync(live, { recursive: true })
  const files: Record<string, string> = {}
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    const path = join(file.parentPath, file.name)
    files[path.slice(folder.length + 1).replaceAll('\\', '/')] = readFileSync(path).toString('base64')
  }
  return gzipSync(JSON.stringify(files, undefined, 1), { level: 9 })
}

/** Puts the directory of `format` into `folder`. */
export function unpackFixture(format: number, folder: string): void {
  const packed = gunzipSync(readFileSync(fixturePath(format))).toString()
  for (const [path, content] of Object.entries(JSON.parse(packed) as Record<string, string>)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, path), Buffer.from(content, 'base64'), { mode: 0o600 })
  }
}

export function openFixture(folder: string): Promise<Store> {
  return open({ ...OPTIONS, dataDir: folder })
}

async function fill(store: Store): Promise<void> {
  const { id } = await store.leases.grant({ id: 77n, ttlMs: 600_000 })
  for (let nth = 0; nth < 40; nth++) await store.put(`k${nth % 10}`, `value ${nth}`.padEnd(40, '.'))
  await store.put('leased', 'of lease 77', { lease: id })
  await store.delete('k9')
  await store.txn({ compare: [compare('k1').version('=', 4)], success: [put('k1', 'one'), put('txn', 'yes')] })
  await store.auth.roles.add('reader')
  await store.auth.roles.grant('reader', { type: 'read', prefix: 'k' })
  await store.auth.users.add('ann', { password: 'correct horse' })
  await store.auth.users.grantRole('ann', 'reader')
  await store.maintenance.setPrefixQuota('limited/', { keysMax: 3 })
  await store.put('limited/1', 'x')
  await store.compact(30)
  for (let nth = 0; nth < 10; nth++) await store.put('end', `turn ${nth}`.padEnd(60, '.'))
}

/** All that is in it, as {@link fill} put it there, in words. */
export async function describeFixture(store: Store): Promise<unknown> {
  const items = (await store.range({ all: true })).items.map(
    (item) => `${item.key} = ${item.text().replace(/\.+$/, '')}`,
  )
  const { revision, compactRevision } = store.status()
  const lease = await store.leases.timeToLive(77n, { keys: true })
  const { keysMax, keys } = (await store.maintenance.prefixQuotas())[0] ?? {}
  return {
    items,
    revision,
    compactRevision,
    old: (await store.get('k9', { revision: 40 }))?.text().replace(/\.+$/, ''),
    lease: [lease?.ttlMs, lease?.keys?.map((key) => key.key)],
    users: await store.auth.users.list(),
    roles: await store.auth.roles.list(),
    quota: [keysMax, keys],
  }
}

export const FIXTURE_CONTENT = {
  items: [
    'end = turn 9',
    ...['k0 = value 30', 'k1 = one', ...[2, 3, 4, 5, 6, 7, 8].map((nth) => `k${nth} = value ${30 + nth}`)],
    'last = behind the state',
    'leased = of lease 77',
    'limited/1 = x',
    'txn = yes',
  ],
  revision: 56,
  compactRevision: 30,
  old: 'value 29',
  lease: [600_000, ['leased']],
  users: ['ann'],
  roles: ['reader'],
  quota: [3, 1],
}
