/**
 * An abstract-level database on a simulated disk: LevelDB's behaviour as far as storage can see it.
 *
 * Always: reads see one moment, that of the call; values are copied on the way in and out, so that nobody can count on
 * sharing memory with the disk. Writes that wait while another one runs become one write (LevelDB's group commit).
 * Always: after a failed sync every write fails until the database is opened anew, as LevelDB has it. After any other
 * failed write it goes on, and that is worse: half a record lies in the log.
 * Always: after a crash nothing here ever calls back.
 */
import { AbstractIterator, AbstractLevel } from 'abstract-level'
import { FAILING, NO_SPACE, ioError, levelError } from './level-error.js'
import { SimBatch } from './sim-batch.js'
import { type Bounds, SimCursor } from './sim-cursor.js'
import { type Operation, type SimMedium, readable } from './sim-medium.js'
import type { SimMount } from './sim-mount.js'

interface Waiting {
  readonly sync: boolean
  readonly done: () => void
  readonly failed: (error: Error) => void
}

interface EncodedOperation {
  readonly type: 'put' | 'del'
  readonly key: string
  readonly value?: Uint8Array
}

/** Keys are strings of one character per byte as they are: the order of strings is that of bytes. */
const KEYS = {
  name: 'latin1',
  format: 'utf8',
  encode: (key: string): string => key,
  decode: (key: string): string => key,
} as const

/** Not in the type of the manifest yet. */
const SYNC_READS: object = { getSync: true }

export class SimLevel extends AbstractLevel<string | Uint8Array | Buffer, string, Uint8Array> {
  readonly #medium: SimMedium
  readonly #mount: SimMount
  /** Writes that wait for the one under way. */
  #waiting: Waiting[] = []
  #busy = false
  #idle: (() => void)[] = []
  /** After a failed sync: what every write ends with. */
  #poison: Error | undefined

  constructor(medium: SimMedium, mount: SimMount) {
    const encodings = { utf8: true, view: true }
    super(
      { encodings, seek: true, permanence: true, implicitSnapshots: true, ...SYNC_READS },
      { keyEncoding: KEYS, valueEncoding: 'view' },
    )
    this.#medium = medium
    this.#mount = mount
  }

  /** The log is read back and becomes tables: that takes space. */
  _open(): Promise<void> {
    const medium = this.#medium
    return this.#mount.later(medium.fate, 'open', () => {
      if (this.#mount.condition.fails('open')) throw ioError(medium.fate.part, FAILING)
      if (this.#mount.condition.full) throw ioError(medium.fate.part, NO_SPACE)
      if (medium.unopenable !== undefined) throw levelError('LEVEL_CORRUPTION', medium.unopenable)
      medium.exists = true
      medium.recover()
    })
  }

  async _close(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await this.#mount.later(this.#medium.fate, 'open')
  }

  _get(key: string): Promise<Uint8Array | undefined> {
    const value = this.#medium.current.get(key)
    return this.#read(() => copy(readable(value)))
  }

