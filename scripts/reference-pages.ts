/** docs/ERRORS.md and docs/LIMITS.md, and the flags of docs/SERVE.md, made from the tables in src so that each fact is written once. */
import { readFileSync } from 'node:fs'
import type { Flag } from '../src/cli/serve/flag.js'
import { FLAG_GROUPS } from '../src/cli/serve/flags.js'
import { ERRORS, LIMITS } from '../src/index.js'

const SERVE_PAGE = new URL('../docs/SERVE.md', import.meta.url)
const LIMITS_SOURCE = new URL('../src/base/limits.ts', import.meta.url)

/** File name under docs/ and content of every generated page. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['ERRORS.md', errorsPage()],
    ['LIMITS.md', limitsPage()],
    ['SERVE.md', servePage()],
  ])
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, row]) => {
    const etcd = 'etcd' in row ? `\`${row.etcd}\`` : ''
    return `| \`${code}\` | ${row.doc} | ${row.retryable ? 'yes' : 'no'} | ${row.grpc} | ${etcd} |`
  })
  return page(
    'Errors',
    'An operating error is a `StoreError`: match on its `code`, never on its text. `outcome` says what became of a call: `refused` (it\n' +
      'has no effect, now or later) or `unknown`. Misuse is a `TypeError` or `RangeError`; a broken invariant is an `AssertionError`,\n' +
      'which ends the member.',
    'src/base/errors.ts',
    [
      '| code | when, and what to do | may succeed if simply repeated | gRPC status | text of etcd |',
      '| --- | --- | --- | --- | --- |',
    ],
    rows,
  )
}

function limitsPage(): string {
  const rows = Object.entries(LIMITS).map(
    ([name, value]) => `| \`${name}\` | ${value.toLocaleString('en')} | ${commentOf(name)} |`,
  )
  return page(
    'Limits',
    'Everything that can grow has a bound. The unit is in the name.',
    'src/base/limits.ts',
    ['| limit | value | what it bounds, and what happens at it |', '| --- | --- | --- |'],
    rows,
  )
}

const FLAGS_BEGIN = '<!-- flags: made from src/cli/serve/flags.ts by `npm run docs` -->'
const FLAGS_END = '<!-- end of flags -->'

/** The page as it is, with its table of flags made anew. */
function servePage(): string {
  const current = readFileSync(SERVE_PAGE, 'utf8')
  const [begin, end] = [current.indexOf(FLAGS_BEGIN), current.indexOf(FLAGS_END)]
  if (begin < 0 || end < begin) throw new Error('docs/SERVE.md has lost the marks around its table of flags')
  const groups = Object.entries(FLAG_GROUPS).flatMap(([title, flags]) => {
    const rows = Object.entries(flags).map(([name, flag]) => flagRow(name, flag))
    return [`### ${title}`, '', '| flag | default | what it is | here |', '| --- | --- | --- | --- |', ...rows, '']
  })
  return [current.slice(0, begin) + FLAGS_BEGIN, '', ...groups].join('\n') + current.slice(end)
}

function flagRow(name: string, { fallback, meaning, fate, experimental }: Flag<unknown>): string {
  const spelling = experimental === true ? `\`--${name}\`, also \`--experimental-${name}\`` : `\`--${name}\``
  const here = fate.type === 'supported' ? 'supported' : `${fate.type}: ${fate.why}`
  return `| ${[spelling, fallback === '' ? '' : `\`${fallback}\``, meaning, here].join(' | ')} |`
}

/** The comment above a limit in the source. */
function commentOf(name: string): string {
  const source = readFileSync(LIMITS_SOURCE, 'utf8')
  const found = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${name}:`).exec(source)
  const comment = found?.[1]?.split('*/').at(-1)
  if (comment === undefined) throw new Error(`limit ${name} has no comment in src/base/limits.ts`)
  return comment.replace(/\s*\n\s*\*\s*/g, ' ').trim()
}

function page(title: string, intro: string, source: string, head: readonly string[], rows: readonly string[]): string {
  const note = `Made from \`${source}\` by \`npm run docs\`; a test fails when it is stale.`
  return [`# ${title}`, '', intro, '', note, '', ...head, ...rows, ''].join('\n')
}
