/**
 * The bans of eslint.config.js fire: each snippet below is planted, in memory, in the folder it names. A ban that a new
 * version of a tool or a slip in the configuration has disabled looks exactly like clean code, so it is tested.
 */
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const synchronous = ['raft', 'mvcc', 'watch', 'lease', 'auth', 'machine']
const pure = [...synchronous, 'base', 'api']
const doing = ['storage', 'transport', 'member', 'store', 'recipes', 'etcd', 'testing']

/** Without types: the planted files are not on disk, so that the compiler knows nothing of them. */
const untyped = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked] })
const typed = new ESLint({ cwd: root })

/** The names of the rules that object to `code` in `filePath`. A syntax error counts as a mistake of the test. */
async function objections(eslint: ESLint, filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: `${root}/${filePath}`, warnIgnored: true })
  if (result === undefined) throw new Error(`${filePath} was not linted`)
  return result.messages.map(({ ruleId, message }) => {
    if (ruleId === null) throw new Error(`${filePath}: ${message}`)
    return ruleId
  })
}

const PORTS: Record<string, string> = {
  'Date.now': 'export const a = Date.now()',
  'new Date': 'export const a = new Date()',
  'globalThis.Date': 'export const a = globalThis.Date.now()',
  performance: 'export const a = performance.now()',
  'Math.random': 'export const a = Math.random()',
  'Math.random by name': 'const { random } = Math; export const a = random()',
  setTimeout: 'setTimeout(() => {}, 1)',
  setInterval: 'setInterval(() => {}, 1)',
  setImmediate: 'setImmediate(() => {})',
  clearTimeout: 'export const f = (t: number) => clearTimeout(t)',
  'AbortSignal.timeout': 'export const a = AbortSignal.timeout(1)',
  console: 'console.log(1)',
  'node:timers': `import { setTimeout } from 'node:timers/promises'; export const a = setTimeout`,
  'node:perf_hooks': `import { performance } from 'node:perf_hooks'; export const a = performance`,
}

const EFFECTS: Record<string, string> = {
  queueMicrotask: 'queueMicrotask(() => {})',
  process: 'export const a = process.env',
  crypto: 'export const a = crypto.randomUUID()',
  WeakRef: 'export const a = new WeakRef({})',
  FinalizationRegistry: 'export const a = new FinalizationRegistry(() => {})',
  Intl: 'export const a = new Intl.Collator()',
  localeCompare: `export const a = 'a'.localeCompare('b')`,
  toLocaleLowerCase: `export const a = 'a'.toLocaleLowerCase()`,
  'for in': 'export function f(o: object) { for (const k in o) return k; return undefined }',
  'node:fs': `import { readFileSync } from 'node:fs'; export const a = readFileSync`,
  'fs, by its old name': `import { readFileSync } from 'fs'; export const a = readFileSync`,
  'node:crypto': `import { randomBytes } from 'node:crypto'; export const a = randomBytes`,
  'a type of Node': `import type { Readable } from 'node:stream'; export type A = Readable`,
  're-export of Node': `export { readFileSync } from 'node:fs'`,
  'import()': `export const f = () => import('./x.js')`,
}

const PROMISES: Record<string, string> = {
  'async function': 'export async function f() {}',
  'async arrow': 'export const f = async () => {}',
  'async method': 'export class A { async f() {} }',
  'async generator': 'export async function* f() { yield 1 }',
  'new Promise': 'export const f = () => new Promise(() => {})',
  'Promise.resolve': 'export const f = () => Promise.resolve()',
}

const SOURCE: Record<string, string> = {
  'await using': 'export async function f(a: AsyncDisposable) { await using b = a; return b }',
  'top-level await': 'export const a = await f()',
  'module-level let': 'let a = 1; export const f = () => a++',
  'exported let': 'export let a = 1; export const f = () => a++',
  'export *': `export * from './x.js'`,
  'method named then': 'export class A { then() {} }',
  any: 'export const a: any = 1',
  'import of a type as a value': `import { A } from './x.js'; export const f = (a: A) => a`,
}

const TESTS: Record<string, string> = {
  setTimeout: 'setTimeout(() => {}, 1)',
  'node:timers/promises': `import { setTimeout } from 'node:timers/promises'; export const a = setTimeout`,
  'Date.now': 'export const a = Date.now()',
  'Math.random': 'export const a = Math.random()',
  'vi.mock': `vi.mock('./x.js')`,
}

