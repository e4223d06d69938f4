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
