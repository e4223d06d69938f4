/** A state that is received whole takes the place of the one in use, at one moment, with the log or without. */
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { type CrashKind, SimDisk } from '../../src/testing/sim/sim-disk.js'
import { DISKS, IDENTITY, PROMPT, entries, temporaryFolder, write } from './disks.js'

const BEGINNING = { position: { index: 50, term: 3 }, hardState: { term: 4, vote: 2 } }

/** Entries 1 to 6, and a state of the records `a` and `old`. */
async function fill(storage: Storage): Promise<void> {
  for (let at = 1; at <= 6; at++) await storage.log.append(write(entries(at, 1, 1)))
  storage.state.set('a', Buffer.from('6'))
  storage.state.set('old', Buffer.from('state'))
  await storage.state.commit()
}

async function receive(storage: Storage) {
  const incoming = await storage.beginIncoming()
  await incoming.write([
    ['k', Buffer.from('1')],
    ['new', Buffer.from('state')],
  ])
  await incoming.write([['x', Buffer.from('2')]])
  await incoming.finish(['a', Buffer.from('50')])
  return incoming
}

async function describeState(storage: Storage): Promise<string> {
  const records = await storage.state.range('', undefined, 100)
  return records.map(([key, value]) => `${key}=${Buffer.from(value).toString()}`).join(' ')
}

const OLD = 'a=6 old=state'
const NEW = 'a=50 k=1 new=state x=2'

describe.each(DISKS)('on a $name disk', ({ make, permanent }) => {
  test('it is the state from then on, and the log begins behind it', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await fill(storage)
    const incoming = await receive(storage)
    expect(await describeState(storage)).toBe(OLD)
    expect(Buffer.from(incoming.state.get('k') as Uint8Array).toString()).toBe('1')
    await storage.install(incoming, BEGINNING)
    expect(await describeState(storage)).toBe(NEW)
    expect(storage.log).toMatchObject({ base: BEGINNING.position, last: BEGINNING.position })
    await storage.log.append(write(entries(51, 2, 4), { vote: 2 }))
    storage.state.set('x', Buffer.from('3'))
    await storage.state.commit()
    await storage.close()
    if (!permanent) return
    storage = await openStorage(disk(), IDENTITY)
    expect(await describeState(storage)).toBe('a=50 k=1 new=state x=3')
    const stored = storage.log.storedState({ index: 52, term: 4 })
    expect(stored).toMatchObject({ hardState: BEGINNING.hardState, compacted: BEGINNING.position })
    expect(stored.entries.map(({ index }) => index)).toEqual([51, 52])
    await storage.close()
  })

  test('for a repair the log stays as it is', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await fill(storage)
    await storage.install(await receive(storage))
    expect(await describeState(storage)).toBe(NEW)
    expect(storage.log).toMatchObject({ base: { index: 0 }, last: { index: 6 } })
    await storage.log.append(write(entries(7, 1, 1)))
    await storage.close()
    if (!permanent) return
    storage = await openStorage(disk(), IDENTITY)
    expect(await describeState(storage)).toBe(NEW)
    expect(storage.log.last.index).toBe(7)
    await storage.close()
  })

  test('one after the other, each in the place of the last', async () => {
    const disk = make()
    const storage = await openStorage(disk(), IDENTITY)
    await fill(storage)
    for (let round = 1; round <= 3; round++) {
      const incoming = await receive(storage)
      await storage.install(incoming)
      storage.state.set('x', Buffer.from(`round ${round}`))
      await storage.state.commit()
      expect(await describeState(storage)).toBe(`a=50 k=1 new=state x=round ${round}`)
    }
    await storage.close()
  })

  test('one that is discarded, not finished, or followed by another one changes nothing', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await fill(storage)
    await (await receive(storage)).discard()
    const half = await storage.beginIncoming()
    await half.write([['half', Buffer.from('x')]])
    const whole = await receive(storage)
    await expect(storage.install(half)).rejects.toThrow('not whole, or was discarded')
    await expect(half.write([['half', Buffer.from('y')]])).rejects.toThrow('discarded')
    expect(await describeState(storage)).toBe(OLD)
    await storage.close()
    if (permanent) {
      storage = await openStorage(disk(), IDENTITY)
      expect(await describeState(storage)).toBe(OLD)
      await storage.close()
    }
    expect(whole.finished).toBe(false)
  })

  test('reads of the old one end with an error that may be tried again, under way or new', async () => {
    const storage = await openStorage(make()(), IDENTITY)
    await fill(storage)
    for (let at = 0; at < 3000; at++) storage.state.set(`m${at}`, Buffer.from('many'))
    await storage.state.commit()
    const old = storage.state
    const view = old.iterateAll()[Symbol.asyncIterator]()
    expect((await view.next()).value).toHaveLength(1000)
    await storage.install(await receive(storage))
    const rest = (async () => {
      for (;;) if ((await view.next()).done === true) return 'the end'
    })()
    await expect(rest).rejects.toMatchObject({ code: 'STATE_REPLACED', retryable: true })
    await expect(old.range('', undefined, 1)).rejects.toMatchObject({ code: 'STATE_REPLACED' })
    await expect(old.getMany(['a'])).rejects.toMatchObject({ code: 'STATE_REPLACED' })
    expect(() => old.get('a')).toThrow(/was replaced/)
    await expect(old.commit()).rejects.toMatchObject({ code: 'STATE_REPLACED' })
    expect(await describeState(storage)).toBe(NEW)
    await storage.close()
  })

  test('a commit under way when it is installed ends well, and what was staged is gone', async () => {
    const storage = await openStorage(make()(), IDENTITY)
    await fill(storage)
    const incoming = await receive(storage)
    storage.state.set('old', Buffer.from('committed'))
    const committed = storage.state.commit()
    storage.state.set('old', Buffer.from('staged'))
    await storage.install(incoming)
    await committed
    expect(await describeState(storage)).toBe(NEW)
    await storage.close()
  })
})

