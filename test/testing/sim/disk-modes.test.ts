/**
 * Each way in which a disk fails, by its name: what somebody sees who uses the database as it is, and what storage makes of
 * it. docs/DISK-FAULTS.md is the table of it.
 */
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../../src/base/errors.js'
import { drainMicrotasks } from '../../../src/runtime/event-loop.js'
import type { Database } from '../../../src/storage/disk.js'
import { type Storage, openStorage } from '../../../src/storage/storage.js'
import { SimScheduler } from '../../../src/testing/sim/scheduler.js'
import { type CrashKind, SimDisk, type SimDiskEvent } from '../../../src/testing/sim/sim-disk.js'
import { IDENTITY, describeEntries, entries, write } from '../../storage/disks.js'

const SYNC: object = { sync: true }
const WRITES = 10
const SEEDS = 40

/** One disk, its time, and those who use it one after the other. */
class Rig {
  readonly scheduler = new SimScheduler()
  readonly events: SimDiskEvent[] = []
  readonly disk: SimDisk

  constructor(seed: number, name = 'a') {
    const timers = this.scheduler.timersOf()
    this.disk = new SimDisk({ timers, seed, name, observe: (event) => this.events.push(event) })
  }

  async run<T>(promise: Promise<T>): Promise<T> {
    let ended = false
    promise.then(
      () => (ended = true),
      () => (ended = true),
    )
    await drainMicrotasks()
    await this.scheduler.runUntil(() => ended, Infinity)
    return promise
  }

  /** The database without anything of ours. */
  async open(): Promise<Database> {
    const mounted = this.disk.mount()
    await this.run(mounted.acquire({ create: true }))
    return this.run(mounted.openDatabase('log', { create: true }))
  }

  /** 0 to 9, each by itself. */
  async fill(options = SYNC): Promise<Database> {
    const database = await this.open()
    for (let at = 0; at < WRITES; at++) await this.run(database.put(String(at), Buffer.from(`value ${at}`), options))
    return database
  }

  /** What it finds: `0123456789` when all is well, * for a wrong value. */
  async found(): Promise<string> {
    try {
      const database = await this.open()
      const pairs = await this.run(database.iterator().all())
      return pairs.map(([key, value]) => (Buffer.from(value).toString() === `value ${key}` ? key : '*')).join('')
    } catch (error) {
      const { code, cause } = error as Error & { code: string }
      return code === 'DATA_DAMAGED' ? String((cause as Error & { code: string }).code) : code
    }
  }

  openStorage(identity = IDENTITY): Promise<Storage> {
    return this.run(openStorage(this.disk.mount(), identity))
  }

  /** Entries 1 to 10, and the state at 5. */
  async store(): Promise<Storage> {
    const storage = await this.openStorage()
    for (let at = 1; at <= WRITES; at++) {
      await this.run(storage.log.append(write(entries(at, 1, 1), { term: 1, vote: 2 })))
      if (at !== 5) continue
      for (const key of ['x', 'y', 'z']) storage.state.set(key, Buffer.from(`value of ${key}`))
      await this.run(storage.state.commit())
    }
    return storage
  }

  /**
   * What storage makes of it where there are others: whether the promises are kept, which entries and which records of the
   * state (which has applied entry 5) are there. A state that is not exactly that is given up, as its digest would have it.
   */
  async goneOn(): Promise<string> {
    const storage = await this.run(openStorage(this.disk.mount(), IDENTITY, { recover: true, incarnationFloor: 1000 }))
    const read = async (): Promise<string> => {
      const state = await this.run(storage.state.range('', undefined, 10))
      return state.map(([key, value]) => (Buffer.from(value).toString() === `value of ${key}` ? key : '*')).join('')
    }
    const records = await read().catch((error: unknown) => {
      if (!isStoreError(error, 'DATA_DAMAGED')) throw error
      return '*'
    })
    const whole = records === 'xyz'
    if (!whole && records !== '') await this.run(storage.giveUpState('it does not come to its digest'))
    const applied = whole ? { index: 5, term: 1 } : { index: 0, term: 0 }
    await this.run(storage.meet(applied))
    const { compacted, entries: listed } = storage.log.storedState(applied)
    expect(describeEntries(listed)).toEqual(describeEntries(entries(compacted.index + 1, listed.length, 1)))
    const log = listed.length === 0 ? `none behind ${compacted.index}` : `1 to ${listed.length}`
    return `${storage.promises}, entries ${log}, ${whole ? records : 'no state'}`
  }

