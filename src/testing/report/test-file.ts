/**
 * A test that shows a failure again: the text of a file to be put among one's tests and run with vitest.
 *
 * Always: the file holds the plan as it is, so it runs the same run; the comments say in words what each line does.
 */
import type { Plan } from '../swarm/plan.js'
import { describeFault } from './describe-fault.js'
import { describeOperation } from './describe-operation.js'
import { describeMs } from './describe-time.js'

/** What was found, as the test file tells it. */
export interface FoundFailure {
  /** The class of the verdict. */
  readonly kind: string
  readonly message: string
}

/** The test fails with the failure until it is mended, and keeps it out from then on. */
export function testFileFor(plan: Plan, failure: FoundFailure): string {
  const { seed, faults, operations } = plan
  const size = `${count(faults.length, 'fault')} and ${count(operations.length, 'operation')}`
  const found = failure.message.split(LINE_ENDS).map((line) => ` *     ${inComment(line)}`.trimEnd())
  return `/**
 * Seed ${seed}, with ${size}. When it was written, it failed (${inComment(failure.kind)}):
 *
${found.join('\n')}
 *
 * Times are milliseconds of the run. To see more: \`transcript\` and \`timelinePage\` of quorate/testing.
 */
import { runPlan, type Plan } from 'quorate/testing'
import { expect, test } from 'vitest'

const plan: Plan = ${planText(plan)}

test('what failed once in a simulated run holds', async () => {
  const { failure } = await runPlan(plan)
  expect(failure).toBeUndefined()
})
`
}

/** The plan as an expression, a line for each fault and each operation, and a comment above it. */
export function planText(plan: Plan): string {
  const lines = Object.entries(plan).flatMap(([name, value]) => {
    if (name === 'faults') return list(name, plan.faults, describeFault)
    if (name === 'operations') return list(name, plan.operations, describeOperation)
    return [`  ${name}: ${literal(value)},`]
  })
  return `{\n${lines.join('\n')}\n}`
}

function list<Item extends { readonly atMs: number }>(
  name: string,
  items: readonly Item[],
  describe: (item: Item) => string,
): string[] {
  if (items.length === 0) return [`  ${name}: [],`]
  const lines = items.flatMap((item) => [
    `    // ${describeMs(item.atMs)}: ${inComment(describe(item))}`,
    `    ${literal(item)},`,
  ])
  return [`  ${name}: [`, ...lines, '  ],']
}

/** Plain data as people write it. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined)
    if (fields.length === 0) return '{}'
    return `{ ${fields.map(([name, field]) => `${fieldName(name)}: ${literal(field)}`).join(', ')} }`
  }
  return typeof value === 'string' ? quoted(value) : String(value)
}

function fieldName(name: string): string {
  return /^[a-z_]\w*$/i.test(name) && name !== '__proto__' ? name : `[${quoted(name)}]`
}

function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1)
  return `'${inner.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/

/** On one line, and without an end of the comment. */
function inComment(text: string): string {
  return text.split(LINE_ENDS).join(' ').replaceAll('*/', '* /')
}

function count(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`
}
