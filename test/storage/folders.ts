/** Data directories, as bytes and from behind storage's back. */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { DATABASE_OPTIONS } from '../../src/storage/database-options.js'
import type { DatabaseName } from '../../src/storage/disk.js'

/** Every file below `folder` with its mode and the hash of its content. */
export function fingerprint(folder: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    const content = file.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder'
    files[path.slice(folder.length)] = `${(statSync(path).mode & 0o777).toString(8)} ${content}`
  }
  return files
}

export function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true })
}

export function flipBit(path: string, offset: number, bit = offset % 8): void {
  const content = readFileSync(path)
  content[offset] = (content[offset] as number) ^ (1 << bit)
  writeFileSync(path, content)
}

/** The database itself, without anything of ours between. */
export async function withDatabase<T>(
  folder: string,
  name: DatabaseName,
  use: (database: ClassicLevel<string, Uint8Array>) => Promise<T>,
): Promise<T> {
  const database = new ClassicLevel<string, Uint8Array>(join(folder, name), DATABASE_OPTIONS)
  await database.open()
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}