  /** What storage makes of it: how many entries, or the refusal. */
  async stored(identity = IDENTITY): Promise<string> {
    try {
      const storage = await this.openStorage(identity)
      const { entries: listed, hardState } = storage.log.storedState(storage.log.base)
      expect(describeEntries(listed)).toEqual(describeEntries(entries(1, listed.length, 1)))
      const state = await this.run(storage.state.range('', undefined, 10))
      const records = state.map(([key, value]) => (Buffer.from(value).toString() === `value of ${key}` ? key : '*'))
      return `${hardState.vote === 2 ? '' : 'no vote, '}${listed.length} entries, ${records.join('')}`
    } catch (error) {
      if (isStoreError(error)) return error.code
      throw error
    }
  }
}

const ALL = '10 entries, xyz'
const WHOLE = 'kept, entries 1 to 10, xyz'

/** What comes out for different seeds. */
async function outcomes(of: (rig: Rig) => Promise<string>, seeds = SEEDS): Promise<string[]> {
  const found = new Set<string>()
  for (let seed = 0; seed < seeds; seed++) found.add(await of(new Rig(seed)))
  return [...found].sort()
}

/** After `damage` to what was written and synced, and the end of the process. */
function afterwards(damage: (rig: Rig) => void, end: CrashKind = 'process') {
  return {
    naive: async (rig: Rig): Promise<string> => {
      await rig.fill()
      rig.disk.crash(end)
      damage(rig)
      return rig.found()
    },
    storage: async (rig: Rig): Promise<string> => {
      await rig.store()
      rig.disk.crash(end)
      damage(rig)
      return rig.stored()
    },
    goneOn: async (rig: Rig): Promise<string> => {
      await rig.store()
      rig.disk.crash(end)
      damage(rig)
      return rig.goneOn()
    },
  }
}

describe('M0, M1: the process or the machine is lost', () => {
  test.each(['process', 'power'] as const)('%s: what was synced is there', async (end) => {
    const { naive, storage, goneOn } = afterwards(() => undefined, end)
    expect(await outcomes(naive)).toEqual(['0123456789'])
    expect(await outcomes(storage)).toEqual([ALL])
    expect(await outcomes(goneOn)).toEqual([WHOLE])
  })

  test('power: of what was not synced a database keeps any beginning', async () => {
    const found = await outcomes(async (rig) => {
      await rig.fill({})
      rig.disk.crash('power')
      return rig.found()
    }, 400)
    for (let kept = 0; kept <= WRITES; kept++) expect(found).toContain('0123456789'.slice(0, kept))
    // The rotation hole: an older write is gone, a newer one is there.
    const holes = found.filter((keys) => !'0123456789'.startsWith(keys))
    expect(holes.length).toBeGreaterThan(0)
  })
})

describe('M2: the end of the log is torn off', () => {
  const { naive, storage, goneOn } = afterwards((rig) => rig.disk.rot('torn-tail', 'log'))

  test('of several, storage keeps what is left, and says that it is not all', async () => {
    expect(await outcomes(goneOn)).toEqual([7, 8, 9].map((last) => `lost, entries 1 to ${last}, xyz`))
  })

  test('a database has lost synced writes, and says nothing', async () => {
    expect(await outcomes(naive)).toEqual(['0123456', '01234567', '012345678'])
  })

  test('storage refuses', async () => {
    expect(await outcomes(storage)).toEqual(['DATA_DAMAGED'])
  })
})

describe('M3: a hole in the synced log', () => {
  const { naive, storage, goneOn } = afterwards((rig) => rig.disk.rot('hole', 'log'))

  test('of several, storage goes on behind the state', async () => {
    expect(await outcomes(goneOn)).toEqual(['lost, entries none behind 5, xyz'])
  })

  test('a database has lost synced writes from its middle, later ones are there', async () => {
    const found = await outcomes(naive)
    expect(found).toContain('0456789')
    for (const keys of found) expect(keys).toMatch(/^\d{1,9}$/)
  })

  test('storage refuses', async () => {
    expect(await outcomes(storage)).toEqual(['DATA_DAMAGED'])
  })
})

