/**
 * The free space on the disk of this member, and the reserve that is to stay: below it the member says so with the alarm
 * NOSPACE, so that nothing is added any more while there still is room to delete, to compact, and to stop in order.
 *
 * Always: whoever disarms the alarm while less is free than the reserve has it raised again. Always: one question at a time;
 * a disk that does not answer this one does not answer writes either, which is noticed there.
 */
import type { Cancel, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Logger } from '../base/logger.js'
import type { Request } from '../machine/command.js'
import { costBytes } from '../machine/cost.js'
import type { Disk, DiskSpace } from '../storage/disk.js'
import type { AlarmRaiser } from './alarm-raiser.js'

/** Of a small disk this part is the reserve at most, unless it was chosen. */
const RESERVE_SHARE = 1 / 4
/**
 * Looks come more often while much is written: each time that the log has grown by this part of the reserve. What goes into
 * the log goes into the state as well, and LevelDB writes it twice and keeps the old until the new is there.
 */
const LOOK_SHARE = 1 / 16
const LOOK_BYTES_MIN = 2 ** 16

export interface FreeSpaceParts {
  readonly disk: Pick<Disk, 'space' | 'location'>
  /** Undefined: the default, by the size of the disk. 0: none. */
  readonly reserveBytes: number | undefined
  readonly alarms: Pick<AlarmRaiser, 'raise'>
  /** Has the loop take a turn. */
  readonly wake: () => void
  readonly timers: Timers
  readonly logger: Logger
}

export class FreeSpace {
  readonly #parts: FreeSpaceParts
  #space: DiskSpace | undefined
  #writtenBytes = 0
  #looking = false
  #timer: Cancel | undefined
  #stopped = false
  #failed = false

  constructor(parts: FreeSpaceParts) {
    this.#parts = parts
  }

  /** As it was last seen; undefined where the disk does not tell. */
  get freeBytes(): number | undefined {
    return this.#space?.freeBytes
  }

  /** Looks now, and again and again. */
  start(): void {
    if (this.#parts.disk.space !== undefined) void this.#look()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.()
  }

  /** So much was written to the log. */
  wrote(bytes: number): void {
    this.#writtenBytes += bytes
    if (this.#space === undefined || this.#looking || this.#stopped) return
    if (this.#writtenBytes >= Math.max(LOOK_BYTES_MIN, LOOK_SHARE * this.#reserveOf(this.#space))) void this.#look()
  }

  /** Throws `NO_SPACE` where `request` adds something and there is too little room: without waiting for the alarm. */
  admit(request: Request): void {
    const why = this.#shortage()
    if (why !== undefined && costBytes(request) > 0) throw new StoreError('NO_SPACE', `${why}. Make room on it.`)
  }

  /** Once in each turn of the loop. */
  turn(): void {
    const why = this.#shortage()
    if (why !== undefined) this.#parts.alarms.raise('no-space', why)
  }

  /** What to say about it, if too little is free. */
  #shortage(): string | undefined {
    if (this.#space === undefined) return undefined
    const { freeBytes } = this.#space
    const reserve = this.#reserveOf(this.#space)
    if (freeBytes >= reserve) return undefined
    const { location } = this.#parts.disk
    return `${freeBytes} bytes are free on the disk of ${location}, less than the reserve of ${reserve} (diskReserveBytes)`
  }

  #reserveOf({ totalBytes }: DiskSpace): number {
    return this.#parts.reserveBytes ?? Math.min(LIMITS.diskReserveBytes, Math.floor(totalBytes * RESERVE_SHARE))
  }

  async #look(): Promise<void> {
    const { disk, timers, logger, wake } = this.#parts
    this.#timer?.()
    this.#looking = true
    this.#writtenBytes = 0
    try {
      const space = await disk.space?.()
      if (this.#stopped) return
      this.#space = space
      this.#failed = false
      if (this.#shortage() !== undefined) wake()
    } catch (error) {
      // What is known stays; a disk that is really gone fails a write.
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#failed && !this.#stopped) logger.warn('the free space of the disk cannot be seen', { reason })
      this.#failed = true
    }
    this.#looking = false
    if (this.#stopped) return
    this.#timer = timers.after(LIMITS.diskSpaceCheckMs, () => void this.#look())
  }
}
