/**
 * A member that was added without a name tells the others what it is called, once its state says that they do not know; and
 * so does a first member that listened nowhere, and has an address now.
 *
 * Always: it is told until the state has it. A name that another member has meanwhile is refused: that is logged once, and
 * tried again, since the other one may go.
 */
import { isStoreError, type ErrorCode } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { MemberAddress, Membership } from '../machine/member-book.js'
import type { RawNode } from '../raft/raw-node.js'
import { NOBODY } from '../raft/types.js'

export interface IntroductionParts {
  /** As it was opened. */
  readonly self: MemberAddress
  readonly raft: Pick<RawNode, 'leader'>
  readonly machine: { readonly members: Membership | undefined }
  readonly electionTimeoutMs: number
  readonly logger: Logger
  readonly announce: (deadlineMs: number) => Promise<void>
  readonly wake: () => void
  readonly failed: (error: unknown) => void
}

/** What somebody has to do something about. */
const TOLD: readonly ErrorCode[] = ['MEMBER_EXISTS', 'MEMBERS_TOO_OLD']

/** Election timeouts that one try may take, and that lie between two of them. */
const PATIENCE_ELECTIONS = 3

export class Introduction {
  readonly #parts: IntroductionParts
  readonly #patienceMs: number
  #tryMs = 0
  #trying = false
  #refused: ErrorCode | undefined
  #read: { readonly members: Membership | undefined; readonly isDue: boolean } | undefined

  constructor(parts: IntroductionParts) {
    this.#parts = parts
    this.#patienceMs = PATIENCE_ELECTIONS * parts.electionTimeoutMs
  }

  turn(nowMs: number): void {
    if (!this.#isDue || this.#trying || this.#parts.raft.leader === NOBODY || nowMs < this.#tryMs) return
    this.#tryMs = nowMs + 2 * this.#patienceMs
    this.#trying = true
    void this.#try(nowMs + this.#patienceMs)
  }

  nextDeadlineMs(): number {
    return this.#isDue && !this.#trying && this.#parts.raft.leader !== NOBODY ? this.#tryMs : Infinity
  }

  async #try(deadlineMs: number): Promise<void> {
    try {
      await this.#parts.announce(deadlineMs)
    } catch (error) {
      this.#failed(error)
    }
    this.#trying = false
    this.#parts.wake()
  }

  #failed(error: unknown): void {
    const { logger, self, failed } = this.#parts
    if (!isStoreError(error)) {
      failed(error)
      return
    }
    const { code, message } = error
    if (!TOLD.includes(code) || code === this.#refused) return
    this.#refused = code
    logger.warn('the cluster does not take the name of this member; it is told again', {
      name: self.name,
      reason: message,
    })
  }

  /** Looked up once for each state of the members. */
  get #isDue(): boolean {
    const { machine, self } = this.#parts
    const { members } = machine
    if (this.#read?.members !== members || this.#read === undefined) {
      const known = members?.book.find(({ id }) => id === self.id)
      const isDue = known !== undefined && (known.name === '' || (known.address === '' && self.address !== ''))
      this.#read = { members, isDue }
    }
    return this.#read.isDue
  }
}
