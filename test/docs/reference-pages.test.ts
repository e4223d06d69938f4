import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { referencePages } from '../../scripts/reference-pages.js'

const ROOT = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')

describe('the docs', () => {
  for (const [name, content] of referencePages()) {
    test(`docs/${name} is what the table in the source says (else: npm run docs)`, () => {
      expect(read(`docs/${name}`)).toBe(content)
    })
  }

  const pages = ['docs', 'docs/recipes'].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  )
  for (const page of ['README.md', ...pages]) {
    test(`${page} names no file that does not exist`, () => {
      const paths = [...read(page).matchAll(/`((?:src|test|examples|scripts|bench|demo)\/[\w./-]+)`/g)].map(
        (match) => match[1] ?? '',
      )
      expect(paths.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([])
    })
  }
})
