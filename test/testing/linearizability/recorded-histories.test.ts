/** Histories that others recorded, where they are present beside the checkout. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { check, History, importJepsen, keyValueModel, registerModel } from 'quorate/testing'
import type { KeyValueInput, KeyValueOutput } from 'quorate/testing'
import type { Call } from '../../../src/testing/linearizability/call.js'

const folder = fileURLToPath(new URL('../../../../shared/testdata/linearizability', import.meta.url))
const present = existsSync(folder)
const jepsen = join(folder, 'jepsen-etcd')
const keyValue = join(folder, 'kv')

function expectedVerdicts(): [name: string, verdict: string][] {
  if (!present) return []
  const expected = JSON.parse(readFileSync(join(jepsen, 'expected.json'), 'utf8')) as Record<string, string>
  return Object.entries(expected).map(([name, said]) => [name, said === 'linearizable' ? 'ok' : 'illegal'])
}

const LINE = /^\{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key "(.*?)", :value (?:nil|"(.*)")\}$/

function readKeyValue(text: string): History<KeyValueInput, KeyValueOutput> {
  const history = new History<KeyValueInput, KeyValueOutput>()
  const open = new Map<string, Call<KeyValueInput, KeyValueOutput>>()
  for (const line of text.trim().split('\n')) {
    const [, client = '', type, kind, key = '', value = ''] = LINE.exec(line) ?? []
    if (type === 'invoke') {
      const input = kind === 'get' ? ({ type: kind, key } as const) : ({ type: kind as 'put', key, value } as const)
      open.set(client, history.invoke(client, input))
    } else {
      const output = kind === 'get' ? { value } : {}
      history.end(open.get(client) as Call<KeyValueInput, KeyValueOutput>, { outcome: 'ok', output })
    }
  }
  return history
}

describe.skipIf(!present)('the histories kept by porcupine', () => {
  test('are all there', () => {
    expect(expectedVerdicts()).toHaveLength(52)
    expect(readdirSync(keyValue)).toHaveLength(6)
  })

  test.each(expectedVerdicts())('%s of Jepsen on etcd is %s', (name, expected) => {
    const verdict = check(importJepsen(readFileSync(join(jepsen, name), 'utf8')), registerModel)
    expect(verdict.verdict).toBe(expected)
  })

  test.each(present ? readdirSync(keyValue) : [])('%s of a key-value store is what its name says', (name) => {
    const { verdict } = check(readKeyValue(readFileSync(join(keyValue, name), 'utf8')), keyValueModel)
    expect(verdict).toBe(name.endsWith('-ok.txt') ? 'ok' : 'illegal')
  })
})

if (!present) console.log(`skipped: the recorded histories are not at ${folder}`)
