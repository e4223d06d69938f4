/**
 * Files and folders as a process left them, and what of it a power loss may leave.
 *
 *     write, write, fsync, write ─►  durable: the first two;  the third: there, not there, in part, or zeros
 *
 * Of what was not synced, each file keeps any of its writes, whole or torn, in whatever order the medium took them. Of names
 * that were given, taken away and changed a beginning is kept (`ordered`, as file systems with a journal do), or any of them
 * (`loose`). A sync of a file makes its name durable too, as these file systems do; POSIX does not promise it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { below, type Random } from '../../src/base/random.js'

interface Change {
  readonly offset: number
  /** Undefined for a truncation to `offset`. */
  readonly bytes: Buffer | undefined
  /** After how many calls. */
  readonly at: number
}

export class FileNode {
  /** What is surely there. */
  durable: Buffer = Buffer.alloc(0)
  /** What came since, not synced. */
  changes: Change[] = []
}

export class FolderNode {
  readonly entries = new Map<string, ModelNode>()
}

export type ModelNode = FileNode | FolderNode

/** `add` may take the place of something else. */
type NameChange = {
  readonly at: number
  durable: boolean
} & (
  | { readonly type: 'add'; readonly folder: FolderNode; readonly name: string; readonly node: ModelNode }
  | { readonly type: 'remove'; readonly folder: FolderNode; readonly name: string }
  | {
      readonly type: 'move'
      readonly folder: FolderNode
      readonly name: string
      readonly to: FolderNode
      readonly toName: string
      readonly node: ModelNode
    }
)

export type Order = 'ordered' | 'loose'

/** What of the changes of one file that were not synced is kept. */
const FATES = ['nothing', 'everything', 'a beginning', 'a torn beginning', 'any', 'zeros'] as const
type Fate = (typeof FATES)[number]

/** What a medium writes as one. */
const SECTOR_BYTES = 512

export class DiskModel {
  readonly root = new FolderNode()
  readonly #order: Order
  #names: NameChange[] = []

  constructor(order: Order) {
    this.#order = order
  }

  find(path: readonly string[]): ModelNode | undefined {
    let node: ModelNode | undefined = this.root
    for (const name of path) node = node instanceof FolderNode ? node.entries.get(name) : undefined
    return node
  }

  add(path: readonly string[], node: ModelNode, at: number): void {
    const { folder, name } = this.#place(path)
    folder.entries.set(name, node)
    this.#names.push({ type: 'add', folder, name, node, at, durable: false })
  }

  remove(path: readonly string[], at: number): void {
    const { folder, name } = this.#place(path)
    folder.entries.delete(name)
    this.#names.push({ type: 'remove', folder, name, at, durable: false })
  }

  move(from: readonly string[], to: readonly string[], at: number): void {
    const node = this.find(from)
    if (node === undefined) throw new Error(`${from.join('/')} is renamed and not there`)
    const { folder, name } = this.#place(from)
    const { folder: toFolder, name: toName } = this.#place(to)
    folder.entries.delete(name)
    toFolder.entries.set(toName, node)
    this.#names.push({ type: 'move', folder, name, to: toFolder, toName, node, at, durable: false })
  }

  write(file: FileNode, offset: number, bytes: Buffer, at: number): void {
    file.changes.push({ offset, bytes, at })
  }

  truncate(file: FileNode, length: number, at: number): void {
    file.changes.push({ offset: length, bytes: undefined, at })
  }

