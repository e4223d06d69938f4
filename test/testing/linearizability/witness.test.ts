/** The engine that goes by revisions: what waits for a call without a place is no contradiction. */
import { check, etcdModel, History, watchOracle, type EtcdInput, type EtcdOutput } from 'quorate/testing'
import type { WatchEvent } from 'quorate'
import { expect, test } from 'vitest'
import { KeyValue } from '../../../src/api/key-value.js'

function written(key: string, revision: number): WatchEvent {
  const value = Buffer.from('v')
  const record = { key, value, createRevision: revision, modRevision: revision, version: 1, lease: 0n }
  return { type: 'put', keyValue: new KeyValue(record), key, revision, created: true, previous: undefined }
}

test('a read that a grant kept waiting goes before a change of which nobody was told', () => {
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
})

test('a read of the past goes before a compaction that could have come later', () => {
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
})

test.each([[['a', 'b']], [['b', 'a']]])('a watch that began late does not settle what was before it: %s', (keys) => {
  const history = new History<EtcdInput, EtcdOutput>()
  for (const key of keys) history.invoke(key, { type: 'put', key, value: 'v' })
  const known = history.invoke('c', { type: 'put', key: 'known', value: 'v' })
  history.end(known, { outcome: 'ok', output: { type: 'put', revision: 3 } })
  const counted = history.invoke('c', { type: 'range', key: 'a', countOnly: true })
  history.end(counted, { outcome: 'ok', output: { type: 'range', items: [], count: 1, more: false, revision: 3 } })
  const oracle = watchOracle([written('known', 3)])
  expect(check(history, etcdModel, { engine: 'witness', oracle })).toMatchObject({ verdict: 'ok' })
})

test('a read that was never right is found out without trying all that was never answered', () => {
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
})
