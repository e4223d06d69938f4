/** A log and a high-water file that are older than the state beside them: they name a database that was replaced since. */
import { expect, test } from 'vitest'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { SimDisk, type SimDiskCopy } from '../../src/testing/sim/sim-disk.js'
import { IDENTITY, PROMPT, entries, write } from './disks.js'

async function open(disk: SimDisk, recover = false): Promise<Storage> {
  return openStorage(disk.mount(), IDENTITY, { recover, incarnationFloor: 1000 })
}

async function write5(storage: Storage): Promise<void> {
  const { index } = storage.log.last
  await storage.log.append(write(entries(index + 1, 5, 1), { vote: 2 }))
}

/** A state with the one record `a`, in the place of the one there is; with `index`, and the log begins behind it. */
async function receive(storage: Storage, index?: number): Promise<void> {
  const incoming = await storage.beginIncoming()
  await incoming.finish(['a', Buffer.from('received')])
  const hardState = { term: 1, vote: 2 }
  await storage.install(incoming, index === undefined ? undefined : { position: { index, term: 1 }, hardState })
}

/** A member that was copied while it had received so many states, and then received one more. */
async function copied(received: number, index?: number) {
  const disk = new SimDisk({ timers: PROMPT, seed: 1 })
  let storage = await open(disk)
  for (let count = 0; count < received; count++) await receive(storage)
  await write5(storage)
  storage.state.set('a', Buffer.from('older'))
  await storage.state.commit()
  await storage.close()
  const older = disk.copy()
  storage = await open(disk)
  await receive(storage, index)
  await storage.close()
  return { disk, older, newer: disk.copy() }
}

const OLDER = /the log and the high-water file are older than the state: it was received at write \d+ of the log/

/** Both databases of the state, where those of `older` that are not in `newer` were put back too. */
function both(older: SimDiskCopy, newer: SimDiskCopy): SimDiskCopy['databases'] {
  const of = (slot: 'state' | 'state-2') => (newer.databases[slot].exists ? newer : older).databases[slot]
  return { ...older.databases, state: of('state'), 'state-2': of('state-2') }
}

test.each([
  ['in the second database, where the log goes on behind it', 0, 40],
  ['in the second database, where the log stayed', 0, undefined],
  ['in the first database, where the log goes on behind it', 1, 40],
  ['in the first database, where the log stayed', 1, undefined],
])('are found out by a state %s', async (_where, received, index) => {
  const { disk, older, newer } = await copied(received, index)
  for (const databases of [{ ...newer.databases, log: older.databases.log }, both(older, newer)]) {
    disk.restore({ databases, highWater: older.highWater })
    await expect(open(disk)).rejects.toThrow(OLDER)
    // Nothing was thrown away.
    await expect(open(disk)).rejects.toThrow(OLDER)
    const storage = await open(disk, true)
    expect(storage.promises).toBe('lost')
    expect(storage.damage.join()).toMatch(OLDER)
    expect(storage.incarnation).toBeGreaterThanOrEqual(1000)
    expect(storage.log.last.index).toBe(5)
    expect(disk.damaged === undefined).toBe(true)
    await storage.close()
    const again = await open(disk, true)
    expect(again).toMatchObject({ promises: 'lost', damage: [] })
    // Once the promises are kept again, no later open doubts it.
    await again.log.append(write(entries(6, 1, 1), { vote: 2 }), 'kept')
    await receive(again)
    await again.close()
    expect(await open(disk, true)).toMatchObject({ promises: 'kept', damage: [] })
    disk.crash('process')
  }
})

test('are found out by the state that they name, where it was received twice since', async () => {
  const { disk, older } = await copied(0)
  let storage = await open(disk)
  await receive(storage)
  await storage.close()
  const { databases } = disk.copy()
  expect(databases['state-2'].exists).toBe(false)
  disk.restore({ databases: { ...databases, log: older.databases.log }, highWater: older.highWater })
  await expect(open(disk)).rejects.toThrow(OLDER)
  storage = await open(disk, true)
  expect(storage).toMatchObject({ promises: 'lost' })
  expect(await storage.state.range('', undefined, 5)).toHaveLength(1)
})

test('with a log and a high-water file that are both gone the state is no reason to doubt every later open', async () => {
  const { disk, newer } = await copied(0, 40)
  const empty = new SimDisk({ timers: PROMPT, seed: 1 }).copy()
  disk.restore({ databases: { ...newer.databases, log: empty.databases.log }, highWater: undefined })
  let storage = await open(disk, true)
  expect(storage.promises).toBe('lost')
  expect(await storage.meet({ index: 40, term: 1 })).toBe(true)
  await storage.log.append(write([], { term: 1 }), 'kept')
  await storage.close()
  storage = await open(disk, true)
  expect(storage).toMatchObject({ promises: 'kept', damage: [] })
  expect(storage.log.last.index).toBe(40)
})

test('a state that was received and not installed is no sign of it, wherever the log ends', async () => {
  const disk = new SimDisk({ timers: PROMPT, seed: 1 })
  const storage = await open(disk)
  await write5(storage)
  await (await storage.beginIncoming()).finish(['a', Buffer.from('far beyond')])
  disk.crash('power')
  expect(await open(disk)).toMatchObject({ promises: 'kept', damage: [] })
})
