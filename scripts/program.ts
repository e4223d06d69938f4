/**
 * A program of this repository as one JavaScript file, for scripts that start it thousands of times: a process is up in a
 * fraction of the time that it takes to compile the sources first. With a planted bug in it where one is named: a check
 * that has never failed shows nothing.
 */
import { readFileSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from '../test/mutants/build.js'
import { pathOf, readMutant, UNMUTATED } from '../test/mutants/mutant.js'

export interface Program {
  readonly script: URL
  remove(): void
}

/** `plant`: the name of a mutant (test/mutants). */
export async function buildProgram(entry: string, plant: string | undefined): Promise<Program> {
  const mutant =
    plant === undefined
      ? UNMUTATED
      : readMutant(plant, readFileSync(pathOf(`test/mutants/${basename(plant)}.patch`), 'utf8'))
  const path = await bundle(entry, mutant, `${basename(entry, '.ts')}-${mutant.name}-${process.pid}`)
  return {
    script: pathToFileURL(path),
    remove: () => {
      rmSync(path, { force: true })
    },
  }
}