const RUNNERS: Record<string, string> = {
  'test.only': `test.only('a', () => {})`,
  'describe.only': `describe.only('a', () => {})`,
  'it.skip': `it.skip('a', () => {})`,
  'test.skip.each': `test.skip.each([1])('a', () => {})`,
  'test.concurrent.only': `test.concurrent.only('a', () => {})`,
}

const ALLOWED: [file: string, code: string][] = [
  ['src/base/checksum.ts', `import { crc32 } from 'node:zlib'; export const a = crc32`],
  ['src/base/clock.ts', 'export interface Clock { sleep(ms: number): Promise<void> }'],
  ['src/api/store.ts', 'export const f = async (a: Promise<number>) => (await a) + 1'],
  ['src/raft/names.ts', `import { a } from './util/fs.js'; export const b = a, updateTo = 1, setTimeoutTicks = 2`],
  ['src/runtime/clock.ts', 'export const a = () => [Date.now(), performance.now(), setTimeout(() => {}, 1)]'],
  ['src/transport/tcp.ts', `import { connect } from 'node:net'; export const a = () => process.nextTick(connect)`],
  ['src/cli/main.ts', 'console.log(Date.now())'],
  ['test/process/kill.test.ts', 'setTimeout(() => {}, 1); export const a = Date.now()'],
  ['test/raft/vote.test.ts', `test.skipIf(!process.env['X'])('a', () => {}); export const at = new Date(0)`],
]

beforeAll(async () => {
  await objections(untyped, 'src/raft/planted.ts', '')
})

/** Not any objection will do: a snippet may also have, say, an unused variable. */
const BAN = expect.stringMatching(/^no-restricted-|\/no-explicit-any$|\/consistent-type-imports$/) as unknown

function bans(snippets: Record<string, string>, files: string[]): void {
  test.each(Object.entries(snippets))('%s', async (_name, code) => {
    for (const file of files) expect(await objections(untyped, file, code), file).toContainEqual(BAN)
  })
}

const plantedIn = (folders: string[]) => folders.map((folder) => `src/${folder}/planted.ts`)

describe('clocks, timers, random numbers and the console are banned in all of src but runtime and cli', () => {
  bans(PORTS, plantedIn([...pure, ...doing]))
})
describe('effects are banned where the code decides', () => bans(EFFECTS, plantedIn(pure)))
describe('promises are banned where the code decides synchronously', () => bans(PROMISES, plantedIn(synchronous)))
describe('banned in all of src', () => bans(SOURCE, plantedIn([...pure, ...doing, 'runtime', 'cli'])))
describe('sleeping, wall clocks and mocks are banned in tests', () => bans(TESTS, ['test/raft/planted.test.ts']))
describe('no test is skipped or singled out', () => {
  bans(RUNNERS, ['test/raft/planted.test.ts', 'test/process/planted.test.ts'])
})

test('base/checksum.ts may import node:zlib and nothing else of Node', async () => {
  const code = `import { readFileSync } from 'node:fs'; export const a = readFileSync`
  expect(await objections(untyped, 'src/base/checksum.ts', code)).toEqual(['no-restricted-imports'])
})

test('recipes/date.ts may make dates of given times, and not ask what time it is', async () => {
  const file = 'src/recipes/schedule/date.ts'
  expect(await objections(untyped, file, 'export const a = [new Date(0), Date.parse("")]')).toEqual([])
  for (const code of ['new Date()', 'Date.now()', 'Date()']) {
    expect(await objections(untyped, file, `export const a = ${code}`), code).toContainEqual(BAN)
  }
})

test.each(ALLOWED)('allowed: %s: %s', async (file, code) => {
  expect(await objections(untyped, file, code)).toEqual([])
})

test('rules that need types fire: promises and switches', async () => {
  const code = `
    type Kind = 'a' | 'b'
    async function work(): Promise<void> {}
    export function floating() { work() }
    export async function pointless(n: number) { return await n }
    export function misused(list: number[]) { list.forEach(async () => { await work() }) }
    export function incomplete(kind: Kind) { switch (kind) { case 'a': return 1 } return 2 }
  `
  // The text stands in for that of a file that exists, since only such files belong to the TypeScript project.
  expect(await objections(typed, 'vitest.config.ts', code)).toEqual([
    '@typescript-eslint/no-floating-promises',
    '@typescript-eslint/await-thenable',
    '@typescript-eslint/no-misused-promises',
    '@typescript-eslint/switch-exhaustiveness-check',
  ])
})
