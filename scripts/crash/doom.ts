/**
 * Dies in a chosen moment. From outside a moment of a millisecond can hardly be hit; the process itself knows when it comes.
 * It is SIGKILL all the same: no handler runs, the writes that LevelDB's threads have under way stop where they are.
 */
import type { MemberEvent } from '../../src/index.js'
import type { Aim } from './messages.js'

export class Doom {
  #at: Aim | undefined
  #afterMs = 0
  #compactRevision = 0

  decide(at: Aim, afterMs: number): void {
    this.#at = at
    this.#afterMs = afterMs
  }

  see(event: MemberEvent): void {
    if (event.type === 'state-write-begun') this.reach('state write')
    else if (event.type === 'state-durable') this.reach('log trim')
    else if (event.type === 'write-begun' && event.write.entries.length > 0) this.reach('log append')
    else if (event.type === 'applied') {
      if (event.compactRevision > this.#compactRevision) this.reach('compaction')
      this.#compactRevision = event.compactRevision
    }
  }

  reach(moment: Aim): void {
    if (this.#at !== moment) return
    this.#at = undefined
    if (this.#afterMs === 0) die()
    else setTimeout(die, this.#afterMs)
  }
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
