/**
 * Which proposals were applied: what makes each of them apply at most once.
 *
 * A member that does not hear of its proposal proposes it again, with the same number, and perhaps through another leader;
 * both copies may then stand in the log. For each member the latest incarnation is known, and for that the highest
 * sequence together with a window of the sequences behind it:
 *
 *     ......xxxxx.xx.x        x: applied, .: not
 *     ^ expired  ^ window  ^ highest
 *
 * In the window it is known of every sequence whether it was applied. What lies below it, or belongs to an older
 * incarnation, may have been applied or not; it is refused, never applied again. A member keeps fewer proposals waiting
 * than the window is wide, so its own are refused only where they were delayed beyond all reason.
 *
 * Part of the replicated state: the same on every member, in its records and in its digest.
 */
import { addDigest, EMPTY_DIGEST, hash64, type Digest } from '../base/checksum.js'
import { decodeStored, Writer, type Reader } from '../base/codec.js'
import { LIMITS } from '../base/limits.js'
import type { ProposalId } from './command.js'

export type Verdict = 'new' | 'duplicate' | 'expired'

const WINDOW = LIMITS.pendingProposalsMax
const WORDS = WINDOW / 32
/** Member, incarnation, highest, and the bits. */
export const ORIGIN_RECORD_BYTES = 8 * 3 + WORDS * 4

interface Window {
  incarnation: number
  highest: number
  /** Bit `sequence % WINDOW`: applied, for the sequences above `highest - WINDOW`; 0 for all others. */
  applied: Uint32Array
  /** As last encoded; undefined since it changed. */
  record: Uint8Array | undefined
}

export class Origins {
  readonly #windows = new Map<number, Window>()
  readonly #dirty = new Set<number>()

  /** Decides on a proposal, and remembers it where it is new. */
  admit(proposal: ProposalId): Verdict {
    const window = this.#windowOf(proposal)
    const { sequence } = proposal
    if (proposal.incarnation < window.incarnation || sequence <= window.highest - WINDOW) return 'expired'
    if (sequence <= window.highest) {
      if (isSet(window.applied, sequence)) return 'duplicate'
    } else {
      forget(window.applied, window.highest, sequence)
      window.highest = sequence
    }
    set(window.applied, sequence)
    if (window.record !== undefined) {
      window.record = undefined
      this.#dirty.add(proposal.member)
    }
    return 'new'
  }

  /** Whether {@link admit} would find that it was applied, or cannot be told from that any more. */
  hasSettled({ member, incarnation, sequence }: ProposalId): boolean {
    const window = this.#windows.get(member)
    if (window === undefined || incarnation > window.incarnation || sequence > window.highest) return false
    if (incarnation < window.incarnation || sequence <= window.highest - WINDOW) return true
    return isSet(window.applied, sequence)
  }

  /** The latest incarnation of which a proposal of `member` was applied; 0 where none was. */
  incarnationOf(member: number): number {
    return this.#windows.get(member)?.incarnation ?? 0
  }

  /** Members with a window. */
  get size(): number {
    return this.#windows.size
  }

  /** The sum over all windows. */
  get digest(): Digest {
    let sum = EMPTY_DIGEST
    for (const member of this.#windows.keys()) sum = addDigest(sum, hash64(this.#recordOf(member)))
    return sum
  }

  /** The members whose record changed since this was last called, in their order, with their records. */
  takeDirty(): readonly { readonly member: number; readonly record: Uint8Array }[] {
    const members = [...this.#dirty].sort((a, b) => a - b)
    this.#dirty.clear()
    return members.map((member) => ({ member, record: this.#recordOf(member) }))
  }

  /** Takes up a record written before. Throws `DATA_DAMAGED`. Gives the member. */
  load(record: Uint8Array): number {
    const { member, window } = decodeStored(record, 'the record of the proposals of a member', decode)
    this.#windows.set(member, { ...window, record })
    return member
  }

  /** Forgets the window of one that is never to be admitted again; whether there was one. */
  drop(member: number): boolean {
    this.#dirty.delete(member)
    return this.#windows.delete(member)
  }

  /** Forgets all windows; gives their members, in their order. */
  clear(): readonly number[] {
    const members = [...this.#windows.keys()].sort((a, b) => a - b)
    this.#windows.clear()
    this.#dirty.clear()
    return members
  }

  #windowOf(proposal: ProposalId): Window {
    const { member, incarnation } = proposal
    const found = this.#windows.get(member)
    if (found !== undefined && found.incarnation >= incarnation) return found
    const created: Window = { incarnation, highest: 0, applied: new Uint32Array(WORDS), record: undefined }
    this.#windows.set(member, created)
    this.#dirty.add(member)
    return created
  }

  #recordOf(member: number): Uint8Array {
    const window = this.#windows.get(member) as Window
    return (window.record ??= encode(member, window))
  }
}

function encode(member: number, window: Window): Uint8Array {
  const writer = new Writer(ORIGIN_RECORD_BYTES).uint53(member).uint53(window.incarnation).uint53(window.highest)
  return writer.uint32s(window.applied).finish()
}

function decode(reader: Reader): { readonly member: number; readonly window: Omit<Window, 'record'> } {
  const member = reader.uint53()
  const incarnation = reader.uint53()
  const highest = reader.uint53()
  const applied = new Uint32Array(WORDS)
  for (let word = 0; word < WORDS; word++) applied[word] = reader.uint32()
  return { member, window: { incarnation, highest, applied } }
}

/** Clears the bits that the sequences from above `highest` to before `sequence` have from the round before. */
function forget(applied: Uint32Array, highest: number, sequence: number): void {
  if (sequence - highest >= WINDOW) {
    applied.fill(0)
    return
  }
  for (let skipped = highest + 1; skipped <= sequence; skipped++) clear(applied, skipped)
}

function isSet(applied: Uint32Array, sequence: number): boolean {
  const bit = sequence % WINDOW
  return (((applied[bit >>> 5] as number) >>> (bit & 31)) & 1) === 1
}

function set(applied: Uint32Array, sequence: number): void {
  const bit = sequence % WINDOW
  applied[bit >>> 5] = (applied[bit >>> 5] as number) | (1 << (bit & 31))
}

function clear(applied: Uint32Array, sequence: number): void {
  const bit = sequence % WINDOW
  applied[bit >>> 5] = (applied[bit >>> 5] as number) & ~(1 << (bit & 31))
}
