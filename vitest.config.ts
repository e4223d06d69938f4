/**
 * The test suite. `quorate` and `quorate/<entry>` are the source here, as in tsconfig.json "paths"; tests that are about
 * the built package import from dist by path.
 *
 * FC_SEED, FC_NUM_RUNS: see test/setup.ts. VITEST_JSON: a file that receives the results as JSON (.ci/run reads it).
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = fileURLToPath(new URL('./src', import.meta.url))
const json = process.env['VITEST_JSON']

export default defineConfig({
  resolve: {
    alias: [
      { find: /^quorate$/, replacement: `${source}/index.ts` },
      { find: /^quorate\/([a-z]+)$/, replacement: `${source}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.prop.ts'],
    globalSetup: ['test/setup.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: json ? ['default', ['json', { outputFile: json }]] : ['default'],
  },
})
