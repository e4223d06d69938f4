/** Directories of members that do not run, for what looks into them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'
import { put } from '../../src/api/operations.js'
import { open } from '../../src/store/open.js'
import type { OpenOptions } from '../../src/store/options.js'
import { copyFolder } from '../storage/folders.js'

/** Gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-stopped-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

export interface Stopped {
  readonly folder: string
  /** As a clean stop leaves it: all of it in the state. */
  readonly closed: string
  /** As a crash leaves it: what was written last is in the log alone. */
  readonly crashed: string
}

/** Five keys, in fifteen versions, a lease, a user; of a cluster of one named as is said. */
export async function stoppedMember({ name = 'default' }: Pick<OpenOptions, 'name'> = {}): Promise<Stopped> {
  let template = TEMPLATES.get(name)
  if (template === undefined) TEMPLATES.set(name, (template = await makeTemplate(name)))
  const folder = temporaryFolder()
  const stopped = { folder, closed: join(folder, 'closed'), crashed: join(folder, 'crashed') }
  copyFolder(template.closed, stopped.closed)
  copyFolder(template.crashed, stopped.crashed)
  return stopped
}

/** Made once for all tests of a file. */
const TEMPLATES = new Map<string, Stopped>()

afterAll(() => {
  for (const { folder } of TEMPLATES.values()) rmSync(folder, { recursive: true, force: true })
})

async function makeTemplate(name: string): Promise<Stopped> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-template-'))
  const [closed, crashed] = [join(folder, 'closed'), join(folder, 'crashed')]
  const store = await open({ name, dataDir: closed })
  await store.ready()
  await Promise.all(Array.from({ length: 10 }, (_, at) => store.put(`key-${at % 5}`, `value ${at}`)))
  const { id } = await store.leases.grant({ ttlMs: 600_000 })
  await store.auth.users.add('ann', { password: 'secret' })
  await store.txn({ success: [0, 1, 2, 3, 4].map((at) => put(`key-${at}`, 'last', { lease: id })) })
  copyFolder(closed, crashed)
  await store.close()
  return { folder, closed, crashed }
}
