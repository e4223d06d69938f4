/** What a page of the docs links to is there: files, and headings of pages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const FOLDERS = ['.', 'docs', 'docs/decisions', 'docs/recipes', 'examples']
const pages = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)

test('every link of every page leads to a file, and to a heading where it names one', () => {
  expect(pages.length).toBeGreaterThan(20)
  expect(pages.flatMap((page) => brokenLinks(page, readFileSync(page, 'utf8')))).toEqual([])
})

test('a link to what is not there would be found', () => {
  const planted =
    '[a](no-such-page.md), [b](GUARANTEES.md#no-such-heading), [c](GUARANTEES.md#writes), [d](https://a.example/b)'
  expect(brokenLinks('docs/X.md', planted)).toEqual([
    'docs/X.md: no-such-page.md',
    'docs/X.md: GUARANTEES.md#no-such-heading',
  ])
})

function brokenLinks(page: string, text: string): string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].flatMap(([, path = '', heading]) => {
    const file = path === '' ? page : join(dirname(page), path)
    const isThere = existsSync(file) && (heading === undefined || headingsOf(readFileSync(file, 'utf8')).has(heading))
    return isThere ? [] : [`${page}: ${path}${heading === undefined ? '' : `#${heading}`}`]
  })
}

/** As GitHub names them. */
function headingsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}
