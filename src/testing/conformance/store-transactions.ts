/** Transactions: compares against what was, operations as one step. */
import { compare, del, get, put, txn } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { equal } from './check.js'
import type { StoreTests } from './store-tests.js'

export const transactions: StoreTests = {
  'does one branch or the other': async (store, { at }) => {
    const swap = (revision: number) =>
      store.txn({
        compare: [compare('key').modRevision('=', revision)],
        success: [put('key', 'swapped')],
        failure: [get('key')],
      })
    const first = await swap(0)
    equal([first.succeeded, first.revision, first.results.length], [true, at(2), 1], 'while it is missing')
    const second = await swap(0)
    const [found] = second.results
    equal([second.succeeded, second.revision], [false, at(2)], 'when it is there')
    equal(found?.type === 'range' && found.items[0]?.text(), 'swapped', 'what the other branch read')
  },

  'writes several keys in one revision, and sees its own writes': async (store, { at }) => {
    await store.put('old', 'x')
    const { revision, results } = await store.txn({
      success: [put('new', '1'), get('new'), del('old', { previous: true }), get({ all: true }), put('newer', '2')],
    })
    equal(revision, at(3), 'the revision')
    const [, read, deleted, all] = results
    equal(
      read?.type === 'range' && read.items.map((each) => [each.text(), each.modRevision]),
      [['1', at(3)]],
      'its own write',
    )
    equal(deleted?.type === 'delete' && deleted.previous.map((each) => each.text()), ['x'], 'what it deleted')
    equal(all?.type === 'range' && all.items.map(({ key }) => key), ['new'], 'what was there in between')
    const { items } = await store.range({ all: true })
    equal(
      items.map((each) => [each.key, each.modRevision]),
      [
        ['new', at(3)],
        ['newer', at(3)],
      ],
      'afterwards',
    )
  },

  'compares every property of a key': async (store, { at }) => {
    await store.put('key', 'b')
    await store.put('key', 'b')
    const lease = (await store.leases.grant({ ttlMs: 60_000 })).id
    await store.put('leased', 'x', { lease })
    const holds = async (...all: Parameters<Store['txn']>[0]['compare'] & object): Promise<boolean> =>
      (await store.txn({ compare: all })).succeeded
    const cases = [
      [compare('key').value('=', 'b'), true],
      [compare('key').value('!=', 'b'), false],
      [compare('key').value('>', 'a'), true],
      [compare('key').value('<', 'a'), false],
      [compare('key').version('=', 2), true],
      [compare('key').createRevision('=', at(2)), true],
      [compare('key').modRevision('>', at(2)), true],
      [compare('key').lease('=', 0n), true],
      [compare('leased').lease('=', lease), true],
      [compare('key').exists(), true],
      [compare('missing').missing(), true],
      [compare('missing').version('=', 0), true],
      // As in etcd: of a missing key no value holds, not even "another one".
      [compare('missing').value('!=', 'b'), false],
      [compare({ prefix: 'k' }).value('=', 'b'), true],
      [compare({ all: true }).value('=', 'b'), false],
    ] as const
    for (const [at, [each, expected]] of cases.entries()) equal(await holds(each), expected, `compare ${at}`)
    equal(await holds(compare('key').exists(), compare('missing').exists()), false, 'one of two compares')
    equal(await holds(), true, 'no compare at all')
  },

  'changes no revision where it changes nothing': async (store, { at }) => {
    await store.put('key', 'x')
    equal((await store.txn({})).revision, at(2), 'an empty transaction')
    equal(
      (await store.txn({ success: [get('key'), del('missing')] })).revision,
      at(2),
      'one that finds nothing to delete',
    )
  },

  'stands inside another one': async (store, { at }) => {
    const { revision, results } = await store.txn({
      success: [
        put('a', '1'),
        // Compares look at what was before all of it: `a` is not there.
        txn({ compare: [compare('a').missing()], success: [put('b', '2')], failure: [put('c', '3')] }),
      ],
    })
    equal(revision, at(2), 'the revision')
    const inner = results[1]
    equal(inner?.type === 'transaction' && inner.succeeded, true, 'the inner one')
    equal(
      (await store.range({ all: true })).items.map(({ key }) => key),
      ['a', 'b'],
      'what was written',
    )
  },

  'lets one of many win, each time': async (store) => {
    const increment = async (): Promise<void> => {
      for (;;) {
        const found = await store.get('counter')
        const { succeeded } = await store.txn({
          compare: [compare('counter').modRevision('=', found?.modRevision ?? 0)],
          success: [put('counter', String(Number(found?.text() ?? '0') + 1))],
        })
        if (succeeded) return
      }
    }
    await Promise.all(Array.from({ length: 8 }, increment))
    equal((await store.get('counter'))?.text(), '8', 'the counter')
    equal((await store.get('counter'))?.version, 8, 'writes of the counter')
  },

  'does nothing at all where one operation cannot be done': async (store, { at }) => {
    await store.put('key', 'x')
    const failing = store.txn({ success: [put('key', 'y'), put('other', 'z', { lease: 12345n })] })
    await failing.catch(() => undefined)
    equal(
      (await store.range({ all: true })).items.map((each) => [each.key, each.text()]),
      [['key', 'x']],
      'afterwards',
    )
    equal(store.status().revision, at(2), 'the revision')
  },
}