  _getSync(key: string): Uint8Array | undefined {
    this.#mount.assertAlive()
    this.#checkRead()
    return copy(readable(this.#medium.current.get(key)))
  }

  _getMany(keys: string[]): Promise<(Uint8Array | undefined)[]> {
    const records = this.#medium.current
    const values = keys.map((key) => records.get(key))
    return this.#read(() => values.map((value) => copy(readable(value))))
  }

  _put(key: string, value: Uint8Array, options: { sync?: boolean }): Promise<void> {
    return this.#write([[key, copy(value)]], options.sync === true)
  }

  _del(key: string, options: { sync?: boolean }): Promise<void> {
    return this.#write([[key, undefined]], options.sync === true)
  }

  _batch(operations: readonly EncodedOperation[], options: { sync?: boolean }): Promise<void> {
    const written = operations.map(({ type, key, value }): Operation => [key, type === 'put' ? copy(value) : undefined])
    return this.#write(written, options.sync === true)
  }

  _chainedBatch(): SimBatch {
    return new SimBatch(this, (operations, sync) => this.#write(operations, sync))
  }

  _clear(bounds: Bounds): Promise<void> {
    const deleted: Operation[] = []
    const cursor = new SimCursor(this.#medium.current, bounds)
    while (bounds.limit < 0 || deleted.length < bounds.limit) {
      const pair = cursor.next()
      if (pair === undefined) break
      deleted.push([pair[0], undefined])
    }
    return this.#write(deleted, false)
  }

  _iterator(options: Bounds): SimIterator {
    const cursor = new SimCursor(this.#medium.snapshot(), options)
    return new SimIterator(this, cursor, (read) => this.#read(read), options)
  }

  /** Beside reads and writes; of everything, whatever range is given. */
  compactRange(_start: string, _end: string): Promise<void> {
    const medium = this.#medium
    return this.#mount.later(medium.fate, 'sync', () => {
      const { condition } = this.#mount
      if (this.#poison !== undefined) throw this.#poison
      if (condition.full || condition.fails('write')) {
        throw ioError(medium.fate.part, condition.full ? NO_SPACE : FAILING)
      }
      medium.compact()
    })
  }

  #read<T>(read: () => T): Promise<T> {
    return this.#mount.later(this.#medium.fate, 'read', () => {
      this.#checkRead()
      return read()
    })
  }

  #checkRead(): void {
    if (!this.#mount.condition.fails('read')) return
    this.#medium.tell('read-failed', FAILING)
    throw ioError(this.#medium.fate.part, FAILING)
  }

  #write(operations: readonly Operation[], sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      // Of a process that is gone nothing reaches the disk any more.
      if (!this.#mount.alive) return
      this.#medium.begin(operations, sync)
      this.#waiting.push({ sync, done: resolve, failed: reject })
      if (!this.#busy) this.#writeGroup()
    })
  }

  #writeGroup(): void {
    this.#busy = true
    const group = this.#waiting
    this.#waiting = []
    const sync = group.some((write) => write.sync)
    let failure: Error | undefined
    this.#medium.startWriting()
    this.#mount.schedule(
      this.#medium.fate,
      sync ? 'sync' : 'write',
      () => (failure = this.#reachDisk(group.length, sync)),
      () => {
        for (const { done, failed } of group) {
          if (failure === undefined) done()
          else failed(failure)
        }
        this.#busy = false
        if (this.#waiting.length > 0) this.#writeGroup()
        else for (const idle of this.#idle.splice(0)) idle()
      },
    )
  }

  /** What becomes of a group of writes; the error to reject them with. */
  #reachDisk(count: number, sync: boolean): Error | undefined {
    const { condition } = this.#mount
    const medium = this.#medium
    if (this.#poison !== undefined) {
      medium.forget(count)
      return this.#poison
    }
    if (condition.full || condition.fails('write')) {
      medium.failWrite(count)
      return ioError(medium.fate.part, condition.full ? NO_SPACE : FAILING)
    }
    if (sync && condition.fails('sync')) {
      medium.failSync(count)
      return (this.#poison = ioError(medium.fate.part, FAILING))
    }
    medium.complete(count, sync)
    return undefined
  }
}

class SimIterator extends AbstractIterator<SimLevel, string, Uint8Array> {
  readonly #cursor: SimCursor
  readonly #read: <T>(read: () => T) => Promise<T>

  constructor(database: SimLevel, cursor: SimCursor, read: <T>(read: () => T) => Promise<T>, options: object) {
    super(database, options)
    this.#cursor = cursor
    this.#read = read
  }

  async _next(): Promise<[string, Uint8Array] | undefined> {
    const [pair] = await this._nextv(1)
    return pair
  }

  _nextv(size: number): Promise<[string, Uint8Array][]> {
    return this.#read(() => {
      const pairs: [string, Uint8Array][] = []
      while (pairs.length < size) {
        const pair = this.#cursor.next()
        if (pair === undefined) break
        pairs.push([pair[0], copy(readable(pair[1])) as Uint8Array])
      }
      return pairs
    })
  }

  _seek(target: string): void {
    this.#cursor.seek(target)
  }
}

function copy(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : Buffer.from(value)
}
