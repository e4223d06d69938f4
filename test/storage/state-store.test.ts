import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/storage/disk.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import type { StateStore } from '../../src/storage/state-store.js'
import { openStorage } from '../../src/storage/storage.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { DISKS, IDENTITY, PROMPT, entries, temporaryFolder, write } from './disks.js'
import { withDatabase } from './folders.js'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString('latin1')

async function listed(state: StateStore, start = '', end?: string, limit = 100): Promise<string[]> {
  return (await state.range(start, end, limit)).map(([key, value]) => `${key}=${text(value)}`)
}

async function all(state: StateStore): Promise<string[]> {
  const pairs: string[] = []
  for await (const chunk of state.iterateAll()) for (const [key, value] of chunk) pairs.push(`${key}=${text(value)}`)
  return pairs
}

describe.each(DISKS)('the state on a $name disk', ({ make, permanent }) => {
  test('reads see what was set, whatever became of it', async () => {
    const { state, close } = await opened(make()())
    expect(state.get('a')).toBeUndefined()
    for (const key of ['a', 'b', 'c']) state.set(key, bytes(`${key}1`))
    expect(text(state.get('a'))).toBe('a1')
    state.delete('b')
    expect(state.get('b')).toBeUndefined()
    const commit = state.commit()
    expect(state.committing).toBe(true)
    expect(text(state.get('a'))).toBe('a1')
    state.set('a', bytes('a2'))
    state.delete('c')
    const during = [await listed(state), await all(state), (await state.getMany(['a', 'b', 'c', 'd'])).map(text)]
    await commit
    expect(during).toEqual([['a=a2'], ['a=a2'], ['a2', undefined, undefined, undefined]])
    expect(await listed(state)).toEqual(['a=a2'])
    expect(state.committing).toBe(false)
    await state.commit()
    expect(state.get('c')).toBeUndefined()
    expect(text(state.get('a'))).toBe('a2')
    await close()
  })

  test('keys are bytes in their order; values are any bytes', async () => {
    const { state, close } = await opened(make()())
    const keys = ['\xff\xff', '\xff', 'é', 'a\0', 'a', '\x80', '\x7f', '\0', '']
    for (const key of keys) state.set(key, Uint8Array.from([0, 255, key.length]))
    state.set('empty', new Uint8Array())
    await state.commit()
    // The recent ones are let go by the next commit: now they come from the disk.
    state.set('z', bytes('z'))
    await state.commit()
    expect((await state.range('', undefined, 100)).map(([key]) => key)).toEqual([
      '',
      '\0',
      'a',
      'a\0',
      'empty',
      'z',
      '\x7f',
      '\x80',
      'é',
      '\xff',
      '\xff\xff',
    ])
    expect(state.get('empty')).toHaveLength(0)
    for (const key of keys) expect([...(state.get(key) as Uint8Array)]).toEqual([0, 255, key.length])
    expect((await state.range('a', 'z', 100)).map(([key]) => key)).toEqual(['a', 'a\0', 'empty'])
    await close()
  })

  test('a view stays at its moment while work goes on', async () => {
    const { state, close } = await opened(make()())
    for (let at = 0; at < 2500; at++) state.set(String(at).padStart(5, '0'), bytes('old'))
    await state.commit()
    state.set('00001', bytes('staged'))
    const view = state.iterateAll()[Symbol.asyncIterator]()
    const first = (await view.next()).value as [string, Uint8Array][]
    expect(first).toHaveLength(1000)
    for (let at = 0; at < 2500; at += 2) state.delete(String(at).padStart(5, '0'))
    state.set('00003', bytes('new'))
    await state.commit()
    const rest = []
    for (let next = await view.next(); next.done !== true; next = await view.next()) rest.push(...next.value)
    const found = [...first, ...rest].map(([, value]) => text(value))
    expect(found).toHaveLength(2500)
    expect(found.filter((value) => value !== 'old')).toEqual(['staged'])
    await close()
  })

  test('counts what is staged', async () => {
    const { state, close } = await opened(make()())
    expect(state.stagedBytes).toBe(0)
    state.set('key', bytes('0123456789'))
    const one = state.stagedBytes
    expect(one).toBeGreaterThanOrEqual(13)
    state.delete('key')
    expect(state.stagedBytes).toBeGreaterThan(one)
    const commit = state.commit()
    expect(state.stagedBytes).toBe(0)
    await commit
    await close()
  })

  test('a second commit while one is under way is a broken invariant', async () => {
    const { state, close } = await opened(make()())
    state.set('a', bytes('1'))
    const first = state.commit()
    await expect(state.commit()).rejects.toMatchObject({ code: 'ASSERTION' })
    await first
    await close()
  })

  test.runIf(permanent)('a commit is all there is after a close; what was staged later is dropped', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    storage.state.set('a', bytes('1'))
    storage.state.set('b', bytes('1'))
    await storage.state.commit()
    storage.state.set('b', bytes('2'))
    await storage.close()
    storage = await openStorage(disk(), IDENTITY)
    expect(await all(storage.state)).toEqual(['a=1', 'b=1'])
    await storage.close()
  })

  async function opened(disk: ReturnType<ReturnType<typeof make>>) {
    const storage = await openStorage(disk, IDENTITY)
    return { state: storage.state, close: () => storage.close() }
  }
})

