import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { open } from 'quorate'
import type { SimulateReport } from 'quorate/testing'
import { freePorts } from '../../demo/processes/free-ports.js'

const folder = mkdtempSync(join(tmpdir(), 'quorate-readme-'))
const program = new URL('./readme.generated.ts', import.meta.url)
const simulation = new URL('./readme-simulation.generated.ts', import.meta.url)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  rmSync(program, { force: true })
  rmSync(simulation, { force: true })
})

test('the example of the README runs as it stands there, with two more members beside it', async () => {
  const example = exampleOf(0)
  const [a = 0, b = 0, c = 0] = await freePorts(3)
  const cluster = { a: `127.0.0.1:${a}`, b: `127.0.0.1:${b}`, c: `127.0.0.1:${c}` }
  const others = [
    await open({ name: 'b', dataDir: join(folder, 'b'), cluster }),
    await open({ name: 'c', dataDir: join(folder, 'c'), cluster }),
  ]
  const runnable = example
    .replaceAll('7001', `${a}`)
    .replaceAll('7002', `${b}`)
    .replaceAll('7003', `${c}`)
    .replace('./data/a', join(folder, 'a'))
  writeFileSync(program, `${runnable}\nexport { store }\n`)
  const { store } = (await import(program.href)) as { store: Awaited<ReturnType<typeof open>> }
  expect((await others[0]?.get('config/db'))?.text()).toBe('postgres://db2')
  expect((await others[1]?.get('jobs/nightly/last'))?.text()).toBe('done')
  await Promise.all([store, ...others].map((each) => each.close()))
})

test('the simulation of the README runs as it stands there, and finds nothing wrong', async () => {
  const example = exampleOf(1)
  expect(example).toContain('await simulate({')
  writeFileSync(simulation, `${example.replace('await simulate', 'export const report = await simulate')}`)
  const { report } = (await import(simulation.href)) as { report: SimulateReport }
  expect(report.seeds).toBe(10)
  expect(report.marks['done']).toBe(10)
  expect(report.faults.pause).toBeGreaterThan(0)
})

function exampleOf(nth: number): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  return [...readme.matchAll(/```ts\n([\s\S]*?)```/g)][nth]?.[1] ?? ''
}
