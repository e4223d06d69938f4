/** The examples of recipes run as they are, end by themselves, and print what they are there to show. */
import { beforeAll, expect, it } from 'vitest'
import { runProgram } from '../process/run.js'

const TIMEOUT_MS = 120_000
/** What each has printed, by its name. */
const outputs = new Map<string, string>()

beforeAll(async () => {
  const { code, output } = await runProgram('test/examples/run-recipes.ts', { timeoutMs: TIMEOUT_MS - 5_000 })
  expect(code, output).toBe(0)
  for (const [, name = '', printed = ''] of output.matchAll(/^== (.*)\n((?:(?!== ).*\n?)*)/gm))
    outputs.set(name, printed)
}, TIMEOUT_MS)

it('one instance works, and when it is shut down the next one goes on where it was', () => {
  const output = outputOf('01-one-of-us-works.ts')
  expect(output).toContain('berlin-1, priority 1, leads\n')
  expect(output).toContain('paris-1, priority 0, stands by\n')
  expect(output).toContain('berlin-1 is shut down\nberlin-2 leads\n')
  const sent = [...output.matchAll(/^(\S+): bills\/sent\/(\d)$/gm)].map(([, , bill]) => bill)
  expect(sent).toEqual(['1', '2', '3', '4', '5'])
  expect(output.trim().endsWith('paris-1 leads')).toBe(true)
})

it('who lost a lock while it stood still is refused by its token', () => {
  const output = outputOf('02-lock-with-a-token.ts')
  expect(output).toMatch(/worker-1 has the lock, with token 2\n.*thrown out\nworker-2 has the lock, with token \d+\n/)
  expect(output).toContain('its signal is aborted')
  expect(output).toMatch(/worker-1 is refused: token 2 comes too late/)
  expect(output).toContain('the report is by worker-2')
})

it('three export at a time, readers read together and a writer writes alone', () => {
  const output = outputOf('03-at-most-three.ts')
  const running = [...output.matchAll(/number (\d) of those that run$/gm)].map(([, number]) => Number(number))
  expect(running).toHaveLength(7)
  expect(Math.max(...running)).toBe(3)
  expect(output).toMatch(/till 1 reads: tea costs 3.20\ntill 2 reads: tea costs 3.20\n/)
  expect(output).toMatch(/the office writes: 3.40\ntill 3 reads: tea costs 3.40\n/)
})

it('instances join, change and leave', () => {
  const output = outputOf('04-service-discovery.ts')
  expect(output).toMatch(/joined: web-2, version 1.3\nupdated: web-1, version 1.3\nleft: web-2, version 1.3\n/)
  expect(output).toContain('the next call goes to http://10.0.0.1:80, which has version 1.3')
})

it('flags are read as they were written a moment ago', () => {
  const output = outputOf('05-feature-flags.ts')
  expect(output).toMatch(/Ann gets the old checkout\nBob gets the new checkout\n/)
  expect(output).toContain('flags/dark-mode is not shown: SyntaxError')
  expect(output).toContain('put flags/new-checkout: false -> true')
  expect(output).toContain('delete flags/new-checkout: true -> undefined')
})

it('a configuration stays what it was when somebody stores what is not valid', () => {
  const output = outputOf('06-typed-configuration.ts')
  expect(output).toContain('nothing is stored: postgres://localhost, 2 connections (fallback)')
  expect(output).toContain('stored: postgres://db1, 10 connections (stored)')
  expect(output).toMatch(/refused: .*url: Invalid URL/)
  expect(output).toContain('still: postgres://db1 (last-good)')
  expect(output).toMatch(/not valid: poolSize: .*expected number/)
  expect(output).toContain('changed: postgres://db2, 20 connections (stored)')
})

it('each firing writes once, the one whose first attempt failed too', () => {
  const output = outputOf('07-scheduled-jobs.ts')
  expect(output).toMatch(/: attempt 1: Error: the mail server is away: retried/)
  const written = [...output.matchAll(/^invoices\/(\S+Z) by web-\d, attempt (\d)$/gm)]
  expect(new Set(written.map(([, scheduled]) => scheduled)).size).toBe(3)
  expect(written.map(([, , attempt]) => attempt)).toEqual(['2', '1', '1'])
})

it('a mail that was in the hands of a consumer that died is sent by the other one, and each is sent once', () => {
  const output = outputOf('08-work-queue.ts')
  const [, lost] = /^b has the mail to (\w+), .* 1 time/m.exec(output) ?? []
  expect(output).toContain(`a has the mail to ${lost}, which was handed out 2 time(s)`)
  const sent = [...output.matchAll(/^sent\/(\w+) by a$/gm)].map(([, to]) => to)
  expect(sent.sort()).toEqual(['ann', 'bob', 'cem', 'dot'])
  expect(output).toContain('0 left')
})

it('money that moves in both directions at once is neither lost nor made', () => {
  const output = outputOf('09-money-and-counters.ts')
  expect(output).toContain('refused: bob has 55, not 1000')
  expect(output).toContain('accounts/ann: 65, accounts/bob: 55')
  expect(output).toContain('11 transfers')
})

it('tenants see nothing of each other, and have limits of their own', () => {
  const output = outputOf('10-tenants.ts')
  expect(output).toMatch(/acme reads ACME\nglobex reads Globex\n/)
  expect(output).toContain('globex sees items/1, items/2, items/3\n')
  expect(output).toContain('acme is full')
  expect(output).toContain('tenants/globex/settings/name')
})

function outputOf(name: string): string {
  const output = outputs.get(name)
  if (output === undefined) throw new Error(`${name} did not run; those that did: ${[...outputs.keys()].join(', ')}`)
  return output
}