describe('M4: a flipped bit', () => {
  /** An open makes tables of the log. */
  async function inTables(rig: Rig, use: () => Promise<unknown>): Promise<void> {
    await use()
    rig.disk.crash('process')
    const mounted = rig.disk.mount()
    await rig.run(mounted.acquire({ create: true }))
    for (const name of ['log', 'state'] as const) await rig.run(mounted.openDatabase(name, { create: true }))
    rig.disk.crash('process')
  }

  test('in a table: a database gives another value, or another key, or leaves one out', async () => {
    const found = await outcomes(async (rig) => {
      await inTables(rig, () => rig.fill())
      rig.disk.rot('bit-flip', 'log')
      return rig.found()
    })
    expect(found.some((keys) => keys.includes('*'))).toBe(true)
    expect(found).not.toContain('0123456789')
  })

  test('in a table of the log: storage refuses', async () => {
    const found = await outcomes(async (rig) => {
      await inTables(rig, () => rig.store())
      rig.disk.rot('bit-flip', 'log')
      return rig.stored()
    }, 100)
    expect(found).toEqual(['DATA_DAMAGED'])
  })

  test('in a table of the log: of several, storage goes on behind the state', async () => {
    const found = await outcomes(async (rig) => {
      await inTables(rig, () => rig.store())
      rig.disk.rot('bit-flip', 'log')
      return rig.goneOn()
    }, 100)
    expect(found).toEqual(['lost, entries none behind 5, xyz'])
  })

  test('in a table of the state: the log brings it back, or another member', async () => {
    const found = await outcomes(async (rig) => {
      await inTables(rig, () => rig.store())
      rig.disk.rot('bit-flip', 'state')
      return rig.goneOn()
    }, 100)
    expect(found).toEqual(['kept, entries 1 to 10, no state'])
  })

  test('in a table of the state: whoever reads is told; only a record that is gone altogether takes the digest', async () => {
    const found = await outcomes(async (rig) => {
      await inTables(rig, () => rig.store())
      rig.disk.rot('bit-flip', 'state')
      return rig.stored()
    }, 100)
    expect(found).toEqual(['10 entries, xy', '10 entries, xz', '10 entries, yz', 'DATA_DAMAGED'])
  })

  test('under a running process: the next read is told', async () => {
    const found = await outcomes(async (rig) => {
      await inTables(rig, () => rig.store())
      const storage = await rig.openStorage()
      rig.disk.rot('bit-flip', 'state')
      try {
        return (['x', 'y', 'z'] as const).filter((key) => storage.state.get(key) !== undefined).join('')
      } catch (error) {
        return (error as { code: string }).code
      }
    }, 100)
    expect(found).toEqual(['DATA_DAMAGED', 'xy', 'xz', 'yz'])
  })

  test('in the high-water file: the other slots stand, or storage refuses', async () => {
    const { storage, goneOn } = afterwards((rig) => rig.disk.rot('bit-flip', 'high-water'))
    expect(await outcomes(goneOn)).toEqual([WHOLE, WHOLE.replace('kept', 'lost')])
    expect(await outcomes(storage)).toEqual([ALL, 'DATA_DAMAGED'])
  })
})

describe('M5: a database that does not open', () => {
  const { naive, storage } = afterwards((rig) => rig.disk.rot('unopenable', 'log'))

  test.each([
    ['log', 'lost, entries none behind 5, xyz'],
    ['state', 'kept, entries 1 to 10, no state'],
    ['high-water', 'lost, entries 1 to 10, xyz'],
  ] as const)('of several, storage goes on without the %s', async (part, found) => {
    expect(await outcomes(afterwards((rig) => rig.disk.rot('unopenable', part)).goneOn, 5)).toEqual([found])
  })

  test('it says so, and storage refuses', async () => {
    expect(await outcomes(naive, 3)).toEqual(['LEVEL_DATABASE_NOT_OPEN'])
    expect(await outcomes(storage, 3)).toEqual(['DATA_DAMAGED'])
  })

  test('an error of the system is no damage: a later open finds everything', async () => {
    const rig = new Rig(1)
    await rig.store()
    rig.disk.crash('process')
    rig.disk.failNext('open')
    expect(await rig.stored()).toBe('DISK_FAILED')
    expect(await rig.stored()).toBe(ALL)
  })
})

describe('M6: a sync fails', () => {
  test('a database takes no more writes until it is opened again; the one that failed is there or not', async () => {
    const found = await outcomes(async (rig) => {
      const database = await rig.fill()
      rig.disk.failNextSync()
      for (let again = 0; again < 3; again++)
        await expect(rig.run(database.put('failed', Buffer.from('1'), SYNC))).rejects.toThrow('Input/output error')
      expect(database.getSync('failed')).toBeUndefined()
      rig.disk.crash('process')
      return rig.found()
    })
    expect(found).toEqual(['0123456789', '0123456789*'])
  })

  test.each(['process', 'power'] as const)(
    'storage fails for good; after the loss of %s both are right',
    async (end) => {
      const found = await outcomes(async (rig) => {
        const storage = await rig.store()
        rig.disk.failNextSync()
        const failed = rig.run(storage.log.append(write(entries(11, 1, 1), { term: 1, vote: 2 })))
        await expect(failed).rejects.toMatchObject({ code: 'DISK_FAILED', outcome: 'unknown' })
        await expect(rig.run(storage.log.append(write([], { term: 9 })))).rejects.toMatchObject({ code: 'DISK_FAILED' })
        await expect(rig.run(storage.state.commit())).rejects.toMatchObject({ code: 'DISK_FAILED' })
        rig.disk.crash(end)
        return rig.stored()
      })
      expect(found).toEqual([ALL, '11 entries, xyz'])
    },
  )
})

