/**
 * Kits with a bug: bundles of the source in which a text is replaced by another one. The source itself carries no switch.
 *
 * Always: a text that is no longer there exactly once is an error: the bug is to be planted anew.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Kit } from './law.js'

const source = fileURLToPath(new URL('../../../src/testing/linearizability', import.meta.url))

const ENTRY = `
  export { check } from './check.js'
  export { etcdModel } from './etcd-model.js'
  export { keyValueModel } from './key-value-model.js'
  export { registerModel } from './register-model.js'
  export { UNKNOWN } from './model.js'
  export { watchOracle } from './watch-oracle.js'
`

export interface Planted {
  readonly name: string
  /** The law that shows it. */
  readonly breaks: string
  /** In src/testing/linearizability. */
  readonly file: string
  readonly from: string
  readonly to: string
}

export async function kitWith({ file, from, to }: Omit<Planted, 'name' | 'breaks'>): Promise<Kit> {
  const path = `${source}/${file}`
  const text = await readFile(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`${file} does not hold exactly once: ${from}`)
  const contents = text.replace(from, () => to)
  let loaded = false
  const { outputFiles } = await build({
    stdin: { contents: ENTRY, resolveDir: source },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent',
    plugins: [
      {
        name: 'plant',
        setup: ({ onLoad }) => {
          onLoad({ filter: /\.ts$/ }, (file) => {
            if (file.path !== path) return undefined
            loaded = true
            return { contents, loader: 'ts' }
          })
        },
      },
    ],
  })
  if (!loaded) throw new Error(`${file} is no part of the kit`)
  const code = Buffer.from(outputFiles[0]?.contents ?? new Uint8Array())
  return (await import(`data:text/javascript;base64,${code.toString('base64')}`)) as Kit
}
