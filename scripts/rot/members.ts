/** Members in this process, on real directories: how they are opened here, while they are prepared and in every trial. */
import { join } from 'node:path'
import type { Logger } from '../../src/base/logger.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import { open, type OpenOptions, type Store } from '../../src/index.js'

export type Name = 'a' | 'b' | 'c'

const NAMES: readonly Name[] = ['a', 'b', 'c']

/** Small, so that a directory holds some state writes, trims and tables, and stays below 1 MB. */
const LIMITS = { stateBufferBytesMax: 24 * 1024, logRetainBytes: 192 * 1024 } as const

/** So short that an election does not take most of a trial. */
const TIMES = { electionTimeoutMs: 60, heartbeatIntervalMs: 10 } as const

export function namesOf(members: number): readonly Name[] {
  return NAMES.slice(0, members)
}

/** A cluster whose members are opened one by one. */
export class Cluster {
  readonly names: readonly Name[]
  readonly #network = new MemoryNetwork()
  readonly #folder: string

  /** The directories are in `folder`, by name. */
  constructor(members: number, folder: string) {
    this.names = namesOf(members)
    this.#folder = folder
  }

  directory(name: Name): string {
    return join(this.#folder, name)
  }

  open(name: Name, options: Pick<OpenOptions, 'observe'> & { readonly logger?: Logger } = {}): Promise<Store> {
    const cluster = Object.fromEntries(this.names.map((each) => [each, each]))
    return open({
      ...{ ...LIMITS, ...TIMES, ...options, name, cluster },
      dataDir: this.directory(name),
      transport: ({ timers }) => this.#network.transport(name, timers),
    })
  }
}
