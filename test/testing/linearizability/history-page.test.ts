import { describe, expect, test } from 'vitest'
import { check, History, historyPage, keyValueModel, registerModel } from 'quorate/testing'
import type { KeyValueInput, KeyValueOutput, RegisterInput, RegisterOutput } from 'quorate/testing'
import { sequential } from './histories.js'

const NASTY = '</script><script>alert(1)</script><!-- & "quotes"'

function dataOf(page: string): { calls: { text: string; place?: number }[]; failure?: number; omitted: number } {
  return JSON.parse(/id="data">([^<]*)</.exec(page)?.[1] ?? '') as ReturnType<typeof dataOf>
}

describe('the page of a history', () => {
  test('is whole whatever stands in a value, a key or the name of a client', () => {
    const history = new History<KeyValueInput, KeyValueOutput>()
    const call = history.invoke(NASTY, { type: 'get', key: NASTY })
    history.end(call, { outcome: 'ok', output: { value: NASTY } })
    history.end(history.invoke('b', { type: 'put', key: NASTY, value: NASTY }), { outcome: 'refused', reason: NASTY })
    const page = historyPage(history, check(history, keyValueModel))
    expect(page).not.toContain('<script>alert')
    expect(page.match(/<\/script>/g)).toHaveLength(2)
    expect(page).not.toMatch(/https?:|src=|@import|url\(/)
    expect(dataOf(page).calls[0]?.text).toContain(NASTY.replaceAll('"', '\\"'))
  })

  test('shows the impossible call, and numbers the longest order before it', () => {
    const history = sequential<RegisterInput, RegisterOutput>(
      [{ type: 'write', value: 1 }, {}],
      [{ type: 'read' }, { value: 1 }],
      [{ type: 'read' }, { value: 2 }],
    )
    const { calls, failure } = dataOf(historyPage(history, check(history, registerModel)))
    expect(failure).toBe(2)
    expect(calls.map(({ place }) => place)).toEqual([1, 2, undefined])
  })

  test('of a long history shows what is around the impossible call', () => {
    const writes = Array.from({ length: 4000 }, (_, value) => [{ type: 'write', value } as const, {}] as const)
    const history = sequential<RegisterInput, RegisterOutput>(...writes, [{ type: 'read' }, { value: 5 }])
    const { calls, failure, omitted } = dataOf(historyPage(history, check(history, registerModel)))
    expect([calls.length, failure, omitted]).toEqual([1500, 4000, 2501])
  })
})
