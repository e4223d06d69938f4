/**
 * `npx tsx scripts/fixture-directory.ts`: makes the data directory for the tests of the format that this version writes,
 * test/testdata/directories/format-N.json.gz. One that is there stays: what a released format left must not change.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FORMAT_VERSION } from '../src/storage/identity.js'
import { fixturePath, packFixture } from '../test/storage/released-directory.js'

const path = fixturePath(FORMAT_VERSION)
if (existsSync(path)) throw new Error(`${path} is there already`)
const folder = mkdtempSync(join(tmpdir(), 'quorate-fixture-'))
try {
  const packed = await packFixture(join(folder, 'data'))
  writeFileSync(path, packed)
  console.log(`${path}: ${packed.byteLength} bytes`)
} finally {
  rmSync(folder, { recursive: true })
}
