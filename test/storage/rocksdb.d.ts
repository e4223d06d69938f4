/** The package has no types: as much of it as the tests use. */
declare module '@nxtedition/rocksdb' {
  import type { AnyBatch, AnyIterator, AnyLevel } from '../../src/storage/any-level.js'

  export class RocksLevel implements AnyLevel {
    constructor(location: string, options: object)
    readonly supports: object
    open(): Promise<void>
    close(): Promise<void>
    getMany(keys: string[]): Promise<(Uint8Array | undefined)[]>
    _getManySync(keys: Uint8Array[], options: object): (Uint8Array | undefined)[]
    batch(): AnyBatch
    iterator(range: object): AnyIterator
    keys(range: object): AnyIterator
  }
}
