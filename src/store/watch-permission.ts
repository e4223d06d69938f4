/**
 * Whether a watch may be had: asked when it is opened, and again before anything of it is handed out.
 *
 * By the users and roles of this member, which are those of the same place in the log as the events that it hands out. A
 * watch that is refused is looked at again after this member has caught up: the permission may be a new one, or its state was
 * lost and is there again.
 *
 * Always: the range is judged as it was named, before anything is made of its ends (GHSA-xg4h-6gfc-h4m8).
 */
import { isStoreError } from '../base/errors.js'
import type { KeyRange } from '../api/key-value.js'
import { ANONYMOUS, type Identity } from '../machine/identity.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import type { Caller } from './caller.js'

export class WatchPermission {
  /** Settles when it is decided whether the watch may be opened. */
  readonly opened: Promise<void>
  readonly #member: Member
  readonly #caller: Caller
  readonly #range: KeyRange
  #identity: Identity = ANONYMOUS

  constructor(member: Member, caller: Caller, range: KeyRange, limits: () => CallLimits) {
    this.#member = member
    this.#caller = caller
    this.#range = range
    this.opened = this.#open(limits)
    // Whoever asks for the first event hears of it; perhaps nobody ever does.
    this.opened.catch(() => undefined)
  }

  /** Throws what a call would be refused with now; other changes of users and roles since the watch was opened do not count. */
  check(): void {
    try {
      this.#member.authorizeStill(this.#identity, { type: 'watch', ...this.#range })
    } catch (error) {
      throw this.#caller.refusalOf(error)
    }
  }

  async #open(limitsOf: () => CallLimits): Promise<void> {
    const limits = limitsOf()
    await this.#caller.perform(limits, async (identity) => {
      this.#identity = identity
      try {
        this.#authorize()
      } catch (error) {
        if (!isStoreError(error, 'PERMISSION_DENIED') && !isStoreError(error, 'STATE_REPLACED')) throw error
        await this.#member.confirmRead(limits)
        this.#authorize()
      }
    })
  }

  #authorize(): void {
    this.#member.authorize(this.#identity, { type: 'watch', ...this.#range })
  }
}
