/**
 * The rules of .dependency-cruiser.cjs fire: each violation is planted in a source tree of its own in a temporary folder.
 * The expected table is written out a second time, so that a change of the first one is a decision.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type ICruiseOptions, type ICruiseResult, type IFlattenedRuleSet, cruise } from 'dependency-cruiser'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const config = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as IFlattenedRuleSet & {
  options: ICruiseOptions
}

const FOLDERS = [
  ...['base', 'runtime', 'raft', 'mvcc', 'lease', 'auth', 'transport', 'watch', 'machine', 'storage', 'api'],
  ...['member', 'store', 'recipes', 'etcd', 'testing', 'cli'],
]
const all = [...FOLDERS, 'index.ts']
const without = (...names: string[]) => all.filter((name) => !names.includes(name))

/** The table of the design: what each folder may import besides itself. */
const TABLE: Record<string, string[]> = {
  base: [],
  runtime: ['base'],
  raft: ['base'],
  mvcc: ['base'],
  lease: ['base'],
  auth: ['base'],
  transport: ['base', 'runtime'],
  watch: ['base', 'mvcc'],
  machine: ['base', 'mvcc', 'lease', 'auth'],
  storage: ['base', 'raft', 'mvcc'],
  api: ['base', 'mvcc', 'lease', 'auth'],
  member: ['base', 'raft', 'mvcc', 'lease', 'watch', 'machine', 'storage', 'transport'],
  store: [
    ...['base', 'api', 'mvcc', 'lease', 'auth', 'watch', 'machine', 'storage', 'transport', 'member'],
    ...['runtime'],
  ],
  recipes: ['base', 'api'],
  etcd: ['base', 'api', 'recipes', 'runtime'],
  testing: without('etcd', 'cli', 'testing'),
  cli: without('index.ts', 'testing', 'cli'),
  'index.ts': ['base', 'api', 'store', 'storage', 'transport', 'recipes'],
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quorate-layers-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

/** Writes the files and returns what the rules object to, as 'rule: from → to'. */
async function violations(files: Record<string, string>): Promise<string[]> {
  const manifest = { type: 'module', dependencies: { good: '1' }, devDependencies: { tool: '1' } }
  const packages = ['good', 'tool', 'classic-level', 'jose', 'prom-client']
  const tree: Record<string, string> = {
    'package.json': JSON.stringify({
      ...manifest,
      dependencies: { good: '1', 'classic-level': '3', jose: '6', 'prom-client': '1' },
    }),
    ...Object.fromEntries(packages.map((name) => [`node_modules/${name}/index.js`, 'export const a = 1'])),
    ...Object.fromEntries(packages.map((name) => [`node_modules/${name}/package.json`, '{ "main": "index.js" }'])),
    ...files,
  }
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const { output } = await cruise(['src'], {
    ...config.options,
    baseDir: directory,
    ruleSet: config,
    validate: true,
  })
  return (output as ICruiseResult).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)
}

const rulesOf = (found: string[]) => [...new Set(found.map((line) => line.split(':')[0]))].sort()

describe('the table', () => {
  const fileOf = (name: string) => (name.endsWith('.ts') ? `src/${name}` : `src/${name}/a.ts`)

  test.each(all)('%s imports what its row says, and nothing else', async (layer) => {
    const allowed = TABLE[layer] ?? []
    const files = Object.fromEntries(all.map((name) => [fileOf(name), 'export type A = 1']))
    const others = all.filter((name) => name !== layer)
    const path = (name: string) => (layer.endsWith('.ts') ? './' : '../') + fileOf(name).slice('src/'.length)
    files[fileOf(layer)] = others.map((name, i) => `import type { A as A${i} } from '${path(name)}'`).join('\n')

    const found = await violations(files)
    const refused = found.filter((line) => line.startsWith('layer-')).map((line) => line.split(' → ')[1])
    const expected = others.filter((name) => !allowed.includes(name)).map(fileOf)
    expect(refused.sort()).toEqual(expected.sort())
  })
})

