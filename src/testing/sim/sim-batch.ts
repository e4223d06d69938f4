/**
 * A batch on a simulated database, filled one by one and written at once. In place of abstract-level's own, which copies and
 * encodes each operation twice and goes through eight promises: of a simulated write that is more than all the rest.
 *
 * Always: values are copied when they are put in, as LevelDB does.
 */
import { AbstractChainedBatch, type AbstractLevel } from 'abstract-level'
import { levelError } from './level-error.js'
import type { Operation } from './sim-medium.js'

type AnyLevel = AbstractLevel<string | Uint8Array | Buffer, string, Uint8Array>
export type WriteOperations = (operations: readonly Operation[], sync: boolean) => Promise<void>

export class SimBatch extends AbstractChainedBatch<AnyLevel, string, Uint8Array> {
  readonly #write: WriteOperations
  /** Undefined once it was written or closed. */
  #operations: Operation[] | undefined = []

  constructor(database: AnyLevel, write: WriteOperations) {
    super(database)
    this.#write = write
  }

  override get length(): number {
    return this.#operations?.length ?? 0
  }

  override put(key: string, value: Uint8Array): this {
    this.#open().push([key, Buffer.from(value)])
    return this
  }

  override del(key: string): this {
    this.#open().push([key, undefined])
    return this
  }

  override clear(): this {
    this.#open().length = 0
    return this
  }

  /** The database waits for its writes by itself when it is closed. */
  override write({ sync }: { sync?: boolean } = {}): Promise<void> {
    const operations = this.#open()
    this.#operations = undefined
    this.db.detachResource(this)
    return operations.length === 0 ? Promise.resolve() : this.#write(operations, sync === true)
  }

  override close(): Promise<void> {
    this.#operations = undefined
    return super.close()
  }

  #open(): Operation[] {
    if (this.#operations === undefined) throw levelError('LEVEL_BATCH_NOT_OPEN', 'The batch was written or closed')
    if (this.db.status !== 'open') throw levelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
    return this.#operations
  }
}
