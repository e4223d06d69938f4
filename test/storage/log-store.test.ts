import { describe, expect, test } from 'vitest'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { DISKS, IDENTITY, ORIGIN, describeEntries, entries, write } from './disks.js'

describe.each(DISKS.filter((disk) => disk.permanent))('the log on a $name disk', ({ make }) => {
  /** Closes and opens again; the entries found. */
  async function reopened(disk: ReturnType<typeof make>, storage: Storage) {
    await storage.close()
    return openStorage(disk(), IDENTITY)
  }

  test('is empty at first', async () => {
    const storage = await openStorage(make()(), IDENTITY)
    expect(storage.used).toBe(false)
    expect(storage.log.storedState(ORIGIN)).toEqual({
      hardState: { term: 0, vote: 0 },
      compacted: ORIGIN,
      entries: [],
      applied: 0,
    })
    await storage.close()
  })

  test('keeps entries, of every kind and size, and the hard state', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await storage.log.append(write([], { term: 3, vote: 0xa1 }))
    await storage.log.append(
      write(
        [
          { index: 1, term: 3, kind: 'noop', data: new Uint8Array() },
          { index: 2, term: 3, kind: 'configuration', data: Buffer.from([0, 255, 1]) },
          { index: 3, term: 3, kind: 'normal', data: Buffer.alloc(100_000, 7) },
        ],
        { vote: 0xa1 },
      ),
    )
    await storage.log.append(write(entries(4, 2, 4), { term: 5, vote: 9 }))
    storage = await reopened(disk, storage)
    const stored = storage.log.storedState(ORIGIN)
    expect(stored.hardState).toEqual({ term: 5, vote: 9 })
    expect(stored.entries.map(({ index, term, kind }) => [index, term, kind])).toEqual([
      [1, 3, 'noop'],
      [2, 3, 'configuration'],
      [3, 3, 'normal'],
      [4, 4, 'normal'],
      [5, 4, 'normal'],
    ])
    expect(Buffer.from(stored.entries[1]?.data as Uint8Array)).toEqual(Buffer.from([0, 255, 1]))
    expect(Buffer.alloc(100_000, 7).equals(stored.entries[2]?.data as Uint8Array)).toBe(true)
    await storage.close()
  })

  test('splits a batch of many bytes into records', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    const written = entries(1, 40, 1, 100_000)
    await storage.log.append(write(written))
    await storage.log.trim({ index: 25, term: 1 })
    expect(storage.log.base.index).toBe(20)
    storage = await reopened(disk, storage)
    expect(describeEntries(storage.log.storedState({ index: 30, term: 1 }).entries)).toEqual(
      describeEntries(written.slice(20)),
    )
    await storage.close()
  })

  test.each([
    ['at the start of a record', 4],
    ['in the middle of a record', 5],
    ['in the middle of an earlier record', 2],
    ['from the first entry on', 1],
  ])('truncates %s', async (_, from) => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await storage.log.append(write(entries(1, 3, 1)))
    await storage.log.append(write(entries(4, 3, 1)))
    await storage.log.append(write(entries(from, 1, 2)))
    expect(storage.log.last).toEqual({ index: from, term: 2 })
    const expected = [...entries(1, from - 1, 1), ...entries(from, 1, 2)]
    storage = await reopened(disk, storage)
    expect(describeEntries(storage.log.storedState(ORIGIN).entries)).toEqual(describeEntries(expected))
    await storage.log.append(write(entries(from + 1, 2, 2)))
    storage = await reopened(disk, storage)
    expect(storage.log.last).toEqual({ index: from + 2, term: 2 })
    await storage.close()
  })

  test('trims whole records, and remembers where it begins', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await storage.log.append(write(entries(1, 3, 1)))
    await storage.log.append(write(entries(4, 3, 2)))
    await storage.log.trim({ index: 2, term: 1 })
    expect(storage.log.base).toEqual(ORIGIN)
    await storage.log.trim({ index: 5, term: 2 })
    expect(storage.log.base).toEqual({ index: 3, term: 1 })
    storage = await reopened(disk, storage)
    const stored = storage.log.storedState({ index: 5, term: 2 })
    expect(stored).toMatchObject({ compacted: { index: 3, term: 1 }, applied: 5 })
    expect(describeEntries(stored.entries)).toEqual(describeEntries(entries(4, 3, 2)))
    await storage.log.trim({ index: 6, term: 2 })
    storage = await reopened(disk, storage)
    expect(storage.log.storedState({ index: 6, term: 2 })).toMatchObject({
      compacted: { index: 6, term: 2 },
      entries: [],
    })
    await storage.log.append(write(entries(7, 1, 3)))
    storage = await reopened(disk, storage)
    expect(storage.log.storedState({ index: 6, term: 2 }).entries).toHaveLength(1)
    await storage.close()
  })

  test('loses its promises between two writes, and not beside one', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await storage.log.append(write(entries(1, 3, 1)))
    const { generation } = storage.log.mark
    await Promise.all([
      storage.log.append(write(entries(4, 3, 1))),
      storage.log.losePromises(0),
      storage.log.trim({ index: 3, term: 1 }),
    ])
    expect(storage.log.mark.generation).toBe(generation + 3)
    storage = await reopened(disk, storage)
    expect([storage.promises, storage.log.base.index, storage.log.last.index]).toEqual(['lost', 3, 6])
    await storage.close()
  })

  test('takes a trim while an append is under way, and the other way round', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await storage.log.append(write(entries(1, 3, 1)))
    await Promise.all([storage.log.append(write(entries(4, 3, 1))), storage.log.trim({ index: 3, term: 1 })])
    await Promise.all([storage.log.trim({ index: 6, term: 1 }), storage.log.append(write(entries(7, 3, 1)))])
    storage = await reopened(disk, storage)
    expect(storage.log.base.index).toBe(6)
    expect(storage.log.last.index).toBe(9)
    await storage.close()
  })

  test('counts its opens', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    for (let opens = 1; opens <= 3; opens++) {
      expect(storage).toMatchObject({ incarnation: opens, used: opens > 1, permanent: true })
      storage = await reopened(disk, storage)
    }
    await storage.close()
  })

  test('gives what is stored only until the first write', async () => {
    const storage = await openStorage(make()(), IDENTITY)
    await storage.log.append(write(entries(1, 1, 1)))
    expect(() => storage.log.storedState(ORIGIN)).toThrow('after a write')
    await storage.close()
  })

  test('notices a state that does not meet it', async () => {
    const disk = make()
    let storage = await openStorage(disk(), IDENTITY)
    await storage.log.append(write(entries(1, 3, 1)))
    await storage.log.append(write(entries(4, 3, 2)))
    await storage.log.trim({ index: 3, term: 1 })
    storage = await reopened(disk, storage)
    const stored = (index: number, term: number) => () => storage.log.storedState({ index, term })
    expect(stored(2, 1)).toThrow('the state ends at entry 2, the log begins behind entry 3')
    expect(stored(7, 2)).toThrow('the log ends at entry 6, the state has applied entry 7')
    expect(stored(5, 1)).toThrow('entry 5 of term 1, in the log it is of term 2')
    expect(stored(3, 2)).toThrow('entry 3 of term 2, in the log it is of term 1')
    expect(stored(6, 2)().applied).toBe(6)
    await storage.close()
  })
})

