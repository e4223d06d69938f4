/**
 * The build: ES modules only, one file per entry point of package.json "exports" and "bin", shared code in chunks.
 *
 * Always: `splitting` is on. Without it each entry point gets its own copy of every class it shares with another, and
 * `instanceof` and module identity break between `quorate` and `quorate/raft`.
 * Dependencies stay external: tsup leaves out whatever package.json lists under "dependencies".
 */
import { defineConfig } from 'tsup'
import packageJson from './package.json' with { type: 'json' }

/** './dist/raft/index.js' in "exports" is built from 'src/raft/index.ts', a program in "bin" likewise. */
function entryPoints(): Record<string, string> {
  const modules = Object.values(packageJson.exports).flatMap((target) => {
    return typeof target === 'string' ? [] : [target.default]
  })
  const entries: Record<string, string> = {}
  for (const target of [...modules, ...Object.values(packageJson.bin)]) {
    const name = target.replace(/^\.\/dist\//, '').replace(/\.js$/, '')
    entries[name] = `src/${name}.ts`
  }
  return entries
}

export default defineConfig({
  entry: entryPoints(),
  format: 'esm',
  target: 'es2022',
  platform: 'node',
  splitting: true,
  removeNodeProtocol: false,
  sourcemap: true,
  dts: true,
  clean: true,
})