describe('M7: a disk that lies about syncs', () => {
  test('a database loses what it called durable', async () => {
    const found = await outcomes(async (rig) => {
      const database = await rig.open()
      rig.disk.lie(true)
      for (let at = 0; at < WRITES; at++) await rig.run(database.put(String(at), Buffer.from(`value ${at}`), SYNC))
      expect(rig.disk.unsynced('log')).toBe(WRITES)
      rig.disk.crash('power')
      return rig.found()
    }, 100)
    expect(found).toContain('')
    expect(found).toContain('0123')
  })

  test('as long as the high-water file is told the truth, storage notices', async () => {
    const found = await outcomes(async (rig) => {
      const storage = await rig.store()
      rig.disk.lie(true)
      for (let at = 11; at <= 15; at++)
        await rig.run(storage.log.append(write(entries(at, 1, 1), { term: 1, vote: 2 })))
      rig.disk.lie(false)
      storage.state.set('x', Buffer.from('value of x'))
      await rig.run(storage.state.commit())
      rig.disk.crash('power')
      const copy = rig.disk.copy()
      const stored = await rig.stored()
      rig.disk.crash('process')
      rig.disk.restore(copy)
      // What a member of several makes of the same disk.
      expect(await rig.goneOn()).toMatch(
        stored === 'DATA_DAMAGED' ? /^lost, entries 1 to \d+, xyz/ : /^kept, entries 1 to 15/,
      )
      return stored
    })
    expect(found).toEqual(['15 entries, xyz', 'DATA_DAMAGED'])
  })

  test('a lie about both is not to be noticed by one member: what it finds is what it once was', async () => {
    const found = await outcomes(async (rig) => {
      const storage = await rig.openStorage()
      rig.disk.lie(true)
      for (let at = 1; at <= WRITES; at++)
        await rig.run(storage.log.append(write(entries(at, 1, 1), { term: 1, vote: 2 })))
      await rig.run(storage.state.commit())
      rig.disk.crash('power')
      return rig.stored()
    }, 100)
    expect(found).toContain('7 entries, ')
    expect(found).toContain('no vote, 0 entries, ')
  })
})

describe('M8: a disk that is full, failing, slow, or does not answer', () => {
  test('full: a database goes on when there is space, on half a record, and what it writes then may be unreadable', async () => {
    const found = await outcomes(async (rig) => {
      const database = await rig.open()
      rig.disk.fill()
      await expect(rig.run(database.put('full', Buffer.from('1'), SYNC))).rejects.toThrow('No space left on device')
      rig.disk.free()
      for (const key of ['0', '1']) await rig.run(database.put(key, Buffer.from(`value ${key}`), SYNC))
      rig.disk.crash('process')
      return rig.found()
    })
    expect(found).toEqual(['', '0', '01', '1'])
  })

  test.each(['full', 'write'] as const)('%s: storage fails for good, and loses nothing', async (kind) => {
    const found = await outcomes(async (rig) => {
      const storage = await rig.store()
      if (kind === 'full') rig.disk.fill()
      else rig.disk.failNext('write')
      const failed = rig.run(storage.log.append(write(entries(11, 1, 1), { term: 1, vote: 2 })))
      await expect(failed).rejects.toMatchObject({ code: 'DISK_FAILED' })
      rig.disk.free()
      await expect(rig.run(storage.log.append(write([], { term: 9 })))).rejects.toMatchObject({ code: 'DISK_FAILED' })
      rig.disk.crash('process')
      if (kind === 'full') {
        rig.disk.fill()
        expect(await rig.stored()).toBe('DISK_FAILED')
        rig.disk.free()
      }
      return rig.stored()
    }, 10)
    expect(found).toEqual([ALL])
  })

  test('a read that fails is told, and the next one succeeds', async () => {
    const rig = new Rig(1)
    const storage = await rig.store()
    rig.disk.failNext('read')
    await expect(rig.run(storage.state.range('', undefined, 10))).rejects.toMatchObject({ code: 'DISK_FAILED' })
    expect(await rig.run(storage.state.range('', undefined, 10))).toHaveLength(3)
  })

  test('slow, and hanging: it takes longer, and everything comes in its order', async () => {
    const rig = new Rig(1)
    const storage = await rig.store()
    rig.disk.slow(1000)
    const before = rig.scheduler.nowMs
    await rig.run(storage.log.append(write(entries(11, 1, 1), { term: 1, vote: 2 })))
    expect(rig.scheduler.nowMs - before).toBeGreaterThan(100)
    rig.disk.slow(1)
    rig.disk.hang()
    const order: string[] = []
    void storage.log.append(write(entries(12, 1, 1), { term: 1, vote: 2 })).then(() => order.push('append'))
    void storage.state.commit().then(() => order.push('commit'))
    await rig.scheduler.runUntil(() => false, 60_000)
    expect(order).toEqual([])
    rig.disk.goOn()
    await rig.scheduler.runUntil(() => order.length === 2, 10)
    expect(order).toHaveLength(2)
  })
})