describe('planted violations', () => {
  test('a clean tree has none', async () => {
    const found = await violations({
      'src/base/a.ts': `export const a = 1`,
      'src/raft/index.ts': `export { b } from './b.js'`,
      'src/raft/b.ts': `import { a } from '../base/a.js'; import { a as c } from 'good'; export const b = a + c`,
      'src/storage/open.ts': `import type { a } from 'classic-level'; export type A = typeof a; export const f = () => import('classic-level')`,
      'src/runtime/jwt.ts': `export const g = () => import('jose')`,
      'src/etcd/metrics.ts': `import { a } from 'prom-client'; export { createServer } from 'node:http'; export const b = a`,
    })
    expect(found).toEqual([])
  })

  const planted: [rules: string[], what: string, files: Record<string, string>][] = [
    [
      ['no-circular'],
      'a cycle of values',
      {
        'src/raft/a.ts': `import { b } from './b.js'; export const a = () => b`,
        'src/raft/b.ts': `import { a } from './a.js'; export const b = () => a`,
      },
    ],
    [
      ['no-circular'],
      'a cycle of types',
      {
        'src/raft/a.ts': `import type { B } from './b.js'; export type A = B | 1`,
        'src/raft/b.ts': `import type { C } from './c.js'; export type B = C | 1`,
        'src/raft/c.ts': `import { type A } from './a.js'; export type C = A | 1`,
      },
    ],
    [
      ['not-to-own-index', 'not-to-own-index-above'],
      'the index of the own folder',
      {
        'src/raft/index.ts': 'export const a = 1',
        'src/raft/b.ts': `import { a } from './index.js'; export const b = a`,
      },
    ],
    [
      ['not-to-own-index'],
      'the index of the own folder inside another',
      {
        'src/transport/tcp/index.ts': 'export const a = 1',
        'src/transport/tcp/b.ts': `import { a } from './index.js'; export const b = a`,
      },
    ],
    [
      ['not-to-own-index-above'],
      'the index of a folder around the own one',
      {
        'src/transport/index.ts': 'export const a = 1',
        'src/transport/tcp/b.ts': `import { a } from '../index.js'; export const b = a`,
      },
    ],
    [
      ['types-only-api'],
      'a value where only types may be imported',
      {
        'src/mvcc/a.ts': 'export const a = 1; export type A = 1',
        'src/api/b.ts': `import { a, type A } from '../mvcc/a.js'; export const b: A = a`,
        'src/api/c.ts': `import type { A } from '../mvcc/a.js'; export type C = A`,
      },
    ],
    [
      ['layer-member', 'not-to-testing'],
      'the testing kit',
      {
        'src/testing/a.ts': 'export const a = 1',
        'src/member/b.ts': `import { a } from '../testing/a.js'; export const b = a`,
      },
    ],
    [
      ['not-in-the-table'],
      'a folder without a row',
      {
        'src/base/a.ts': 'export const a = 1',
        'src/utils/b.ts': `import { a } from '../base/a.js'; export const b = a`,
      },
    ],
    [['only-declared-dependencies'], 'a development dependency', { 'src/raft/a.ts': `import { a } from 'tool'; a()` }],
    [['no-unresolvable'], 'a file that does not exist', { 'src/raft/a.ts': `import { b } from './b.js'; b()` }],
    [
      ['only-src'],
      'a file outside src',
      { 'scripts/a.ts': 'export const a = 1', 'src/raft/b.ts': `import { a } from '../../scripts/a.js'; a()` },
    ],
    [
      ['native-code-on-first-use'],
      'native code in a static import',
      { 'src/storage/a.ts': `import { a } from 'classic-level'; export const b = a` },
    ],
    [
      ['signed-tokens-on-first-use'],
      'signed tokens in a static import',
      { 'src/runtime/a.ts': `import { a } from 'jose'; export const b = a` },
    ],
    [
      ['etcd-dependencies-stay-there'],
      'metrics outside the face that needs them',
      { 'src/member/a.ts': `import { a } from 'prom-client'; export const b = a` },
    ],
  ]

  test.each(planted)('%j: %s', async (rules, _what, files) => {
    expect(rulesOf(await violations(files))).toEqual(rules)
  })
})
