/**
 * The data model with a million keys: `npm run bench -- mvcc`, or parts of it by name, `npm run bench -- mvcc apply read`.
 * What the figures mean: bench/README.md.
 *
 * Each part runs in a process of its own, so that none finds what another has left in the heap.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  apply: async () => (await import('./mvcc/apply.js')).inMemory(),
  disk: async () => (await import('./mvcc/apply.js')).onDisk(),
  read: async () => (await import('./mvcc/read.js')).read(),
  watch: async () => (await import('./mvcc/watch.js')).watch(),
  compaction: async () => (await import('./mvcc/compaction.js')).compaction(),
  member: async () => (await import('./mvcc/member.js')).member(),
  heap: async () => (await import('./mvcc/heap.js')).heap(),
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
/** A large heap, so that what is measured is not the collector's fear of its end. */
const NODE_OPTIONS = ['--max-old-space-size=8192']

const asked = process.argv.slice(3)
const unknown = asked.find((name) => !Object.hasOwn(PARTS, name) && name !== 'here')
if (unknown !== undefined) throw new Error(`there is no part "${unknown}"; there are: ${Object.keys(PARTS).join(', ')}`)
if (asked[0] === 'here') await PARTS[asked[1] ?? '']?.()
else {
  for (const name of asked.length === 0 ? Object.keys(PARTS) : asked) {
    const { status } = spawnSync(process.execPath, [...process.execArgv, ...NODE_OPTIONS, MAIN, 'mvcc', 'here', name], {
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error(`the part "${name}" failed`)
  }
}
