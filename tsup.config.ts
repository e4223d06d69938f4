/**
 * The build: ES modules only, one file per entry point of package.json "exports", shared code in chunks.
 *
 * Always: `splitting` is on. Without it each entry point gets its own copy of every class it shares with another, and
 * `instanceof` and module identity break between `quorate` and `quorate/raft`.
 * Dependencies stay external: tsup leaves out whatever package.json lists under "dependencies".
 */
import { defineConfig } from 'tsup'
import packageJson from './package.json' with { type: 'json' }

/** './dist/raft/index.js' in "exports" is built from 'src/raft/index.ts'. */
function entryPoints(): Record<string, string> {
  const entries: Record<string, string> = {}
  for (const target of Object.values(packageJson.exports)) {
    if (typeof target === 'string') continue
    const name = target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, '')
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
