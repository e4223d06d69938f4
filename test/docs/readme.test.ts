import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { open } from 'quorate'
import type { SimulateReport } from 'quorate/testing'
import { freePorts } from '../../demo/processes/free-ports.js'

const folder = mkdtempSync(join(tmpdir(), 'quorate-readme-'))
const program = new URL('./readme.generated.ts', import.meta.url)
const recipes = new URL('./readme-recipes.generated.ts', import.meta.url)
const etcd = new URL('./readme-etcd.generated.ts', import.meta.url)
const simulation = new URL('./readme-simulation.generated.ts', import.meta.url)

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  rmSync(program, { force: true })
  rmSync(recipes, { force: true })
  rmSync(etcd, { force: true })
  rmSync(simulation, { force: true })
})

test('the example of the README runs as it stands there, with two more members beside it', async () => {
  const example = exampleWith('await open({')
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

test('the recipes of the README run as they stand there', async () => {
  const around = `
    import { hostname } from 'node:os'
    import { CachedView, Election, Mutex, open } from 'quorate'
    export const done: string[] = []
    const store = await open()
    await store.put('flags/new-checkout', 'true')
    const shutdown = new AbortController().signal
    const report = 'a report'
    const sendBills = (signal: AbortSignal) => void done.push(\`sends bills, \${signal.aborted}\`)
    const upload = (what: string, { fencing, signal }: { fencing: number; signal: AbortSignal }) =>
      void done.push(\`uploads \${what}, \${fencing > 0}, \${signal.aborted}\`)
    const renderNewCheckout = () => void done.push('renders')
  `
  writeFileSync(recipes, `${around}${exampleWith('new Election(')}await flags.close()\nawait store.close()\n`)
  const { done } = (await import(recipes.href)) as { done: string[] }
  expect(done).toEqual(['sends bills, false', 'uploads a report, true, false', 'renders'])
})

test("etcd's API runs as it stands in the README", async () => {
  const [port = 0] = await freePorts(1)
  const example = exampleWith('await serveEtcd(')
    .replace('2379', String(port))
    .replace('console.log', 'export const read = ')
  writeFileSync(etcd, `${example}\nfor (const each of [remote, server, store]) await each.close()\n`)
  const { read } = (await import(etcd.href)) as { read: string }
  expect(read).toBe('hello')
})

test('the simulation of the README runs as it stands there, and finds nothing wrong', async () => {
  const example = exampleWith('await simulate({')
  writeFileSync(simulation, `${example.replace('await simulate', 'export const report = await simulate')}`)
  const { report } = (await import(simulation.href)) as { report: SimulateReport }
  expect(report.seeds).toBe(10)
  expect(report.marks['done']).toBe(10)
  expect(report.faults.pause).toBeGreaterThan(0)
})

function exampleWith(text: string): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, example = '']) => example)
  const found = examples.find((example) => example.includes(text))
  if (found === undefined) throw new Error(`no example of the README has: ${text}`)
  return found
}
