import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

function sim(...parameters: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/sim.ts', ...parameters], {
    encoding: 'utf8',
  })
  return { status, text: stdout + stderr }
}

test.each<[string, readonly string[], string]>([
  ['a seed whose option npm took away', ['7'], 'only --canary takes a name, not "7"'],
  ['two ways to say which seeds', ['--seed', '1', '--seeds', '2'], '--seed and --seeds exclude each other'],
  ['no seeds', ['--seeds', '0'], '--seeds takes a whole number of at least 1, not "0"'],
  ['a plan that is not there', ['--plan', 'nowhere.json'], 'nowhere.json cannot be read as a plan'],
  ['a file that is no plan', ['--plan', 'package.json'], 'package.json cannot be read as a plan: a plan takes no name'],
  ['a page of many runs', ['--html', 'run.html'], '--html tells one run: say --seed or --plan, too'],
])(
  'the command of the swarm refuses %s, and runs nothing',
  (_, parameters, message) => {
    const { status, text } = sim(...parameters)
    expect(text).toContain(message)
    expect(status).toBe(2)
  },
  60_000,
)
