/** What runs at a place of the world: a member's store, or a program of a user's own around one. */
import type { Environment } from '../../base/clock.js'
import type { Disk } from '../../storage/disk.js'
import type { Transport } from '../../transport/transport.js'

/** Everything a program may touch. What it gets from elsewhere (real time, files, sockets) is not simulated. */
export interface ProgramPorts {
  readonly name: string
  /** Names and addresses of all places of the world, this one included. */
  readonly cluster: Readonly<Record<string, string>>
  readonly environment: Environment
  /** The disk of the place; this process has it mounted. */
  readonly disk: Disk
  /** Not yet started. One process has one. */
  readonly transport: Transport
  /**
   * What is to be done when the process is asked to end (SIGTERM). It is gone when everything given has resolved; without
   * anything, at once.
   */
  readonly onStop: (close: () => Promise<void> | void) => void
}

/** Starts in a new process. What it throws, or rejects with, is an error that nobody caught. */
export type Program = (ports: ProgramPorts) => void | Promise<void>

/** Nobody caught what was thrown or rejected at a place. A real process would have died of it. */
export class UncaughtError extends Error {
  override readonly name = 'UncaughtError'
  readonly place: string

  constructor(place: string, cause: unknown) {
    super(`nobody caught an error at ${place}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.place = place
  }
}
