/** What the comparison with a real etcd is made of, without one. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Answers } from '../../scripts/etcd-diff/answers.js'
import { requestCells, REQUEST_FIELDS } from '../../scripts/etcd-diff/coverage-requests.js'
import { Coverage } from '../../scripts/etcd-diff/coverage.js'
import { drawProgramme } from '../../scripts/etcd-diff/draw.js'
import { explain, LISTED } from '../../scripts/etcd-diff/listed.js'
import type { Observation, SeenKeyValue } from '../../scripts/etcd-diff/observation.js'
import { PLAIN_RANGE } from '../../scripts/etcd-diff/opening.js'

const AT = { revision: 100, compactRevision: 92 }

const RANGE = { ...PLAIN_RANGE, key: 'a' }

const FOUND: SeenKeyValue = { key: 'a', createRevision: 3, modRevision: 4, version: 2, value: '', lease: '7' }

function answered(kv: SeenKeyValue): Observation {
  return { revision: 100, response: { type: 'range', kvs: [kv], more: false, count: 1 } }
}

test.each(LISTED.map(({ name, row }) => [name, row]))(
  'the difference "%s" has a row in DIVERGENCE.md',
  (_name, row) => {
    const rows = readFileSync('docs/DIVERGENCE.md', 'utf8').split('\n')
    expect(rows.filter((line) => line.startsWith(`| ${row}`))).toHaveLength(1)
  },
)

describe('programmes', () => {
  test('are the same for the same seed, and others for another', () => {
    expect(drawProgramme(5, 3)).toEqual(drawProgramme(5, 3))
    expect(drawProgramme(5, 3)).not.toEqual(drawProgramme(6, 3))
  })

  test('hold every class of every field of a request', () => {
    const missing = new Set(
      Object.entries(REQUEST_FIELDS).flatMap(([field, values]) => values.map((value) => `${field}: ${value}`)),
    )
    for (let nth = 0; nth < 200 && missing.size > 0; nth++) {
      for (const operation of drawProgramme(1, nth).operations) {
        for (const [field, value] of requestCells(operation, AT)) missing.delete(`${field}: ${value}`)
      }
    }
    expect([...missing]).toEqual([])
  })
})

describe('answers that differ', () => {
  const differing = (ours: SeenKeyValue): Answers => ({ at: AT, theirs: answered(FOUND), ours: answered(ours) })

  test('are explained by what is listed, where that was asked for', () => {
    const answers = differing({ ...FOUND, lease: '0' })
    expect(explain({ ...RANGE, keysOnly: true }, answers)?.map(({ name }) => name)).toEqual([
      'a range of keys only tells no lease',
    ])
    expect(explain(RANGE, answers)).toBeUndefined()
  })

  test('are not explained by what is listed when more than that differs', () => {
    expect(explain({ ...RANGE, keysOnly: true }, differing({ ...FOUND, lease: '0', version: 3 }))).toBeUndefined()
  })

  test('need no explanation when they do not', () => {
    expect(explain(RANGE, differing({ ...FOUND }))).toEqual([])
  })
})

test('a cell that only one of the two has filled is empty', () => {
  const coverage = new Coverage()
  const refused: Observation = { error: { status: 'NOT_FOUND', text: 'etcdserver: requested lease not found' } }
  coverage.count(RANGE, { at: AT, theirs: refused, ours: answered(FOUND) })
  const empty = coverage.empty.map(([field, value]) => `${field}: ${value}`)
  expect(empty).toContain('error: etcdserver: requested lease not found')
  expect(empty).toContain('RangeResponse.kvs: one')
  expect(empty).not.toContain('RangeRequest.key: one byte')
})
