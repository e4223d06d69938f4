import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { escapeMarkup, pageText, scriptOf, scriptSafeJson } from '../../../src/testing/report/page-style.js'

const NASTY = '</script><img src=x onerror=alert(1)><!--\u2028 & "quotes" \'too\''

describe('a page', () => {
  test('holds whatever the data is, and none of it becomes markup', () => {
    const page = pageText({
      title: NASTY,
      style: '',
      body: `<p>${escapeMarkup(NASTY)}</p>`,
      data: { [NASTY]: NASTY },
      script: '',
    })
    expect(page).not.toContain('<img')
    expect(page.match(/<\/script>/g)).toHaveLength(2)
    const json = /id="data">([^<]*)</.exec(page)?.[1] ?? ''
    expect(JSON.parse(json)).toEqual({ [NASTY]: NASTY })
  })

  test('asks the network for nothing', () => {
    const page = pageText({ title: 'a', style: '', body: '', data: 1, script: '' })
    expect(page).toContain("default-src 'none'")
    expect(page).not.toMatch(/https?:|src=|@import|url\(/)
  })
})

test('data can be read as a script too', () => {
  expect(runInNewContext(`(${scriptSafeJson([NASTY])})[0]`)).toBe(NASTY)
})

test('a script is its functions, and works where nothing else is', () => {
  const told: unknown[] = []
  const script = scriptOf<{ double: (value: number) => number }>(
    ({ double }) => {
      ;(globalThis as unknown as { tell: (value: number) => void }).tell(double(21))
    },
    { double: (value) => value * 2 },
  )
  runInNewContext(script, { tell: (value: unknown) => told.push(value) })
  expect(told).toEqual([42])
})
