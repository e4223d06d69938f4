/**
 * An abstract-level database on a simulated disk: LevelDB's behaviour as far as storage can see it.
 *
 * Always: reads see one moment, that of the call; values are copied on the way in and out, so that nobody can count on
 * sharing memory with the disk. Writes that wait while another one runs become one write (LevelDB's group commit).
 * Always: after a crash nothing here ever calls back.
 */
import { AbstractIterator, AbstractLevel, type AbstractDatabaseOptions } from 'abstract-level'
import type { OrderedMap } from '../../base/ordered-map.js'
import type { Operation, SimMedium, SimWrite } from './sim-medium.js'
import type { SimMount } from './sim-mount.js'

type Records = OrderedMap<Uint8Array>
type Options = AbstractDatabaseOptions<string, Uint8Array>

interface Waiting {
  readonly write: SimWrite
  readonly done: () => void
}

interface EncodedOperation {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  readonly value?: Buffer
}

interface Bounds {
  readonly gt?: Buffer
  readonly gte?: Buffer
  readonly lt?: Buffer
  readonly lte?: Buffer
  readonly reverse: boolean
  readonly limit: number
}

export class SimLevel extends AbstractLevel<string | Uint8Array | Buffer, string, Uint8Array> {
  readonly #medium: SimMedium
  readonly #mount: SimMount
  /** Writes that wait for the one under way. */
  #waiting: Waiting[] = []
  #busy = false
  #idle: (() => void)[] = []

  constructor(medium: SimMedium, mount: SimMount, options: Options) {
    const encodings = { buffer: true }
    super({ encodings, seek: true, permanence: true, implicitSnapshots: true, ...SYNC_READS }, options)
    this.#medium = medium
    this.#mount = mount
  }

  async _open(): Promise<void> {
    await this.#mount.later('open')
    this.#medium.exists = true
  }

  async _close(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.#mount.later('open')
  }

  _get(key: Buffer): Promise<Buffer | undefined> {
    const value = copy(this.#medium.current.get(text(key)))
    return this.#mount.later('read', () => value)
  }

  _getSync(key: Buffer): Buffer | undefined {
    this.#mount.assertAlive()
    return copy(this.#medium.current.get(text(key)))
  }

  _getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    const records = this.#medium.current
    const values = keys.map((key) => copy(records.get(text(key))))
    return this.#mount.later('read', () => values)
  }

  _put(key: Buffer, value: Buffer, options: { sync?: boolean }): Promise<void> {
    return this.#write([[text(key), copy(value)]], options.sync === true)
  }

  _del(key: Buffer, options: { sync?: boolean }): Promise<void> {
    return this.#write([[text(key), undefined]], options.sync === true)
  }

  _batch(operations: readonly EncodedOperation[], options: { sync?: boolean }): Promise<void> {
    const written = operations.map(({ type, key, value }): Operation => [
      text(key),
      type === 'put' ? copy(value) : undefined,
    ])
    return this.#write(written, options.sync === true)
  }

  _clear(bounds: Bounds): Promise<void> {
    const deleted: Operation[] = []
    const cursor = new Cursor(this.#medium.current, bounds)
    while (bounds.limit < 0 || deleted.length < bounds.limit) {
      const pair = cursor.next()
      if (pair === undefined) break
      deleted.push([pair[0], undefined])
    }
    return this.#write(deleted, false)
  }

  _iterator(options: Bounds): SimIterator {
    return new SimIterator(this, this.#mount, new Cursor(this.#medium.current.clone(), options), options)
  }

  #write(operations: readonly Operation[], sync: boolean): Promise<void> {
    return new Promise((resolve) => {
      // Of a process that is gone nothing reaches the disk any more.
      if (!this.#mount.alive) return
      this.#waiting.push({ write: this.#medium.begin(operations, sync), done: resolve })
      if (!this.#busy) this.#writeGroup()
    })
  }

  #writeGroup(): void {
    this.#busy = true
    const group = this.#waiting.splice(0)
    const sync = group.some(({ write }) => write.sync)
    this.#mount.schedule(sync ? 'sync' : 'write', () => {
      for (const { write } of group) this.#medium.complete(write)
      for (const { done } of group) done()
      this.#busy = false
      if (this.#waiting.length > 0) this.#writeGroup()
      else for (const idle of this.#idle.splice(0)) idle()
    })
  }
}

/** Not in the type of the manifest yet. */
const SYNC_READS: object = { getSync: true }

/** Walks the records within bounds, in either direction. Of two bounds on one side the inclusive one counts, as documented. */
class Cursor {
  readonly #records: Records
  readonly #bounds: Bounds
  /** Where to go on: from this key, and whether it is still to be given. Without one: from the very end. */
  #from: string | undefined
  #inclusive: boolean
  #ended = false

  constructor(records: Records, bounds: Bounds) {
    this.#records = records
    this.#bounds = bounds
    const inclusive = bounds.reverse ? bounds.lte : bounds.gte
    const start = inclusive ?? (bounds.reverse ? bounds.lt : bounds.gt)
    this.#inclusive = inclusive !== undefined || start === undefined
    if (start !== undefined) this.#from = text(start)
    else if (!bounds.reverse) this.#from = ''
  }

  next(): readonly [string, Uint8Array] | undefined {
    if (this.#ended) return undefined
    const pair = this.#bounds.reverse
      ? this.#records.previous(this.#from, this.#inclusive)
      : this.#records.next(this.#from as string, this.#inclusive)
    if (pair === undefined || !this.#within(pair[0])) return undefined
    this.#from = pair[0]
    this.#inclusive = false
    return pair
  }

  /** Outside the bounds there is nothing to go on with. */
  seek(key: string): void {
    this.#ended = !this.#within(key)
    this.#from = key
    this.#inclusive = true
  }

  #within(key: string): boolean {
    const { gt, gte, lt, lte } = this.#bounds
    const above = gte !== undefined ? key >= text(gte) : gt === undefined || key > text(gt)
    const below = lte !== undefined ? key <= text(lte) : lt === undefined || key < text(lt)
    return above && below
  }
}

class SimIterator extends AbstractIterator<SimLevel, string, Uint8Array> {
  readonly #mount: SimMount
  readonly #cursor: Cursor

  constructor(database: SimLevel, mount: SimMount, cursor: Cursor, options: object) {
    super(database, options)
    this.#mount = mount
    this.#cursor = cursor
  }

  async _next(): Promise<[Buffer, Buffer] | undefined> {
    const [pair] = await this._nextv(1)
    return pair
  }

  _nextv(size: number): Promise<[Buffer, Buffer][]> {
    const pairs: [Buffer, Buffer][] = []
    while (pairs.length < size) {
      const pair = this.#cursor.next()
      if (pair === undefined) break
      pairs.push([Buffer.from(pair[0], 'latin1'), Buffer.from(pair[1])])
    }
    return this.#mount.later('read', () => pairs)
  }

  _seek(target: Buffer): void {
    this.#cursor.seek(text(target))
  }
}

function text(key: Buffer): string {
  return key.toString('latin1')
}

function copy(value: Uint8Array | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value)
}
