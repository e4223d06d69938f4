/**
 * A seed means the same again, and on other versions of Node: QUORATE_NODES=/path/to/node:/path/to/other says on which to
 * look.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { traceHash } from './trace-hash.js'

const SEEDS = [1, 2, 3, 4, 5]
const NODES = (process.env['QUORATE_NODES'] ?? '').split(':').filter((path) => path !== '')

const hashesHere = async (): Promise<string[]> => {
  const hashes: string[] = []
  for (const seed of SEEDS) hashes.push(await traceHash(seed))
  return hashes
}

test('two runs of a seed are the same, and those of different seeds are not', async () => {
  const hashes = await hashesHere()
  expect(await hashesHere()).toEqual(hashes)
  expect(new Set(hashes).size).toBe(SEEDS.length)
})

describe('another version of Node runs a seed in the same way', () => {
  test.skipIf(NODES.length > 0)('(not looked at: QUORATE_NODES names none)', (context) => {
    context.skip()
  })

  test.each(NODES)('%s', async (node) => {
    const script = fileURLToPath(new URL('trace-hash.ts', import.meta.url))
    const run = promisify(execFile)(node, ['--import', 'tsx', script, ...SEEDS.map(String)])
    expect((await run).stdout.trim().split('\n')).toEqual(await hashesHere())
  })
})
