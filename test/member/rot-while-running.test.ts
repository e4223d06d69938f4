/** A bit that flips in a file of LevelDB under a running member: the whole way, from real files to another member's state. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MemberEvent } from '../../src/member/event.js'
import { open } from '../../src/store/open.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import { quickFolder } from '../storage/disks.js'

const CLUSTER = { a: '127.0.0.1:7001', b: '127.0.0.1:7002', c: '127.0.0.1:7003' } as const
const NAMES = ['a', 'b', 'c'] as const
/** Random enough not to be compressed. */
const VALUE = 'w7Kq-0vZx-93Lm-eTfP-81bR-sYhD'

/** In place: LevelDB may have the file mapped. Returns whether `content` was found. */
function flipBitOf(content: string, folder: string): boolean {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.ldb'))) {
    const path = join(folder, name)
    const at = readFileSync(path).indexOf(content)
    if (at < 0) continue
    const file = openSync(path, 'r+')
    const byte = new Uint8Array(1)
    readSync(file, byte, 0, 1, at)
    writeSync(
      file,
      byte.map((value) => value ^ 4),
      0,
      1,
      at,
    )
    closeSync(file)
    return true
  }
  return false
}

test('a bit that flips in a table of a running member is mended by the others before anybody is told the value', async () => {
  const folder = quickFolder()
  const network = new MemoryNetwork()
  const adopted: string[] = []
  const stores = await Promise.all(
    NAMES.map((name) =>
      open({
        ...{ name, cluster: CLUSTER, dataDir: join(folder, name) },
        transport: ({ timers }) => network.transport(CLUSTER[name], timers),
        ...{ electionTimeoutMs: 150, stateBufferBytesMax: 1_000, valueCacheBytesMax: 0 },
        observe: ({ type }: MemberEvent) => {
          if (type === 'state-adopted') adopted.push(name)
        },
      }),
    ),
  )
  const [store] = stores as [(typeof stores)[number]]
  await store.put('key', VALUE)
  // What was written last is in memory too.
  for (let nth = 0; nth < 10; nth++) await store.put(`other ${nth}`, 'x'.repeat(200))
  await store.maintenance.defragment()
  expect(flipBitOf(VALUE, join(folder, 'a', 'state'))).toBe(true)
  expect((await store.get('key', { consistency: 'local' }))?.text()).toBe(VALUE)
  expect(adopted).toEqual(['a'])
  await store.put('after', '1')
  for (const each of stores) {
    expect((await each.get('after'))?.text()).toBe('1')
    expect((await each.get('key'))?.text()).toBe(VALUE)
  }
  await Promise.all(stores.map((each) => each.close()))
})
