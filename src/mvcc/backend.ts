/**
 * The port to the state's records, owned by the machine that applies the log.
 *
 * Everything here is synchronous and in memory, or answered from a disk that can be read synchronously; only `apply`
 * may use it. `set` and `delete` are buffered: they reach the disk later, all together, as one atomic batch that also
 * holds the applied index. Reads see what was set before.
 *
 * Always: what comes back is what was set, byte for byte, or an error: records carry no checksum of their own. Quorate's
 * storage seals each one on its way to disk (storage/sealed-record.ts); who uses `quorate/mvcc` alone, over a disk that
 * may flip a bit, seals them in the backend.
 */
export interface Backend {
  /** Exactly the bytes last set under `key`; undefined where there are none. Throws `DATA_DAMAGED` where they are not intact. */
  get(key: string): Uint8Array | undefined
  /** The record is the backend's from here on: nobody changes it. */
  set(key: string, record: Uint8Array): void
  delete(key: string): void
}
