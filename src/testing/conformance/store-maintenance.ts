/** Maintenance: what operators ask for. */
import { del, put } from '../../api/operations.js'
import { check, equal, rejectsAs, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

export const maintenance: StoreTests = {
  'lists the alarms that are active, and disarms those that are selected': async (store) => {
    const { memberId } = store.status()
    equal(await store.maintenance.alarms(), [], 'alarms at first')
    await store.maintenance.raise({ alarm: 'no-space', memberId })
    await store.maintenance.raise({ alarm: 'no-space', memberId })
    await store.maintenance.raise({ alarm: 'corrupt', memberId })
    const noSpace = { alarm: 'no-space', memberId } as const
    const corrupt = { alarm: 'corrupt', memberId } as const
    equal(await store.maintenance.alarms(), [noSpace, corrupt], 'alarms that were raised')
    equal(store.status().alarms, [noSpace, corrupt], 'alarms in the status')
    equal(await store.maintenance.disarm({ alarm: 'corrupt' }), [corrupt], 'what was disarmed')
    equal(await store.maintenance.disarm({ alarm: 'corrupt' }), [], 'what was disarmed a second time')
    equal(await store.maintenance.disarm(), [noSpace], 'all the rest')
    equal(await store.maintenance.alarms(), [], 'alarms at last')
  },

  'adds nothing while the alarm says that there is no space, and still reads, deletes and compacts': async (store) => {
    await store.put('a', '1')
    const { revision } = await store.put('b', '1')
    await store.maintenance.raise({ alarm: 'no-space', memberId: store.status().memberId })
    await rejectsWith('NO_SPACE', () => store.put('a', '2'), 'a put')
    await rejectsWith('NO_SPACE', () => store.txn({ success: [put('a', '2')] }), 'a transaction with a put')
    await rejectsWith('NO_SPACE', () => store.leases.grant({ ttlMs: 10_000 }), 'a new lease')
    equal((await store.get('a'))?.text(), '1', 'the value')
    equal((await store.txn({ success: [del('a')] })).succeeded, true, 'a transaction that deletes')
    equal((await store.delete('b')).deleted, 1, 'keys deleted')
    await store.compact(revision)
    await store.maintenance.disarm()
    await store.put('a', '2')
  },

  'hashes what can be read, up to any revision that is kept': async (store) => {
    await store.put('a', '1')
    const { revision } = await store.put('a', '2')
    const then = await store.maintenance.hash()
    equal([then.revision, then.compactRevision, then.hash.length], [revision, 0, 16], 'the hash of all there is')
    const last = await store.put('b', '3')
    equal(await store.maintenance.hash({ revision }), then, 'the same up to the same revision, later')
    check((await store.maintenance.hash()).hash !== then.hash, 'the hash of another state is the same')
    await store.compact(revision)
    const compacted = await store.maintenance.hash({ revision })
    equal([compacted.compactRevision, compacted.hash === then.hash], [revision, false], 'after a compaction')
    await rejectsWith('COMPACTED', () => store.maintenance.hash({ revision: revision - 1 }), 'what was compacted')
    await rejectsWith('FUTURE_REVISION', () => store.maintenance.hash({ revision: last.revision + 1 }), 'the future')
    await rejectsWith('INVALID_REVISION', () => store.maintenance.hash({ revision: -1 }), 'no revision')
    const misspelt = { revison: 3 } as unknown as { revision: number }
    await rejectsAs(TypeError, () => store.maintenance.hash(misspelt), 'an option that there is not')
  },

  'counts the keys of a selection and their bytes, also as they were': async (store, { at }) => {
    await store.put('a/1', '12345')
    await store.put('a/2', '')
    const { revision } = await store.put('b', '1')
    await store.delete('a/2')
    await store.put('a/1', '1')
    const { maintenance } = store
    equal(await maintenance.statistics({ prefix: 'a/' }), { keys: 1, bytes: 4, revision: at(6) }, 'what there is')
    equal(await maintenance.statistics({ all: true }), { keys: 2, bytes: 6, revision: at(6) }, 'all there is')
    equal(
      await maintenance.statistics({ prefix: 'a/' }, { revision }),
      { keys: 2, bytes: 11, revision },
      'what there was',
    )
    equal(await maintenance.statistics('a/1'), { keys: 1, bytes: 4, revision: at(6) }, 'one key')
    equal(await maintenance.statistics('nothing'), { keys: 0, bytes: 0, revision: at(6) }, 'a key that is not there')
    await store.compact(at(6))
    await rejectsWith('COMPACTED', () => maintenance.statistics('a/1', { revision }), 'a revision that was compacted')
    await rejectsWith('FUTURE_REVISION', () => maintenance.statistics('a/1', { revision: 99 }), 'a revision to come')
  },

  'keeps a prefix within its quota, and those of longer ones too': async (store, { prefixBytes }) => {
    await store.maintenance.setPrefixQuota('a/', { keysMax: 2 })
    await store.maintenance.setPrefixQuota('a/b/', { bytesMax: 10 + prefixBytes })
    await store.put('a/1', 'any size'.repeat(9))
    await store.put('a/b/1', '12345')
    await rejectsWith('PREFIX_QUOTA_EXCEEDED', () => store.put('a/2', ''), 'one key more')
    await rejectsWith('PREFIX_QUOTA_EXCEEDED', () => store.put('a/b/1', '123456'), 'one byte more')
    const two = { success: [put('else', ''), put('a/2', '')] }
    await rejectsWith('PREFIX_QUOTA_EXCEEDED', () => store.txn(two), 'a transaction with one key more')
    equal(await store.get('else'), undefined, 'what the transaction that was refused wrote')
    await store.put('a/b/1', '54321')
    await store.delete('a/1')
    await store.put('a/2', '')
    const quotas = await store.maintenance.prefixQuotas()
    equal(
      quotas.map(({ prefix, ...quota }) => ({ prefix: Buffer.from(prefix).toString(), ...quota })),
      [
        { prefix: 'a/', keysMax: 2, bytesMax: undefined, keys: 2, bytes: 13 + 2 * prefixBytes, counted: true },
        {
          prefix: 'a/b/',
          keysMax: undefined,
          bytesMax: 10 + prefixBytes,
          keys: 1,
          bytes: 10 + prefixBytes,
          counted: true,
        },
      ],
      'the quotas',
    )
    await store.maintenance.setPrefixQuota('a/', undefined)
    await store.put('a/3', '')
    equal((await store.maintenance.prefixQuotas()).length, 1, 'quotas that are left')
  },

  'refuses what is no alarm and no quota': async (store) => {
    const { memberId } = store.status()
    const wrong = { alarm: 'fire' as 'corrupt', memberId }
    await rejectsAs(TypeError, () => store.maintenance.raise(wrong), 'an alarm of another kind')
    await rejectsAs(TypeError, () => store.maintenance.disarm(wrong), 'the end of an alarm of another kind')
    const nobody = { alarm: 'corrupt', memberId: memberId === 1 ? 2 : 1 } as const
    await rejectsAs(RangeError, () => store.maintenance.raise(nobody), 'an alarm of nobody')
    for (const memberId of [NaN, 0, 1.5, -1]) {
      await rejectsAs(
        RangeError,
        () => store.maintenance.disarm({ memberId }),
        `the end of alarms of member ${memberId}`,
      )
    }
    await rejectsAs(TypeError, () => store.maintenance.setPrefixQuota('a', {}), 'a quota without a limit')
    const none = null as unknown as undefined
    await rejectsAs(TypeError, () => store.maintenance.setPrefixQuota('a', none), 'null for the end of a quota')
    await rejectsAs(RangeError, () => store.maintenance.setPrefixQuota('a', { keysMax: -1 }), 'a limit below 0')
  },
}