describe.each(DISKS)('misuse of the log on a $name disk', ({ make }) => {
  test.each([
    [
      'a second append',
      (storage: Storage) => [write(entries(1, 1, 1)), write(entries(2, 1, 1))].map((w) => storage.log.append(w)),
    ],
    ['a gap', (storage: Storage) => [storage.log.append(write(entries(2, 1, 1)))]],
    ['a gap within', (storage: Storage) => [storage.log.append(write([...entries(1, 1, 1), ...entries(3, 1, 1)]))]],
    ['an entry above the term', (storage: Storage) => [storage.log.append(write(entries(1, 1, 2), { term: 1 }))]],
    ['a trim behind the end', (storage: Storage) => [storage.log.trim({ index: 1, term: 1 })]],
  ])('%s is a broken invariant', async (_, misuse) => {
    const storage = await openStorage(make()(), IDENTITY)
    const results = await Promise.allSettled(misuse(storage))
    expect(results.filter((result) => result.status === 'rejected')).toMatchObject([{ reason: { code: 'ASSERTION' } }])
    await storage.close()
  })

  test('a term that falls and a vote that changes are broken invariants', async () => {
    const storage = await openStorage(make()(), IDENTITY)
    await storage.log.append(write([], { term: 2, vote: 1 }))
    await expect(storage.log.append(write([], { term: 1, vote: 0 }))).rejects.toThrow('the term falls')
    await expect(storage.log.append(write([], { term: 2, vote: 3 }))).rejects.toThrow('the vote of term 2 changes')
    await storage.log.append(write([], { term: 3, vote: 3 }))
    await storage.close()
  })

  test('after the close every write and read is refused', async () => {
    const storage = await openStorage(make()(), IDENTITY)
    await storage.close()
    await storage.close()
    await expect(storage.log.append(write(entries(1, 1, 1)))).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(storage.log.trim(ORIGIN)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(storage.state.commit()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(storage.state.getMany(['k'])).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(storage.state.range('', undefined, 1)).rejects.toMatchObject({ code: 'CLOSED' })
    expect(() => storage.state.set('a', new Uint8Array())).toThrow('closed')
  })
})
