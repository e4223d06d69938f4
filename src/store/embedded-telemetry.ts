/** What a member measures, for whoever may ask for its status. */
import type { Gauges, Listen, Telemetry } from '../api/telemetry.js'
import { kind } from '../api/check-fields.js'
import type { Member } from '../member/member.js'
import type { Caller } from './caller.js'

export class EmbeddedTelemetry implements Telemetry {
  readonly #member: Member
  readonly #caller: Caller

  constructor(member: Member, caller: Caller) {
    this.#member = member
    this.#caller = caller
  }

  listen(listener: Listen): () => void {
    if (typeof listener !== 'function') throw new TypeError(`a listener must be a function, not ${kind(listener)}`)
    this.#authorize()
    const stop = this.#member.measure(listener)
    if (this.#caller.isOwner) return stop
    const stopWaiting = this.#caller.closing.onEnd(undefined, stop)
    return () => {
      stopWaiting()
      stop()
    }
  }

  gauges(): Gauges {
    this.#authorize()
    return this.#member.gauges
  }

  #authorize(): void {
    if (!this.#caller.isOwner) this.#member.authorize(this.#caller.known, { type: 'status' })
  }
}