describe('damage', () => {
  test.each([
    ['one bit of the value', (sealed: Uint8Array) => sealed.with(1, (sealed[1] as number) ^ 4)],
    [
      'one bit of the checksum',
      (sealed: Uint8Array) => sealed.with(sealed.length - 1, (sealed[sealed.length - 1] as number) ^ 1),
    ],
    ['a value cut short', (sealed: Uint8Array) => sealed.subarray(0, sealed.length - 1)],
    ['a value of nothing', () => new Uint8Array()],
    ['the value of another key', (_: Uint8Array, other: Uint8Array) => other],
  ])('%s is noticed by every way of reading', async (_, damage) => {
    const folder = temporaryFolder()
    let storage = await openStorage(levelDisk(folder), IDENTITY)
    for (const key of ['a', 'b', 'c']) storage.state.set(key, bytes('value'))
    await storage.state.commit()
    await storage.close()
    await withDatabase(folder, 'state', async (database) => {
      const [sealed, other] = await database.getMany(['b', 'c'])
      await database.put('b', damage(sealed as Uint8Array, other as Uint8Array))
    })
    storage = await openStorage(levelDisk(folder), IDENTITY)
    const { state } = storage
    const expected = { code: 'DATA_DAMAGED', message: expect.stringMatching(/state record 62 is unreadable/) as string }
    expect(() => state.get('b')).toThrow(expect.objectContaining(expected) as Error)
    await expect(state.getMany(['a', 'b'])).rejects.toMatchObject(expected)
    await expect(state.range('', undefined, 10)).rejects.toMatchObject(expected)
    await expect(all(state)).rejects.toMatchObject(expected)
    // What is not damaged is there, and reading poisons nothing.
    expect(text(state.get('a'))).toBe('value')
    expect(await listed(state, '', 'b')).toEqual(['a=value'])
    state.set('b', bytes('mended'))
    await state.commit()
    expect(text(state.get('b'))).toBe('mended')
    await storage.close()
  })
})

describe('failures', () => {
  /** A memory disk whose writes to one database fail from the call of `fail` on. */
  function failing() {
    const disk = memoryDisk()
    const failed = new Set<string>()
    const open = disk.openDatabase.bind(disk)
    return {
      fail: (name: string) => failed.add(name),
      disk: {
        ...disk,
        async openDatabase(...args: Parameters<typeof open>): Promise<Database> {
          const database = await open(...args)
          const batch = database.batch.bind(database) as () => ReturnType<Database['batch']>
          return Object.assign(database, {
            batch: () => {
              const made = batch()
              const written = made.write.bind(made)
              made.write = (options?: object) =>
                failed.has(args[0]) ? Promise.reject(new Error('EIO: i/o error, fdatasync')) : written(options ?? {})
              return made
            },
          })
        },
      },
    }
  }

  test.each(['log', 'state'])('a failed write of the %s poisons both, and is not tried again', async (name) => {
    const { disk, fail } = failing()
    const storage = await openStorage(disk, IDENTITY)
    await storage.log.append(write(entries(1, 1, 1)))
    storage.state.set('a', bytes('1'))
    fail(name)
    const failure = name === 'log' ? storage.log.append(write(entries(2, 1, 1))) : storage.state.commit()
    const expected = { code: 'DISK_FAILED', outcome: 'unknown', message: expect.stringContaining('EIO') as string }
    await expect(failure).rejects.toMatchObject(expected)
    await expect(storage.log.append(write(entries(2, 1, 1)))).rejects.toMatchObject(expected)
    await expect(storage.log.trim({ index: 1, term: 1 })).rejects.toMatchObject(expected)
    await expect(storage.state.commit()).rejects.toMatchObject(expected)
    await storage.close()
  })

  test.each(['writeSync', 'sync'] as const)('a high-water file that fails to %s poisons too', async (operation) => {
    const disk = memoryDisk()
    let broken = false
    const storage = await openStorage(
      {
        ...disk,
        async openSlotFile(name) {
          const file = await disk.openSlotFile(name)
          const works = file[operation].bind(file) as (...args: unknown[]) => Promise<void>
          const fails = (...args: unknown[]): Promise<void> => {
            if (broken) throw new Error('ENOSPC: no space left on device')
            return works(...args)
          }
          return Object.assign(file, { [operation]: fails })
        },
      },
      IDENTITY,
    )
    broken = true
    const expected = { code: 'DISK_FAILED', message: expect.stringContaining('ENOSPC') as string }
    const first = operation === 'sync' ? storage.state.commit() : storage.log.append(write(entries(1, 1, 1)))
    await expect(first).rejects.toMatchObject(expected)
    broken = false
    await expect(storage.log.append(write(entries(1, 1, 1)))).rejects.toMatchObject(expected)
    await expect(storage.state.commit()).rejects.toMatchObject(expected)
    await storage.close()
  })

  test('a database that cannot be read synchronously is refused', async () => {
    const disk = memoryDisk()
    const refused = openStorage(
      {
        ...disk,
        async openDatabase(name, options) {
          const database = await disk.openDatabase(name, options)
          return Object.assign(database, { supports: { ...database.supports, getSync: false } })
        },
      },
      IDENTITY,
    )
    await expect(refused).rejects.toThrow(TypeError)
    await expect(refused).rejects.toThrow('must support getSync()')
    await (await openStorage(disk, IDENTITY)).close()
  })

  test('nothing stays half open when a part cannot be opened', async () => {
    const folder = temporaryFolder()
    await (await openStorage(levelDisk(folder), IDENTITY)).close()
    await withDatabase(folder, 'log', (database) => database.del('h'))
    await expect(openStorage(levelDisk(folder), IDENTITY)).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
    // The lock of the log, which had been opened, is free again.
    await withDatabase(folder, 'log', (database) => database.get('h'))
  })

  test('nothing stays half open on a disk without a log', async () => {
    const disk = new SimDisk({ timers: PROMPT, seed: 3 })
    const failing = { ...disk.mount(), openSlotFile: () => Promise.reject(new Error('EMFILE')) }
    await expect(openStorage(failing, IDENTITY)).rejects.toThrow('EMFILE')
    await (await openStorage(disk.mount(), IDENTITY)).close()
  })
})
