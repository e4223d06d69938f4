/** What every part of the benchmark works on: a million keys of 32 bytes with values of 256, and the commands that put them. */
import { encodeCommand } from '../../src/machine/command-codec.js'
import { Machine } from '../../src/machine/machine.js'
import { LIMITS } from '../../src/base/limits.js'
import type { Request } from '../../src/machine/command.js'
import { ANONYMOUS } from '../../src/machine/identity.js'
import type { Backend } from '../../src/mvcc/backend.js'
import { NO_LEASE } from '../../src/mvcc/types.js'

export const KEYS = 1_000_000
export const KEY_BYTES = 32
export const VALUE = new Uint8Array(256).fill(7)

const PREFIX = 'registry/services/'

export function keyAt(at: number): string {
  return PREFIX + String(at).padStart(KEY_BYTES - PREFIX.length, '0')
}

/** A permutation of the first {@link KEYS} numbers: no key follows its neighbour, as a benchmark in key order would have it. */
export function shuffled(at: number): number {
  return (at * 618_033) % KEYS
}

/** Keeps no record, so that only the index is measured. */
export const FORGETFUL: Backend = { get: () => undefined, set: () => undefined, delete: () => undefined }

/** The records of a state in a Map. */
export class MapBackend implements Backend {
  readonly #records = new Map<string, Uint8Array>()

  get(key: string): Uint8Array | undefined {
    return this.#records.get(key)
  }

  set(key: string, record: Uint8Array): void {
    this.#records.set(key, record)
  }

  delete(key: string): void {
    this.#records.delete(key)
  }
}

/** A machine that is fed the commands of one member, encoded as they stand in the log. */
export class Applier {
  readonly machine: Machine
  #index = 0
  #sequence = 0

  constructor(backend: Backend, valueCacheBytesMax: number = LIMITS.valueCacheBytesMax) {
    this.machine = new Machine({ backend, valueCacheBytesMax })
    this.machine.finishLoading()
  }

  /** The commands that put `count` keys, the first being the `from`th of `keyOf`. */
  puts(from: number, count: number, keyOf: (at: number) => number): readonly Uint8Array[] {
    return Array.from({ length: count }, (_, at) => {
      return this.#encode({ type: 'put', key: keyAt(keyOf(from + at)), value: VALUE, lease: NO_LEASE })
    })
  }

  compactAll(): void {
    this.apply([this.#encode({ type: 'compact', revision: this.machine.revision })])
  }

  apply(commands: readonly Uint8Array[]): void {
    for (const command of commands) {
      const { outcome } = this.machine.apply(++this.#index, 1, command)
      if (outcome?.ok !== true) throw new Error('a command was refused')
    }
  }

  #encode(request: Request): Uint8Array {
    const proposal = { member: 1, incarnation: 1, sequence: ++this.#sequence }
    return encodeCommand({ proposal, identity: ANONYMOUS, request })
  }
}
