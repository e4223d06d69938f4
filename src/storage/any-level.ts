/** What storage uses of an abstract-level database, of version 1, 2 or 3. */
export interface AnyLevel {
  readonly supports: object
  open(): Promise<void>
  close(): Promise<void>
  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]>
  batch(): AnyBatch
  iterator(range: object): AnyIterator
  keys(range: object): AnyIterator
}

export interface AnyBatch {
  put(key: string, value: Uint8Array): unknown
  del(key: string): unknown
  write(options: object): Promise<void>
  close(): Promise<void>
}

export interface AnyIterator {
  nextv(size: number): Promise<unknown[]>
  all(): Promise<unknown[]>
  close(): Promise<void>
}