test('a close ends one that is being begun or received', async () => {
  const disk = new SimDisk({ timers: PROMPT, seed: 1 })
  const storage = await openStorage(disk.mount(), IDENTITY)
  await fill(storage)
  const incoming = await storage.beginIncoming()
  await storage.close()
  await expect(incoming.write([['k', Buffer.from('1')]])).rejects.toMatchObject({ code: 'CLOSED' })
  const again = await openStorage(disk.mount(), IDENTITY)
  const beginning = again.beginIncoming()
  await again.close()
  expect((await beginning).finished).toBe(false)
  await expect(again.beginIncoming()).rejects.toMatchObject({ code: 'CLOSED' })
  const mounted = disk.mount()
  await (await openStorage(mounted, IDENTITY)).close()
})

test('only the folder of the state in use stays', async () => {
  const folder = temporaryFolder()
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  await fill(storage)
  await storage.install(await receive(storage), BEGINNING)
  await storage.beginIncoming()
  expect(existsSync(`${folder}/state`)).toBe(true)
  await storage.close()
  expect(readdirSync(folder)).toEqual(['high-water', 'lock', 'log', 'state-2'])
})

test('what a crash left in the other place is removed by the next open', async () => {
  const disk = new SimDisk({ timers: PROMPT, seed: 1 })
  const first = await openStorage(disk.mount(), IDENTITY)
  await fill(first)
  await receive(first)
  disk.crash('process')
  const mounted = disk.mount()
  const second = await openStorage(mounted, IDENTITY)
  expect(await mounted.databases()).toEqual(['log', 'state'])
  expect(await describeState(second)).toBe(OLD)
})

test.each(['write', 'full'] as const)(
  'a failure (%s) while one is received leaves the member as it was',
  async (how) => {
    const disk = new SimDisk({ timers: PROMPT, seed: 1 })
    const storage = await openStorage(disk.mount(), IDENTITY)
    await fill(storage)
    const incoming = await storage.beginIncoming()
    if (how === 'full') disk.fill()
    else disk.failNext('write')
    await expect(incoming.write([['k', Buffer.from('1')]])).rejects.toMatchObject({ code: 'DISK_FAILED' })
    if (how === 'full') await expect(storage.beginIncoming()).rejects.toMatchObject({ code: 'DISK_FAILED' })
    disk.free()
    await storage.log.append(write(entries(7, 1, 1)))
    await storage.install(await receive(storage))
    expect(await describeState(storage)).toBe(NEW)
    await storage.close()
  },
)

describe.each(['process', 'power'] as const)('a crash by loss of %s at every point', (kind: CrashKind) => {
  test.each([
    ['a repair', undefined],
    ['a restore', BEGINNING],
  ])('of %s leaves the old state or the new one, each with its log', async (_how, beginning) => {
    const found = new Set<string>()
    for (let seed = 0; seed < 3; seed++) {
      for (let events = 0; ; events++) {
        const scheduler = new SimScheduler()
        const disk = new SimDisk({ timers: scheduler.timersOf(), seed })
        const run = async <T>(promise: Promise<T>): Promise<T> => {
          let ended = false
          void promise.then(() => (ended = true))
          await drainMicrotasks()
          await scheduler.runUntil(() => ended, Infinity)
          return promise
        }
        const storage = await run(openStorage(disk.mount(), IDENTITY))
        await run(fill(storage))
        let ended = false
        const work = async (): Promise<void> => {
          await storage.install(await receive(storage), beginning)
          await storage.log.append(write([], { term: 5 }))
        }
        void work().then(() => (ended = true))
        await drainMicrotasks()
        for (let event = 0; !ended && event < events; event++) await scheduler.step()
        disk.crash(kind)
        const again = await run(openStorage(disk.mount(), IDENTITY))
        const state = await run(describeState(again))
        const { base, last } = again.log
        found.add(`${state}, log from ${base.index} to ${last.index}`)
        const applied = state === NEW && beginning !== undefined ? beginning.position : { index: 6, term: 1 }
        again.log.storedState(applied)
        disk.crash(kind)
        if (ended) break
      }
    }
    const log = beginning === undefined ? 'log from 0 to 6' : 'log from 50 to 50'
    expect([...found].sort()).toEqual([`${NEW}, ${log}`, `${OLD}, log from 0 to 6`])
  })
})
