/**
 * The port to the state's records, owned by the machine that applies the log.
 *
 * Everything here is synchronous and in memory, or answered from a disk that can be read synchronously; only `apply`
 * may use it. `set` and `delete` are buffered: they reach the disk later, all together, as one atomic batch that also
 * holds the applied index. Reads see what was set before.
 */
export interface Backend {
  get(key: string): Uint8Array | undefined
  set(key: string, record: Uint8Array): void
  delete(key: string): void
}
