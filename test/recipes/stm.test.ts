import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LIMITS, put, stm, StoreError, type StmTransaction, type Store, type Transaction } from 'quorate'
import { decorated, Stage, unknownOutcome } from './stage.js'

let stage: Stage
let store: Store

beforeEach(async () => {
  stage = await Stage.open()
  store = stage.store
})
afterEach(() => stage.settle(stage.store.close()))

const transfer = async (tx: StmTransaction): Promise<number> => {
  const [a, b] = [Number((await tx.get('a'))?.text()), Number((await tx.get('b'))?.text())]
  tx.put('a', String(a - 5))
  tx.put('b', String(b + 5))
  return a - 5
}

async function accounts(): Promise<void> {
  await stage.settle(store.txn({ success: [put('a', '100'), put('b', '0')] }))
}

/** The store, which calls `before` ahead of the commit of a transaction, for the first so many. */
function interrupted(before: () => Promise<unknown>, times = 1): Store {
  let left = times
  return decorated(store, {
    txn: async (transaction, options) => {
      if (isCommit(transaction) && left-- > 0) await before()
      return store.txn(transaction, options)
    },
  })
}

const isCommit = ({ success = [] }: Transaction): boolean => success.some(({ type }) => type !== 'range')

describe('a transaction in memory', () => {
  it('writes all at once what it made of what it read', async () => {
    await accounts()
    let committed
    const result = await stage.settle(stm(store, transfer, { onCommit: (commit) => (committed = commit) }))
    expect(result).toBe(95)
    expect([await stage.text('a'), await stage.text('b')]).toEqual(['95', '5'])
    const { modRevision } = (await stage.settle(store.get('a')))!
    expect((await stage.settle(store.get('b')))?.modRevision).toBe(modRevision)
    expect(committed).toEqual({ revision: modRevision, tries: 1 })
  })

  it('reads the store at one revision, that of its first read', async () => {
    await accounts()
    const seen = await stage.settle(
      stm(store, async (tx) => {
        const a = (await tx.get('a'))?.text()
        await store.txn({ success: [put('a', '0'), put('b', '100')] })
        const range = await tx.range({ prefix: '' })
        return [a, (await tx.get('b'))?.text(), ...range.map((item) => item.text())]
      }),
    )
    expect(seen).toEqual(['100', '0', '100', '0'])
  })

  it('makes its first reads together at one revision, too', async () => {
    await accounts()
    let reads = 0
    const range: Store['range'] = async (...given) => {
      if (++reads === 2) await store.txn({ success: [put('a', '0'), put('b', '100')] })
      return store.range(...given)
    }
    const read = async (tx: StmTransaction): Promise<unknown[]> =>
      (await Promise.all([tx.get('a'), tx.get('b')])).map((each) => each?.text())
    expect(await stage.settle(stm(decorated(store, { range }), read))).toEqual(['100', '0'])
  })

  it('goes on without what it could not read, were it the first', async () => {
    await accounts()
    let refusals = 1
    const range: Store['range'] = async (...given) => {
      if (refusals-- > 0) throw new StoreError('PERMISSION_DENIED', 'not yours')
      return store.range(...given)
    }
    const read = async (tx: StmTransaction): Promise<unknown[]> => {
      const found = await Promise.allSettled([tx.get('a'), tx.get('b')])
      return found.map((each) => (each.status === 'rejected' ? each.reason : each.value?.text()) as unknown)
    }
    const [a, b] = await stage.settle(stm(decorated(store, { range }), read))
    expect(a).toMatchObject({ code: 'PERMISSION_DENIED' })
    expect(b).toBe('0')
  })

  it('is run again when what it read was changed before it committed', async () => {
    await accounts()
    let commit
    const busy = interrupted(() => store.put('a', '50'))
    expect(await stage.settle(stm(busy, transfer, { onCommit: (each) => (commit = each) }))).toBe(45)
    expect(commit).toMatchObject({ tries: 2 })
    expect([await stage.text('a'), await stage.text('b')]).toEqual(['45', '5'])
  })

  it.each([
    ['a key that was changed', () => store.put('list/1', 'new')],
    ['a key that was deleted', () => store.delete('list/1')],
    ['a key that came to be', () => store.put('list/3', '')],
  ])('is run again for %s in a range that it read', async (_what, change) => {
    await stage.settle(store.txn({ success: [put('list/1', ''), put('list/2', ''), put('count', '0')] }))
    let runs = 0
    await stage.settle(
      stm(interrupted(change), async (tx) => {
        runs++
        tx.put('count', String((await tx.range({ prefix: 'list/' })).length))
      }),
    )
    expect(runs).toBe(2)
    expect(await stage.text('count')).toBe(String((await stage.keys('list/')).length))
  })

  it('is not run again for keys behind the limit of what it read', async () => {
    await stage.settle(store.txn({ success: ['1', '2', '3'].map((each) => put(`list/${each}`, '')) }))
    let runs = 0
    const busy = interrupted(() => store.txn({ success: [put('list/3', 'new'), put('list/4', '')] }))
    await stage.settle(
      stm(busy, async (tx) => {
        runs++
        expect(await tx.range({ prefix: 'list/' }, { limit: 2 })).toHaveLength(2)
        tx.put('done', '')
      }),
    )
    expect(runs).toBe(1)
  })

  it.each([
    ['serializable-snapshot', 2],
    ['serializable', 1],
  ] as const)(
    'with %s isolation is run %d times when a key that it only writes is changed',
    async (isolation, times) => {
      await accounts()
      let runs = 0
      const busy = interrupted(() => store.put('b', '1'))
      const work = async (tx: StmTransaction): Promise<void> => {
        runs++
        tx.put('b', (await tx.get('a'))?.text() ?? '')
      }
      await stage.settle(stm(busy, work, { isolation }))
      expect(runs).toBe(times)
      expect(await stage.text('b')).toBe('100')
    },
  )

  it('notices that a key which it only writes was deleted', async () => {
    await accounts()
    let runs = 0
    await stage.settle(
      stm(
        interrupted(() => store.delete('b')),
        async (tx) => {
          runs++
          tx.put('b', (await tx.get('a'))?.text() ?? '')
        },
      ),
    )
    expect(runs).toBe(2)
  })

  it('starts again when its snapshot is compacted while it runs', async () => {
    await accounts()
    let runs = 0
    const seen = await stage.settle(
      stm(store, async (tx) => {
        const a = (await tx.get('a'))?.text()
        if (++runs === 1) await store.compact((await store.put('a', '7')).revision)
        // Whether it looks at the error or not.
        return [
          a,
          await tx.get('b').then(
            (b) => b?.text(),
            () => 'an error',
          ),
        ]
      }),
    )
    expect(seen).toEqual(['7', '0'])
    expect(runs).toBe(2)
  })

  it('gives up after so many tries, and says which key was in the way', async () => {
    await accounts()
    const busy = interrupted(() => store.put('b', '1'), 3)
    const error = await stage.failure(stm(busy, transfer, { tries: 3 }))
    expect(error).toMatchObject({ code: 'TRANSACTION_CONFLICT', outcome: 'refused', retryable: true })
    expect(error.message).toContain('3 times')
    expect(error.message).toContain("'b'")
    expect(await stage.text('a')).toBe('100')
  })

  it('writes nothing when the work throws, and rejects with its error', async () => {
    const broken = new Error('not enough')
    const work = stm(store, (tx) => {
      tx.put('a', '1')
      throw broken
    })
    await expect(stage.settle(work)).rejects.toBe(broken)
    expect(await stage.keys()).toEqual([])
  })

  it.each([
    () => {
      throw new Error('no')
    },
    () => Promise.reject(new Error('no')),
  ])('resolves when it committed, although whoever was told of it failed', async (onCommit) => {
    await stage.settle(stm(store, (tx) => void tx.put('a', '1'), { onCommit }))
    expect(await stage.text('a')).toBe('1')
  })

  it('cannot be used after the work has ended', async () => {
    let kept: StmTransaction | undefined
    await stage.settle(stm(store, (tx) => void (kept = tx)))
    expect(() => kept?.put('a', '1')).toThrow(TypeError)
    await expect(kept?.get('a')).rejects.toThrow('has ended')
  })

  it('says how much was too much', async () => {
    const max = LIMITS.transactionOperationsMax
    const writes = stm(store, (tx) => {
      for (let each = 0; each <= max; each++) tx.put(`key/${each}`, '')
    })
    expect(await stage.failure(writes)).toMatchObject({ code: 'TOO_MANY_OPERATIONS', outcome: 'refused' })
    for (let each = 0; each < max; each++) await stage.settle(store.put(`key/${each}`, ''))
    const reads = await stage.failure(
      stm(store, async (tx) => tx.put('n', String((await tx.range({ prefix: 'key/' })).length))),
    )
    expect(reads.message).toContain(`read ${max} keys and 1 ranges`)
  })

  it('ends in time, whatever its work waits for', async () => {
    const startMs = stage.nowMs
    const stuck = stm(store, () => new Promise(() => undefined), { timeoutMs: 1_000 })
    expect(await stage.failure(stuck)).toMatchObject({ code: 'TIMEOUT', outcome: 'refused' })
    expect(stage.nowMs - startMs).toBe(1_000)
  })

  it('refuses options that make no sense', async () => {
    const work = (): void => undefined
    await expect(stm(store, undefined as never)).rejects.toThrow(TypeError)
    await expect(stm(store, work, { isolation: 'none' as never })).rejects.toThrow(TypeError)
    await expect(stm(store, work, { tries: 0 })).rejects.toThrow(RangeError)
    await expect(stm(store, work, { retries: 3 } as never)).rejects.toThrow('retries')
    await expect(stm(store, work, { mark: '' })).rejects.toThrow(TypeError)
  })

  it('ends with the store, whatever its work waits for', async () => {
    const waiting = stm(stage.store, () => new Promise<void>(() => undefined), { timeoutMs: 60_000 })
    waiting.catch(() => undefined)
    await stage.settle(stage.store.close())
    await stage.pass(1)
    expect(await stage.failure(waiting)).toMatchObject({ code: 'CLOSED' })
    expect(stage.nowMs).toBeLessThan(10_000)
  })

  it('may delete a range in which its mark lies, and not put it', async () => {
    await stage.settle(stage.store.put('x/1', 'a'))
    const clear = (tx: StmTransaction): void => {
      tx.delete({ prefix: 'x/' })
    }
    for (let time = 0; time < 2; time++) await stage.settle(stm(stage.store, clear, { mark: 'x/mark' }))
    expect(await stage.keys('x/')).toEqual(['x/mark'])
    const puts = (tx: StmTransaction): void => {
      tx.put('x/mark', 'mine')
    }
    await expect(stage.settle(stm(stage.store, puts, { mark: 'x/mark' }))).rejects.toThrow(
      "'x/mark' is the mark of this transaction",
    )
  })
})

