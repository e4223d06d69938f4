/**
 * The core with a bug: its source copied to a temporary folder, with some text replaced. So bugs can be planted anywhere
 * without a flag in the production code; a replacement whose text is no longer there fails, and is to be written anew.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { RawNode } from '../../src/raft/raw-node.js'

const source = fileURLToPath(new URL('../../src', import.meta.url))

export interface Mutation {
  /** A file of src/raft. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export async function mutatedCore(mutations: readonly Mutation[]): Promise<typeof RawNode> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-mutant-'))
  try {
    for (const name of ['base', 'raft']) cpSync(join(source, name), join(folder, name), { recursive: true })
    for (const { file, from, to } of mutations) {
      const path = join(folder, 'raft', file)
      const text = readFileSync(path, 'utf8')
      if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`)
      writeFileSync(
        path,
        text.replace(from, () => to),
      )
    }
    const module = (await import(pathToFileURL(join(folder, 'raft', 'raw-node.ts')).href)) as {
      RawNode: typeof RawNode
    }
    return module.RawNode
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
