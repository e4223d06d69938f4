import { expect, test } from 'vitest'
import { UNMUTATED, readMutant } from './mutant.js'
import { buildMutant } from './build.js'
import { applyHunks, parsePatch } from './patch.js'

const PATCH = [
  'A bug',
  '',
  'Museum: row 0',
  '',
  '--- a/src/a.ts',
  '+++ b/src/a.ts',
  '@@ -1,3 +1,3 @@ f',
  ' one',
  '-two',
  '+2',
  ' three',
  '',
].join('\n')

function patched(text: string): string {
  const [file] = parsePatch(PATCH).files
  if (file === undefined) throw new Error('no file in the patch')
  return applyHunks(text, file)
}

test('a patch applies wherever its lines stand', () => {
  expect(patched('zero\none\ntwo\nthree\nfour')).toBe('zero\none\n2\nthree\nfour')
})

test('a patch whose lines are gone says which ones and in which file', () => {
  expect(() => patched('one\ntwo \nthree')).toThrow(
    /does not apply to src\/a\.ts any more: the lines of @@ -1,3 \+1,3 @@ f are not there; write it anew\n {4}one/,
  )
})

test('a patch whose lines stand there twice is refused: nobody knows which ones are meant', () => {
  expect(() => patched('one\ntwo\nthree\none\ntwo\nthree')).toThrow(/are there 2 times/)
})

test('a patch that no longer applies fails the build of its mutant, by name', async () => {
  const mutant = {
    ...UNMUTATED,
    name: 'outdated',
    files: [{ file: 'src/raft/commit.ts', hunks: [{ title: '@@', before: ['gone'], after: [] }] }],
  }
  await expect(buildMutant(mutant)).rejects.toThrow(
    /test\/mutants\/outdated\.patch: the patch does not apply to src\/raft\/commit\.ts/,
  )
})

test('a patch of a file that the simulation does not load fails too: it would change nothing', async () => {
  const mutant = { ...UNMUTATED, name: 'unloaded', files: [{ file: 'src/index.ts', hunks: [] }] }
  await expect(buildMutant(mutant)).rejects.toThrow(/src\/index\.ts is not in the bundle/)
})

test('a patch without a header is refused', () => {
  expect(() => readMutant('bare', PATCH)).toThrow(/bare\.patch lacks a line 'Breaks: …'/)
})
