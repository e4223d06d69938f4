/**
 * The quota of this member, and the reserve of its disk (free-space.ts): what would go over it is refused before it is
 * proposed, and the alarm NOSPACE is raised, so that all members refuse it from then on.
 *
 * Always: what applying does depends on the alarm alone (machine/guard.ts), never on what this member has stored: members
 * differ in that, in how far they have come with removing what was compacted, and in their quotas.
 */
import { StoreError } from '../base/errors.js'
import type { Request } from '../machine/command.js'
import { costBytes } from '../machine/cost.js'
import type { Machine } from '../machine/machine.js'
import type { Entry } from '../raft/types.js'
import type { AlarmRaiser } from './alarm-raiser.js'
import type { FreeSpace } from './free-space.js'

export class Space {
  readonly #machine: Machine
  readonly #alarms: AlarmRaiser
  readonly #disk: FreeSpace
  readonly quotaBytes: number

  /** `quotaBytes` may be Infinity. */
  constructor(machine: Machine, alarms: AlarmRaiser, disk: FreeSpace, quotaBytes: number) {
    this.#machine = machine
    this.#alarms = alarms
    this.#disk = disk
    this.quotaBytes = quotaBytes
  }

  /** Throws `NO_SPACE` unless there is room for `request`. What costs nothing always passes. */
  admit(request: Request): void {
    this.#disk.admit(request)
    const cost = costBytes(request)
    const { bytesInUse } = this.#machine
    if (cost === 0 || bytesInUse + cost < this.quotaBytes) return
    this.#raise(bytesInUse)
    throw new StoreError(
      'NO_SPACE',
      `The request may add ${cost} bytes to the ${bytesInUse} that this member has in use, of ${this.quotaBytes} allowed.`,
    )
  }

  /** These go into the log. */
  wrote(entries: readonly Entry[]): void {
    let bytes = 0
    for (const { data } of entries) bytes += data.byteLength
    this.#disk.wrote(bytes)
  }

  /** Once in each turn of the loop: what other members proposed counts too. */
  turn(): void {
    const { bytesInUse } = this.#machine
    if (bytesInUse >= this.quotaBytes) this.#raise(bytesInUse)
    this.#disk.turn()
  }

  /** While a compaction is being carried out nobody knows yet how much is in use. */
  #raise(bytesInUse: number): void {
    if (this.#machine.store.sweeping) return
    this.#alarms.raise('no-space', `${bytesInUse} bytes are in use, ${this.quotaBytes} are allowed`)
  }
}
