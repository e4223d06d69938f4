/**
 * Laws by hand: histories that a checker once judged wrongly, or that are too rare to be drawn. Those that a store would have
 * refused; the engine that goes by revisions, where a call waits for one without a place; what an oracle settles.
 */
import { History, type EtcdInput, type EtcdOutput } from 'quorate/testing'
import type { WatchEvent } from 'quorate'
import { expect } from 'vitest'
import { KeyValue } from '../../../src/api/key-value.js'
import type { EtcdKeyValue, EtcdRange } from '../../../src/testing/linearizability/etcd-calls.js'
import { sequential } from './histories.js'
import type { Law } from './law.js'

function written(key: string, revision: number, text = 'v'): WatchEvent {
  const record = {
    key,
    value: Buffer.from(text),
    createRevision: revision,
    modRevision: revision,
    version: 1,
    lease: 0n,
  }
  return { type: 'put', keyValue: new KeyValue(record), key, revision, created: true, previous: undefined }
}

function deleted(key: string, revision: number): WatchEvent {
  const record = { key, value: Buffer.alloc(0), createRevision: 0, modRevision: revision, version: 0, lease: 0n }
  return { type: 'delete', keyValue: new KeyValue(record), key, revision, created: false, previous: undefined }
}

export const LAWS_BY_HAND: readonly Law[] = [
  {
    name: 'a read that a grant kept waiting goes before a change of which nobody was told',
    holds: ({ check, etcdModel, watchOracle }) => {
      const history = new History<EtcdInput, EtcdOutput>()
      const grant = history.invoke('a', { type: 'grant' })
      const first = history.invoke('b', { type: 'put', key: 'first', value: 'v' })
      const untold = history.invoke('c', { type: 'put', key: 'untold', value: 'v' })
      history.end(grant, { outcome: 'ok', output: { type: 'grant', lease: '7' } })
      history.end(untold, { outcome: 'unknown' })
      const read = history.invoke('a', { type: 'get', key: 'untold' })
      history.end(read, { outcome: 'ok', output: { type: 'get' } })
      const last = history.invoke('a', { type: 'put', key: 'last', value: 'v' })
      history.end(first, { outcome: 'ok', output: { type: 'put', revision: 2 } })
      history.end(last, { outcome: 'ok', output: { type: 'put', revision: 4 } })
      const oracle = watchOracle([written('first', 2), written('untold', 3), written('last', 4)])
      expect(check(history, etcdModel, { engine: 'witness', oracle })).toMatchObject({ verdict: 'ok' })
    },
  },
  {
    name: 'a read of the past goes before a compaction that could have come later',
    holds: ({ check, etcdModel, watchOracle }) => {
      const history = new History<EtcdInput, EtcdOutput>()
      const compact = history.invoke('a', { type: 'compact', revision: 3 })
      const read = history.invoke('b', { type: 'range', key: 'first', revision: 2 })
      const first = history.invoke('c', { type: 'put', key: 'first', value: 'v' })
      history.end(first, { outcome: 'ok', output: { type: 'put', revision: 2 } })
      const second = history.invoke('c', { type: 'put', key: 'second', value: 'v' })
      history.end(second, { outcome: 'ok', output: { type: 'put', revision: 3 } })
      const grant = history.invoke('c', { type: 'grant' })
      history.end(grant, { outcome: 'ok', output: { type: 'grant', lease: '7' } })
      const last = history.invoke('c', { type: 'put', key: 'last', value: 'v' })
      history.end(last, { outcome: 'ok', output: { type: 'put', revision: 4 } })
      const items = [{ key: 'first', value: 'v', create: 2, mod: 2, version: 1 }]
      history.end(read, { outcome: 'ok', output: { type: 'range', items, count: 1, more: false, revision: 4 } })
      history.end(compact, { outcome: 'ok', output: { type: 'done' } })
      const oracle = watchOracle([written('first', 2), written('second', 3), written('last', 4)])
      expect(check(history, etcdModel, { engine: 'witness', oracle })).toMatchObject({ verdict: 'ok' })
    },
  },
  {
    name: 'a watch that began late does not settle what was before it',
    holds: ({ check, etcdModel, watchOracle }) => {
      for (const keys of [
        ['a', 'b'],
        ['b', 'a'],
      ]) {
        const history = new History<EtcdInput, EtcdOutput>()
        for (const key of keys) history.invoke(key, { type: 'put', key, value: 'v' })
        const known = history.invoke('c', { type: 'put', key: 'known', value: 'v' })
        history.end(known, { outcome: 'ok', output: { type: 'put', revision: 3 } })
        const counted = history.invoke('c', { type: 'range', key: 'a', countOnly: true })
        history.end(counted, {
          outcome: 'ok',
          output: { type: 'range', items: [], count: 1, more: false, revision: 3 },
        })
        const oracle = watchOracle([written('known', 3)])
        expect(check(history, etcdModel, { engine: 'witness', oracle })).toMatchObject({ verdict: 'ok' })
      }
    },
  },
  {
    name: 'a read that was never right is found out without trying all that was never answered',
    holds: ({ check, etcdModel, watchOracle }) => {
      const history = new History<EtcdInput, EtcdOutput>()
      const events: WatchEvent[] = []
      for (let nth = 0; nth < 200; nth++) {
        const key = `key/${nth}`
        const put = history.invoke('a', { type: 'put', key, value: 'v' })
        if (nth % 2 === 0) history.end(put, { outcome: 'unknown' })
        else history.end(put, { outcome: 'ok', output: { type: 'put', revision: events.length + 2 } })
        if (nth % 4 !== 0) events.push(written(key, events.length + 2))
      }
      // Its answer says nothing of revisions.
      const read = history.invoke('b', { type: 'get', key: 'key/1' })
      history.end(read, { outcome: 'ok', output: { type: 'get' } })
      for (const next of [false, true]) {
        if (next) {
          const put = history.invoke('c', { type: 'put', key: 'next', value: 'v' })
          history.end(put, { outcome: 'ok', output: { type: 'put', revision: events.length + 2 } })
          events.push(written('next', events.length + 2))
        }
        const verdict = check(history, etcdModel, { oracle: watchOracle(events), stepsMax: 5000 })
        expect(verdict).toMatchObject({ verdict: 'illegal', call: { index: read.index } })
      }
    },
  },
  {
    name: 'a read of the past goes before a compaction that was tried before it, with calls that wait for both',
    holds: ({ check, etcdModel, watchOracle }) => {
      const history = new History<EtcdInput, EtcdOutput>()
      const answered = (input: EtcdInput, output: EtcdOutput): void => {
        history.end(history.invoke('a', input), { outcome: 'ok', output })
      }
      const put = (key: string, revision: number): void => {
        answered({ type: 'put', key, value: 'v' }, { type: 'put', revision })
      }
      history.invoke('never answered', { type: 'grant' })
      put('first', 2)
      put('second', 3)
      const read = history.invoke('b', { type: 'range', key: 'first', revision: 2 })
      const compact = history.invoke('c', { type: 'compact', revision: 3 })
      answered({ type: 'grant' }, { type: 'grant', lease: '7' })
      put('third', 4)
      const items = [{ key: 'first', value: 'v', create: 2, mod: 2, version: 1 }]
      history.end(read, { outcome: 'ok', output: { type: 'range', items, count: 1, more: false, revision: 4 } })
      history.end(compact, { outcome: 'ok', output: { type: 'done' } })
      answered({ type: 'grant' }, { type: 'grant', lease: '8' })
      put('last', 5)
      const oracle = watchOracle(['first', 'second', 'third', 'last'].map((key, at) => written(key, at + 2)))
      expect(check(history, etcdModel, { engine: 'witness', oracle })).toMatchObject({ verdict: 'ok' })
      expect(check(history, etcdModel, { engine: 'witness' })).toMatchObject({ verdict: 'ok' })
    },
  },
  {
    name: 'who alone can have written a value is kept for it, however many deletions could be of anybody',
    holds: ({ check, etcdModel, watchOracle }) => {
      const history = new History<EtcdInput, EtcdOutput>()
      history.invoke('a', { type: 'delete', key: 'a' })
      const deletions = 15
      for (let nth = 0; nth < deletions; nth++) history.invoke(`b${nth}`, { type: 'delete', key: 'b', end: `c${nth}` })
      history.invoke('t', {
        type: 'txn',
        compare: [{ key: 'e', target: 'create', relation: '!=', value: 0 }],
        success: [{ type: 'put', key: 'a', value: 'mine' }],
        failure: [{ type: 'delete', key: 'a' }],
      })
      const events: WatchEvent[] = []
      const put = (key: string): void => {
        const revision = events.length + 2
        const call = history.invoke('p', { type: 'put', key, value: 'v' })
        history.end(call, { outcome: 'ok', output: { type: 'put', revision } })
        events.push(written(key, revision))
      }
      put('a')
      events.push(deleted('a', events.length + 2))
      for (let nth = 0; nth < deletions; nth++) {
        put('b')
        events.push(deleted('b', events.length + 2))
      }
      put('e')
      events.push(written('a', events.length + 2, 'mine'))
      const verdict = check(history, etcdModel, { oracle: watchOracle(events), stepsMax: 5000 })
      expect(verdict).toMatchObject({ verdict: 'ok' })
    },
  },

  {
    name: 'states that differ in a value only are two',
    holds: ({ check, etcdModel }) => {
      for (const value of ['x', 'y']) {
        const history = new History<EtcdInput, EtcdOutput>()
        history.invoke('a', { type: 'put', key: 'a', value: 'x' })
        history.invoke('b', { type: 'put', key: 'a', value: 'y' })
        const read = history.invoke('c', { type: 'get', key: 'a' })
        const found = { key: 'a', value, create: 2, mod: 3, version: 2 }
        history.end(read, { outcome: 'ok', output: { type: 'get', found } })
        for (const engine of ['search', 'witness'] as const) {
          expect(check(history, etcdModel, { engine }).verdict).toBe('ok')
        }
      }
    },
  },
  {
    name: 'a write of which nobody was told may come right after a read of its key',
    holds: ({ check, etcdModel }) => {
      const history = sequential<EtcdInput, EtcdOutput>([
        { type: 'put', key: 'a', value: 'x' },
        { type: 'put', revision: 2 },
      ])
      const found = { key: 'a', value: 'x', create: 2, mod: 2, version: 1 }
      const read = history.invoke('a', { type: 'range', key: 'a' })
      history.end(read, {
        outcome: 'ok',
        output: { type: 'range', items: [found], count: 1, more: false, revision: 2 },
      })
      history.invoke('b', { type: 'put', key: 'a', value: 'y' })
      const last = history.invoke('a', { type: 'put', key: 'b', value: 'y' })
      history.end(last, { outcome: 'ok', output: { type: 'put', revision: 4 } })
      expect(check(history, etcdModel).verdict).toBe('ok')
    },
  },
  {
    name: 'an answer that a watch saw otherwise is illegal',
    holds: ({ check, etcdModel, watchOracle }) => {
      const history = sequential<EtcdInput, EtcdOutput>([
        { type: 'put', key: 'a', value: 'v' },
        { type: 'put', revision: 2 },
      ])
      const seen = written('a', 2)
      expect(check(history, etcdModel, { oracle: watchOracle([seen]) }).verdict).toBe('ok')
      const key = 'a'
      const same = { key, value: Buffer.from('v'), createRevision: 2, modRevision: 2, version: 1, lease: 0n }
      for (const other of [{ value: Buffer.from('w') }, { version: 2 }, { createRevision: 1 }, { lease: 7n }]) {
        const oracle = watchOracle([{ ...seen, keyValue: new KeyValue({ ...same, ...other }) }])
        expect(check(history, etcdModel, { oracle }).verdict).toBe('illegal')
      }
      const more = watchOracle([seen, written('b', 3)])
      expect(check(history, etcdModel, { oracle: more }).verdict).toBe('illegal')
    },
  },
  {
    name: 'what a store refuses is not answered',
    holds: ({ check, etcdModel }) => {
      const item = { key: 'a', value: 'x', create: 2, mod: 2, version: 1 }
      const before: readonly (readonly [EtcdInput, EtcdOutput])[] = [
        [
          { type: 'put', key: 'a', value: 'x' },
          { type: 'put', revision: 2 },
        ],
        [
          { type: 'put', key: 'a', value: 'y' },
          { type: 'put', revision: 3 },
        ],
        [{ type: 'compact', revision: 3 }, { type: 'done' }],
      ]
      const refused: readonly (readonly [EtcdInput, EtcdOutput])[] = [
        [
          { type: 'get', key: 'a', revision: 2 },
          { type: 'get', found: item },
        ],
        [
          { type: 'range', key: 'a', revision: 2 },
          { type: 'range', items: [item], count: 1, more: false, revision: 3 },
        ],
        [
          { type: 'range', key: 'b', revision: 4 },
          { type: 'range', items: [], count: 0, more: false, revision: 3 },
        ],
        [
          { type: 'put', key: 'a', value: 'z', lease: '7' },
          { type: 'put', revision: 4 },
        ],
        [
          { type: 'put', key: 'b', value: '', ignoreValue: true },
          { type: 'put', revision: 4 },
        ],
        [{ type: 'compact', revision: 3 }, { type: 'done' }],
        [{ type: 'compact', revision: 4 }, { type: 'done' }],
        [{ type: 'revoke', lease: '7' }, { type: 'done' }],
        [{ type: 'keep-alive', lease: '7' }, { type: 'done' }],
      ]
      for (const engine of ['search', 'witness'] as const) {
        expect(check(sequential(...before), etcdModel, { engine }).verdict).toBe('ok')
        for (const each of refused) {
          expect(check(sequential(...before, each), etcdModel, { engine }).verdict).toBe('illegal')
        }
      }
    },
  },
  {
    name: 'a range shows what its bounds let through, in the order asked for, and the limit cuts off last',
    holds: ({ check, etcdModel }) => {
      const item = (key: string, value: string, create: number, mod = create, version = 1) => {
        return { key, value, create, mod, version }
      }
      const before: readonly (readonly [EtcdInput, EtcdOutput])[] = [
        [
          { type: 'put', key: 'a', value: 'z' },
          { type: 'put', revision: 2 },
        ],
        [
          { type: 'put', key: 'b', value: 'y' },
          { type: 'put', revision: 3 },
        ],
        [
          { type: 'put', key: 'c', value: 'x' },
          { type: 'put', revision: 4 },
        ],
        [
          { type: 'put', key: 'a', value: 'z' },
          { type: 'put', revision: 5 },
        ],
      ]
      const [a, b, c] = [item('a', 'z', 2, 5, 2), item('b', 'y', 3), item('c', 'x', 4)]
      const all = { type: 'range', key: '\0', end: '\0' } as const
      const legal: readonly (readonly [Partial<EtcdRange>, readonly EtcdKeyValue[]])[] = [
        [{ sort: { by: 'value' } }, [c, b, a]],
        [{ sort: { by: 'value' }, limit: 1 }, [c]],
        [{ sort: { by: 'mod', descending: true }, limit: 2 }, [a, c]],
        [{ sort: { by: 'version', descending: true } }, [a, b, c]],
        [{ sort: { by: 'create', descending: true } }, [c, b, a]],
        [{ minMod: 4 }, [a, c]],
        [{ maxMod: 4, limit: 1 }, [b]],
        [{ minCreate: 3, sort: { by: 'key', descending: true } }, [c, b]],
        [{ maxCreate: 3 }, [a, b]],
      ]
      for (const [range, items] of legal) {
        const { limit = Infinity, minMod, maxMod, minCreate, maxCreate } = range
        const shown = (minMod ?? maxMod ?? minCreate ?? maxCreate === undefined) ? 3 : 2
        const told = (items: readonly EtcdKeyValue[], more: boolean) =>
          check(
            sequential(...before, [
              { ...all, ...range },
              { type: 'range', items, count: 3, more, revision: 5 },
            ]),
            etcdModel,
            { engine: 'search' },
          ).verdict
        const more = limit < shown
        expect(told(items, more)).toBe('ok')
        expect(told(items, !more)).toBe('illegal')
        expect(told([...items].reverse(), more)).toBe(items.length > 1 ? 'illegal' : 'ok')
        expect(
          told(
            [a, b, c].filter((each) => !items.includes(each)),
            more,
          ),
        ).toBe('illegal')
      }
    },
  },
  {
    name: 'whoever lists leases is told of each that has keys and of none that has ended, and of a lease its keys',
    holds: ({ check, etcdModel }) => {
      const before: readonly (readonly [EtcdInput, EtcdOutput])[] = [
        [
          { type: 'grant', lease: '7' },
          { type: 'grant', lease: '7' },
        ],
        [
          { type: 'grant', lease: '8' },
          { type: 'grant', lease: '8' },
        ],
        [
          { type: 'put', key: 'b', value: 'x', lease: '7' },
          { type: 'put', revision: 2 },
        ],
        [
          { type: 'put', key: 'a', value: 'x', lease: '7' },
          { type: 'put', revision: 3 },
        ],
      ]
      const listed = (...leases: readonly string[]): readonly [EtcdInput, EtcdOutput] => [
        { type: 'leases' },
        { type: 'leases', leases },
      ]
      const hung = (lease: string, ...keys: readonly string[]): readonly [EtcdInput, EtcdOutput] => [
        { type: 'time-to-live', lease, keys: true },
        { type: 'time-to-live', exists: true, keys },
      ]
      const revoked: readonly [EtcdInput, EtcdOutput] = [{ type: 'revoke', lease: '7' }, { type: 'done' }]
      const verdictOf = (...calls: readonly (readonly [EtcdInput, EtcdOutput])[]) =>
        check(sequential(...before, ...calls), etcdModel, { engine: 'search' }).verdict
      for (const legal of [listed('7', '8'), listed('7'), hung('7', 'a', 'b'), hung('8')]) {
        expect(verdictOf(legal)).toBe('ok')
      }
      expect(verdictOf(revoked, listed('8'))).toBe('ok')
      const untimely = [[revoked, listed('7', '8')], [revoked, hung('7', 'a', 'b')], [hung('7', 'a')], [hung('9')]]
      for (const illegal of untimely) expect(verdictOf(...illegal)).toBe('illegal')
      // While nobody says that it ended, it may have: with its keys, which this read sees.
      const kept: readonly [EtcdInput, EtcdOutput] = [
        { type: 'get', key: 'a' },
        { type: 'get', found: { key: 'a', value: 'x', create: 3, mod: 3, version: 1, lease: '7' } },
      ]
      expect(verdictOf(listed('8'), kept)).toBe('illegal')
    },
  },
]
