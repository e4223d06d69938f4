/**
 * Builds the simulation with a mutant in it: one bundle of the source, in which the files that the patch names are read
 * with the patch applied. The source itself is not touched, and carries no switch for any of it.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { build, type Plugin } from 'esbuild'
import { pathOf, type Mutant } from './mutant.js'
import { applyHunks, type FilePatch } from './patch.js'

/** Inside the folder of packages, so that the bundle finds those it imports. */
const BUNDLES = pathOf('node_modules/.cache/quorate-mutants')

/** The path of a script for a worker thread (judge.ts). Rejects where the patch does not apply. */
export function buildMutant(mutant: Mutant): Promise<string> {
  return bundle('test/mutants/judge.ts', mutant, mutant.name)
}

/** The same of any program of this repository; a bundle also starts several times faster than the source does. */
export async function bundle(entry: string, mutant: Mutant, name: string): Promise<string> {
  // Before the build, for the error as it is.
  const patched = new Map(mutant.files.map((file) => [pathOf(file.file), patchedText(mutant, file)]))
  mkdirSync(BUNDLES, { recursive: true })
  const outfile = `${BUNDLES}/${name}.mjs`
  await build({
    entryPoints: [pathOf(entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    packages: 'external',
    logLevel: 'silent',
    plugins: [patching(patched)],
  })
  return outfile
}

function patchedText({ name }: Mutant, file: FilePatch): string {
  try {
    return applyHunks(readFileSync(pathOf(file.file), 'utf8'), file)
  } catch (error) {
    throw new Error(`test/mutants/${name}.patch: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** A file that is patched and never loaded would make a mutant of nothing: that fails too. */
function patching(patched: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'patch',
    setup: ({ onLoad, onEnd }) => {
      const loaded = new Set<string>()
      // By name, so that esbuild asks about no other file.
      const names = [...patched.keys()].map((path) => path.replaceAll(/[^\w/]/g, '\\$&'))
      onLoad({ filter: new RegExp(`^(${names.join('|')})$`) }, ({ path }) => {
        const contents = patched.get(path)
        if (contents === undefined) return undefined
        loaded.add(path)
        return { contents, loader: 'ts' }
      })
      onEnd(() => {
        const missed = [...patched.keys()].filter((path) => !loaded.has(path))
        return missed.length === 0 ? {} : { errors: missed.map((path) => ({ text: `${path} is not in the bundle` })) }
      })
    },
  }
}
