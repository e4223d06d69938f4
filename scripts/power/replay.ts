/** Does on a modelled disk what a process did on a real one, call by call. */
import { sep } from 'node:path'
import { DiskModel, FileNode, FolderNode, type ModelNode, type Order } from './disk-model.js'
import { numbersIn, stringsIn, type Call } from './trace.js'

interface Opened {
  readonly node: ModelNode
  position: number
  readonly appends: boolean
}

export class Replay {
  readonly model: DiskModel
  /** How many calls were done. */
  at = 0
  readonly #root: string
  readonly #opened = new Map<number, Opened>()
  readonly #say: (line: string) => void

  /** `root`: the folder that the model stands for. `say`: told of each line that the process wrote to its standard output. */
  constructor(root: string, order: Order, say: (line: string) => void) {
    this.model = new DiskModel(order)
    this.#root = root
    this.#say = say
  }

  /** Throws for a call that would change a file in a way that is not modelled. */
  do(call: Call): void {
    this.#do(call)
    this.at++
  }

  #do({ name, args, result, begun }: Call): void {
    if (result < 0) return
    const [first = NaN, second = NaN] = numbersIn(args)
    const paths = stringsIn(args).map((bytes) => this.#pathOf(bytes))
    const [path, other] = paths
    switch (name) {
      case 'openat':
      case 'creat':
        return this.#open(path, args, result)
      case 'close':
        this.#opened.delete(first)
        return
      case 'write':
      case 'writev':
        return this.#append(first, Buffer.concat(stringsIn(args)).subarray(0, result))
      case 'pwrite64':
      case 'pwritev':
      case 'pwritev2':
        return this.#write(first, Buffer.concat(stringsIn(args)).subarray(0, result), numbersIn(args).at(-1) ?? NaN)
      case 'copy_file_range':
      case 'sendfile':
        return this.#copy(
          name === 'sendfile' ? second : first,
          name === 'sendfile' ? first : (numbersIn(args)[2] ?? NaN),
        )
      case 'fsync':
      case 'fdatasync': {
        const opened = this.#opened.get(first)
        if (opened !== undefined) this.model.sync(opened.node, begun)
        return
      }
      case 'mkdir':
      case 'mkdirat':
        if (path !== undefined) this.model.add(path, new FolderNode(), this.at)
        return
      case 'unlink':
      case 'unlinkat':
      case 'rmdir':
        if (path !== undefined) this.model.remove(path, this.at)
        return
      case 'rename':
      case 'renameat':
      case 'renameat2':
        if (path !== undefined && other !== undefined) this.model.move(path, other, this.at)
        return
      case 'link':
      case 'linkat': {
        const node = path && this.model.find(path)
        if (node !== undefined && other !== undefined) this.model.add(other, node, this.at)
        return
      }
      case 'ftruncate': {
        const opened = this.#opened.get(first)
        if (opened?.node instanceof FileNode) this.model.truncate(opened.node, second, this.at)
        return
      }
      default:
        // Of files outside, or of no file.
        if (path !== undefined || this.#opened.has(first))
          throw new Error(`${name} is not modelled: ${args.slice(0, 100)}`)
    }
  }

  #open(path: readonly string[] | undefined, args: string, descriptor: number): void {
    this.#opened.delete(descriptor)
    if (path === undefined) return
    let node = this.model.find(path)
    if (node === undefined) {
      if (!args.includes('O_CREAT')) throw new Error(`${path.join('/')} is opened and not there`)
      node = new FileNode()
      this.model.add(path, node, this.at)
    } else if (args.includes('O_TRUNC') && node instanceof FileNode) {
      this.model.truncate(node, 0, this.at)
    }
    this.#opened.set(descriptor, { node, position: 0, appends: args.includes('O_APPEND') })
  }

  #append(descriptor: number, bytes: Buffer): void {
    const opened = this.#opened.get(descriptor)
    if (opened === undefined) {
      if (descriptor === 1) for (const line of bytes.toString().split('\n')) if (line !== '') this.#say(line)
      return
    }
    if (!(opened.node instanceof FileNode)) throw new Error('a folder is written to')
    if (opened.appends) opened.position = this.model.content(opened.node).byteLength
    this.model.write(opened.node, opened.position, bytes, this.at)
    opened.position += bytes.byteLength
  }

  #write(descriptor: number, bytes: Buffer, offset: number): void {
    const node = this.#opened.get(descriptor)?.node
    if (node instanceof FileNode) this.model.write(node, offset, bytes, this.at)
  }

  /** Whole files alone are copied. */
  #copy(from: number, to: number): void {
    const source = this.#opened.get(from)?.node
    const target = this.#opened.get(to)?.node
    if (source instanceof FileNode && target instanceof FileNode)
      this.model.write(target, 0, this.model.content(source), this.at)
  }

  /** Undefined for what lies elsewhere. */
  #pathOf(bytes: Buffer): readonly string[] | undefined {
    const path = bytes.toString()
    return path.startsWith(this.#root + sep)
      ? path
          .slice(this.#root.length + 1)
          .split(sep)
          .filter(Boolean)
      : undefined
  }
}
