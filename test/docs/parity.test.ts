/**
 * The list of etcd's behaviours names what shows each of them: a file, and often a test in it. What is renamed or removed
 * must not leave a row that shows nothing.
 */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const PAGE = 'docs/ETCD-PARITY.md'

/** A row of one of the page's tables: the behaviour, and what shows it. */
interface Row {
  readonly behaviour: string
  readonly shown: string
}

const rows = rowsOf(readFileSync(PAGE, 'utf8'))

test('every row of the list of behaviours names a file that is there, or says when it comes', () => {
  expect(rows.length).toBeGreaterThan(150)
  for (const { behaviour, shown } of rows) {
    const paths = pathsOf(shown)
    for (const path of paths) expect(existsSync(path), `${path}, for: ${behaviour}`).toBe(true)
    const excused = shown.startsWith('later') || /\bR\d+ in the swarm\b/.test(shown)
    expect(paths.length > 0 || excused, `nothing is named for: ${behaviour}`).toBe(true)
  }
})

test('a test that is named after its file is there', () => {
  for (const { behaviour, shown } of rows) {
    for (const { path, name } of testsOf(shown)) {
      const source = readFileSync(path, 'utf8').replace(/\\(['"`])/g, '$1')
      expect(source.includes(name), `"${name}" in ${path}, for: ${behaviour}`).toBe(true)
    }
  }
})

test('a row that names a test which is not there would be found', () => {
  const planted = rowsOf('| a behaviour | `test/docs/parity.test.ts`: no such test, as this |')
  expect(planted).toHaveLength(1)
  const [found] = testsOf(planted[0]?.shown ?? '')
  expect(found).toEqual({ path: 'test/docs/parity.test.ts', name: 'no such test, as this' })
  expect(pathsOf('`test/docs/nothing.test.ts`; mutant `applied-twice`')).toEqual(['test/docs/nothing.test.ts'])
})

function rowsOf(page: string): Row[] {
  return page.split('\n').flatMap((line): Row[] => {
    const [, behaviour, shown, end] = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    if (behaviour === undefined || shown === undefined || end !== '') return []
    return shown === 'here' || shown.startsWith('---') ? [] : [{ behaviour, shown }]
  })
}

/** What stands in backticks and looks like a file or folder of the repository. */
function pathsOf(shown: string): string[] {
  return [...shown.matchAll(/`((?:test|src|docs|examples|scripts|bench)\/[^`\s]+)`/g)].map(([, path]) => path as string)
}

/** `file`: name of a test. Names may hold anything but a semicolon before the next file. */
function testsOf(shown: string): { path: string; name: string }[] {
  return shown.split(/; (?=`|mutant|R\d)/).flatMap((part) => {
    const match = /^`((?:test|src)\/[^`\s]+\.ts)`: (.+)$/.exec(part)
    return match === null ? [] : [{ path: match[1] as string, name: match[2] as string }]
  })
}