  /** What was done before call number `begun` is durable. */
  sync(node: ModelNode, begun: number): void {
    if (node instanceof FileNode) {
      const done = node.changes.filter(({ at }) => at < begun)
      node.durable = applied(node.durable, done)
      node.changes = node.changes.filter(({ at }) => at >= begun)
    }
    for (const change of this.#names) {
      if (change.at < begun && (this.#order === 'ordered' || isAbout(change, node))) change.durable = true
    }
  }

  /** As a file is now, for whoever reads it. */
  content(file: FileNode): Buffer {
    return applied(file.durable, file.changes)
  }

  /** Puts what a power loss could leave into `folder`. */
  loseThePower(random: Random, folder: string): void {
    const root = new FolderNode()
    const copies = new Map<ModelNode, ModelNode>([[this.root, root]])
    for (const change of this.#surviving(random)) replay(change, copies)
    const fates = new Map<FileNode, Buffer>()
    write(root, folder, (file) => {
      const kept = fates.get(file) ?? survivor(file, random)
      fates.set(file, kept)
      return kept
    })
  }

  #surviving(random: Random): readonly NameChange[] {
    const open = this.#names.filter(({ durable }) => !durable)
    const kept = below(random, open.length + 1)
    const lost =
      this.#order === 'ordered' ? new Set(open.slice(kept)) : new Set(open.filter(() => below(random, 2) === 0))
    return this.#names.filter((change) => !lost.has(change))
  }

  #place(path: readonly string[]): { folder: FolderNode; name: string } {
    const folder = this.find(path.slice(0, -1))
    if (!(folder instanceof FolderNode)) throw new Error(`${path.join('/')} lies in no folder`)
    return { folder, name: path.at(-1) ?? '' }
  }
}

function isAbout(change: NameChange, node: ModelNode): boolean {
  if (change.folder === node || (change.type === 'move' && change.to === node)) return true
  return change.type !== 'remove' && change.node === node
}

/** Folders are copied as they come up; files stay what they are. */
function replay(change: NameChange, copies: Map<ModelNode, ModelNode>): void {
  const copyOf = (node: ModelNode): ModelNode => {
    if (node instanceof FileNode) return node
    const copy = copies.get(node) ?? new FolderNode()
    copies.set(node, copy)
    return copy
  }
  const folder = copyOf(change.folder) as FolderNode
  if (change.type === 'add') folder.entries.set(change.name, copyOf(change.node))
  else folder.entries.delete(change.name)
  if (change.type === 'move') (copyOf(change.to) as FolderNode).entries.set(change.toName, copyOf(change.node))
}

function write(node: FolderNode, path: string, contentOf: (file: FileNode) => Buffer): void {
  mkdirSync(path, { recursive: true })
  for (const [name, entry] of node.entries) {
    if (entry instanceof FolderNode) write(entry, join(path, name), contentOf)
    else writeFileSync(join(path, name), contentOf(entry))
  }
}

function survivor({ durable, changes }: FileNode, random: Random): Buffer {
  const fate: Fate = FATES[below(random, FATES.length)] ?? 'nothing'
  const beginning = changes.slice(0, below(random, changes.length + 1))
  switch (fate) {
    case 'nothing':
      return durable
    case 'everything':
      return applied(durable, changes)
    case 'a beginning':
      return applied(durable, beginning)
    case 'a torn beginning':
      return applied(durable, torn(beginning, random))
    case 'any':
      return applied(
        durable,
        changes.filter(() => below(random, 2) === 0),
      )
    case 'zeros':
      return applied(
        durable,
        changes.map((change) => (below(random, 2) === 0 ? change : zeros(change))),
      )
  }
}

/** Of the last change a number of sectors is there. */
function torn(changes: readonly Change[], random: Random): Change[] {
  const last = changes.at(-1)
  if (last?.bytes === undefined) return [...changes]
  const end = last.offset + last.bytes.byteLength
  const sectors = Math.floor(end / SECTOR_BYTES) - Math.floor(last.offset / SECTOR_BYTES)
  const cut = (Math.floor(last.offset / SECTOR_BYTES) + below(random, sectors + 1)) * SECTOR_BYTES
  const bytes = last.bytes.subarray(0, Math.max(0, cut - last.offset))
  return [...changes.slice(0, -1), { ...last, bytes }]
}

/** The size is there and the data is not. */
function zeros(change: Change): Change {
  return change.bytes === undefined ? change : { ...change, bytes: Buffer.alloc(change.bytes.byteLength) }
}

function applied(content: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return content
  let size = content.byteLength
  for (const { offset, bytes } of changes)
    size = bytes === undefined ? offset : Math.max(size, offset + bytes.byteLength)
  const most = changes.reduce(
    (max, { offset, bytes }) => Math.max(max, offset + (bytes?.byteLength ?? 0)),
    content.byteLength,
  )
  const result = Buffer.alloc(most)
  content.copy(result)
  for (const { offset, bytes } of changes) {
    if (bytes === undefined) result.fill(0, offset)
    else bytes.copy(result, offset)
  }
  return result.subarray(0, size)
}
