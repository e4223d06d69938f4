/**
 * The program of a worker thread as one file: a run takes a fifth less time than from the sources, since what loads those
 * gives every function its name anew each time it is made.
 */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

/** Inside the folder of packages, so that the bundle finds those it imports. */
const BUNDLES = fileURLToPath(new URL('../../node_modules/.cache/quorate-sim', import.meta.url))

/** The path of the bundle of `source`. One for each process: another one may be running while its sources are changed. */
export function bundleWorker(source: URL): string {
  mkdirSync(BUNDLES, { recursive: true })
  const outfile = `${BUNDLES}/worker-${process.pid}.mjs`
  buildSync({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'silent',
  })
  return outfile
}
