/** The file that shows a failure is a file that runs: it fails while the bug is there, and passes once it is mended. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testFileFor, type Plan } from 'quorate/testing'
import { expect, test } from 'vitest'

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))

const PLAN: Plan = {
  seed: 3,
  members: ['a', 'b', 'c'],
  settings: { electionTimeoutMs: 300, heartbeatIntervalMs: 50, stateBufferBytesMax: 10_000, logRetainBytes: 1_000_000 },
  network: { delayMsHalf: 2 },
  buggify: [],
  faults: [{ atMs: 2500, type: 'crash', member: 'a', disk: 'process', downMs: 100 }],
  operations: [
    { id: 1, atMs: 1500, client: 1, member: 'b', timeoutMs: 2000, type: 'watch', back: 0, slowMs: 0, forMs: 3000 },
    { id: 2, atMs: 2000, client: 2, member: 'c', timeoutMs: 2000, type: 'put', key: 'x', valueBytes: 10 },
    { id: 3, atMs: 3500, client: 2, member: 'c', timeoutMs: 2000, type: 'put', key: 'x', valueBytes: 10 },
  ],
  safetyMs: 5000,
}

/** Its watches leave out the first event. */
const PLANTED = `
import { runPlan as run } from 'quorate/testing'

const instead = (object, name, value) =>
  new Proxy(object, {
    get(target, asked) {
      if (asked === name) return value
      const found = Reflect.get(target, asked)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })

const forgetful = (store) =>
  instead(store, 'watch', (...request) => {
    const watch = store.watch(...request)
    return instead(watch, Symbol.asyncIterator, async function* () {
      let events = 0
      for await (const event of watch) if (events++ > 0) yield event
    })
  })

export const runPlan = (plan) => run(plan, { plant: { store: forgetful } })
`

const CONFIG = `
import { defineConfig } from 'vitest/config'
import base from '../vitest.config.js'

export default defineConfig({
  resolve: base.resolve,
  test: { root: import.meta.dirname, include: ['*.test.ts'], maxWorkers: 1, reporters: ['json'], outputFile: 'results.json' },
})
`

interface Results {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[]
  }[]
}

test('an emitted file runs, fails for a planted bug and passes without it', async () => {
  const text = testFileFor(PLAN, { kind: 'watch', message: 'R20 violated: a watch left out an event' })
  const folder = await mkdtemp(join(REPOSITORY, '.quorate-emitted-'))
  try {
    await writeFile(join(folder, 'sound.test.ts'), text)
    await writeFile(join(folder, 'broken.test.ts'), text.replace("from 'quorate/testing'", "from './planted.js'"))
    await writeFile(join(folder, 'planted.js'), PLANTED)
    await writeFile(join(folder, 'vitest.config.ts'), CONFIG)
    const results = JSON.parse(await runVitest(folder)) as Results
    const [broken, sound] = [...results.testResults].sort((one, other) => (one.name < other.name ? -1 : 1))
    expect(sound?.assertionResults.flatMap(({ failureMessages }) => failureMessages)).toEqual([])
    expect(sound?.status).toBe('passed')
    expect(broken?.status).toBe('failed')
    expect(broken?.assertionResults[0]?.failureMessages[0]).toMatch(/R20 violated/)
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** The results of the tests in a folder, as JSON. */
function runVitest(folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const vitest = join(REPOSITORY, 'node_modules/vitest/vitest.mjs')
    const ended = (_error: unknown, stdout: string, stderr: string): void => {
      readFile(join(folder, 'results.json'), 'utf8').then(resolve, () =>
        reject(new Error(`no results: ${stdout}${stderr}`)),
      )
    }
    execFile(process.execPath, [vitest, 'run', '--config', join(folder, 'vitest.config.ts')], { cwd: folder }, ended)
  })
}