describe('M9: another disk in the place of this one', () => {
  test('an empty one is a new member: it is for its cluster to notice that it has lost its promises', async () => {
    const rig = new Rig(1)
    await rig.store()
    rig.disk.crash('process')
    rig.disk.wipe()
    const storage = await rig.openStorage()
    expect(storage.used).toBe(false)
  })

  test("another member's is refused", async () => {
    const rig = new Rig(1)
    const other = new Rig(1, 'b')
    await rig.store()
    await other.openStorage({ ...IDENTITY, memberId: 7, name: 'b' })
    rig.disk.crash('process')
    rig.disk.restore(other.disk.copy())
    expect(await rig.stored()).toBe('WRONG_MEMBER')
  })

  test('an older copy of the whole is not to be noticed by one member: it is what it once was', async () => {
    const rig = new Rig(1)
    const storage = await rig.store()
    const copy = rig.disk.copy()
    expect(() => rig.disk.restore(copy)).toThrow('in use')
    await rig.run(storage.log.append(write(entries(11, 1, 1), { term: 1, vote: 2 })))
    rig.disk.crash('process')
    expect(await rig.stored()).toBe('11 entries, xyz')
    rig.disk.crash('process')
    rig.disk.restore(copy)
    expect(await rig.stored()).toBe(ALL)
  })
})

describe('M10: an iterator', () => {
  test('gives the state of its moment, whatever is committed meanwhile', async () => {
    const rig = new Rig(1)
    const storage = await rig.store()
    const iterating = storage.state.iterateAll()[Symbol.asyncIterator]()
    storage.state.delete('x')
    storage.state.set('y', Buffer.from('another'))
    await rig.run(storage.state.commit())
    const { value } = (await rig.run(iterating.next())) as { value: [string, Uint8Array][] }
    expect(value.map(([key, bytes]) => [key, Buffer.from(bytes).toString()])).toEqual(
      ['x', 'y', 'z'].map((key) => [key, `value of ${key}`]),
    )
  })
})

describe('the draws', () => {
  /** When each write of the state was over, with or without something going on at the log. */
  async function timings(disturb: boolean): Promise<number[]> {
    const rig = new Rig(5)
    const mounted = rig.disk.mount()
    await rig.run(mounted.acquire({ create: true }))
    const state = await rig.run(mounted.openDatabase('state', { create: true }))
    const log = disturb ? await rig.run(mounted.openDatabase('log', { create: true })) : undefined
    const times: number[] = []
    for (let at = 0; at < 20; at++) {
      if (log !== undefined) await rig.run(log.put(String(at), Buffer.from('1'), SYNC))
      const before = rig.scheduler.nowMs
      await rig.run(state.put(String(at), Buffer.from('1'), SYNC))
      times.push(Math.round((rig.scheduler.nowMs - before) * 1000))
      if (disturb && at % 5 === 0) rig.disk.rot('bit-flip', 'log')
    }
    return times
  }

  test('of one part do not move those of another: leaving out one fault leaves the rest as it was', async () => {
    expect(await timings(true)).toEqual(await timings(false))
  })

  test('tell of what took effect, and of nothing else', async () => {
    const rig = new Rig(1)
    expect(rig.disk.rot('hole', 'log')).toBe(false)
    await rig.store()
    expect(rig.events).toEqual([])
    rig.disk.crash('process')
    rig.disk.rot('torn-tail', 'log')
    expect(rig.events.map(({ kind, part }) => `${kind} of ${part}`)).toEqual(['torn-tail of log'])
  })
})