describe('a commit whose outcome is unknown', () => {
  type Fate = 'done' | 'lost' | 'late'

  /** The first commits meet these fates, and are said to be unknown; `late`: it is done when `arrive()` is called. */
  function fated(...fates: Fate[]): { store: Store; arrive: () => Promise<unknown> } {
    const late: (() => Promise<unknown>)[] = []
    const doomed = decorated(store, {
      txn: async (transaction, options) => {
        const fate = isCommit(transaction) ? fates.shift() : undefined
        if (fate === undefined) return store.txn(transaction, options)
        if (fate === 'done') await store.txn(transaction, options)
        if (fate === 'late') late.push(() => store.txn(transaction))
        throw unknownOutcome()
      },
    })
    return { store: doomed, arrive: () => Promise.all(late.map((each) => each())) }
  }

  it.each(['done', 'lost', 'late'] as const)('is done once, where it was %s', async (fate) => {
    await accounts()
    const fateful = fated(fate, fate)
    expect(await stage.settle(stm(fateful.store, transfer, { mark: 'mark' }))).toBe(95)
    await stage.settle(fateful.arrive())
    expect([await stage.text('a'), await stage.text('b')]).toEqual(['95', '5'])
  })

  it('is found among the changes that others made since', async () => {
    await accounts()
    const { store: fateful } = fated('done')
    const busy = decorated(fateful, {
      txn: async (...given) => {
        try {
          return await fateful.txn(...given)
        } catch (error) {
          await stm(store, transfer, { mark: 'mark' })
          throw error
        }
      },
    })
    expect(await stage.settle(stm(busy, transfer, { mark: 'mark' }))).toBe(95)
    expect(await stage.text('a')).toBe('90')
  })

  it('stays unknown without a mark where somebody else may have done the same', async () => {
    await accounts()
    const error = await stage.failure(stm(fated('done').store, transfer))
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
    expect(await stage.text('a')).toBe('95')
  })

  it('without a mark is run again where somebody else did something else', async () => {
    await accounts()
    const doomed = decorated(store, {
      txn: async (...given) => {
        if ((await store.get('a'))?.text() !== '100') return store.txn(...given)
        await store.put('a', '50')
        throw unknownOutcome()
      },
    })
    expect(await stage.settle(stm(doomed, transfer))).toBe(45)
  })

  it('is not sent again where it only adds keys: it could come late, after they were deleted', async () => {
    const fateful = fated('late')
    const add = (tx: StmTransaction): void => tx.put('new', 'here')
    expect(await stage.failure(stm(fateful.store, add))).toMatchObject({ outcome: 'unknown' })
    await stage.settle(fateful.arrive())
    expect(await stage.text('new')).toBe('here')
  })

  it('that only adds keys is recognised by its mark', async () => {
    let commit
    const add = (tx: StmTransaction): void => tx.put('new', 'here')
    await stage.settle(stm(fated('done').store, add, { mark: 'mark', onCommit: (each) => (commit = each) }))
    expect(commit).toMatchObject({ revision: (await stage.settle(store.get('new')))?.modRevision })
  })

  it('stays unknown when its history was compacted', async () => {
    await accounts()
    const { store: fateful } = fated('done')
    const forgetful = decorated(fateful, {
      txn: async (...given) => {
        try {
          return await fateful.txn(...given)
        } catch (error) {
          await store.compact((await store.put('a', '1')).revision)
          throw error
        }
      },
    })
    expect(await stage.failure(stm(forgetful, transfer, { mark: 'mark' }))).toMatchObject({ outcome: 'unknown' })
  })

  it('is said to be unknown when the time is over', async () => {
    await accounts()
    const error = await stage.failure(
      stm(fated('done', ...Array<Fate>(100).fill('lost')).store, transfer, { mark: 'mark', timeoutMs: 1_000 }),
    )
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
  })

  it('is sent again where the store refused it for a time', async () => {
    await accounts()
    let refusals = 3
    const moody = decorated(store, {
      txn: (...given) =>
        refusals-- > 0 ? Promise.reject(new StoreError('NO_LEADER', 'no leader')) : store.txn(...given),
    })
    expect(await stage.settle(stm(moody, transfer))).toBe(95)
    expect(await stage.text('a')).toBe('95')
  })
})
