/**
 * Packs what would be published and checks it as a user's tools will see it: publint for the manifest, attw for the types
 * of every entry point, and the program as npx runs it in a project that installed the package. Expects a fresh build in dist.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const directory = mkdtempSync(join(tmpdir(), 'quorate-pack-'))
try {
  run('npm', 'pack', '--ignore-scripts', '--pack-destination', directory)
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${directory}`)
  run('npx', '--no-install', 'publint', 'run', join(directory, tarball), '--strict')
  run('npx', '--no-install', 'attw', join(directory, tarball), '--profile', 'esm-only')
  writeFileSync(join(directory, 'package.json'), '{ "name": "project", "private": true }')
  run('npm', 'install', '--prefix', directory, '--prefer-offline', '--no-audit', '--no-fund', join(directory, tarball))
  run('npx', '--no-install', '--prefix', directory, 'quorate', '--version')
} catch (error) {
  // The tool has said what is wrong; a stack trace of ours would only bury it.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'inherit' })
}
