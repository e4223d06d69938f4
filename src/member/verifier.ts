/**
 * Whether the members hold the same state, looked at through the log.
 *
 * The leader proposes a `check` now and then. Whoever applies it notes the digest of its own state right there, at that
 * index; the leader then proposes what it noted itself as a `verify`, and each member that noted another digest for that
 * index raises the alarm CORRUPT for itself. So no member is asked anything, and members that are behind compare when
 * they get there.
 *
 * Always: only two digests of one index are compared. A member that has not noted one, since it was restarted with its
 * state already past that index, compares nothing. A leader whose own state is wrong makes the others raise the alarm:
 * that states differ is certain, who is right is not (docs/OPERATING.md).
 */
import { describeDigest, equalDigest, type Digest } from '../base/checksum.js'
import type { Request } from '../machine/command.js'
import type { Applied } from '../machine/outcome.js'
import type { Index } from '../raft/types.js'
import type { AlarmRaiser } from './alarm-raiser.js'
import type { Observe } from './event.js'

/** Checks that are not verified yet; further ones replace the oldest. */
const NOTED_MAX = 64

export class Verifier {
  readonly #alarms: AlarmRaiser
  readonly #intervalMs: number
  readonly #observe: Observe | undefined
  readonly #noted = new Map<Index, Digest>()
  /** Infinity while this member does not lead. */
  #nextMs = Infinity
  /** What this member, which leads, has noted and not yet proposed. */
  #toVerify: { readonly index: Index; readonly digest: Digest }[] = []

  /** `intervalMs` may be Infinity: then there are the checks that somebody asks for, and no others. */
  constructor(alarms: AlarmRaiser, intervalMs: number, observe?: Observe) {
    this.#alarms = alarms
    this.#intervalMs = intervalMs
    this.#observe = observe
  }

  lead(nowMs: number): void {
    this.#nextMs = nowMs + this.#intervalMs
  }

  follow(): void {
    this.#nextMs = Infinity
    this.#toVerify = []
  }

  nextDeadlineMs(): number {
    return this.#nextMs
  }

  /** Follows what was applied, on every member. */
  applied({ outcome }: Applied, leads: boolean): void {
    if (outcome?.ok !== true) return
    const { response } = outcome
    if (response.type === 'check') this.#note(response.index, response.digest, leads)
    else if (response.type === 'verify') this.#compare(response.index, response.digest)
  }

  /** What the leader is to propose now; each is given once. */
  due(nowMs: number): readonly Request[] {
    const requests: Request[] = this.#toVerify.map((noted) => ({ type: 'verify', ...noted }))
    this.#toVerify = []
    if (nowMs < this.#nextMs) return requests
    this.#nextMs = nowMs + this.#intervalMs
    return [...requests, { type: 'check' }]
  }

  #note(index: Index, digest: Digest, leads: boolean): void {
    this.#noted.set(index, digest)
    const [oldest] = this.#noted.keys()
    if (this.#noted.size > NOTED_MAX && oldest !== undefined) this.#noted.delete(oldest)
    if (leads) this.#toVerify.push({ index, digest })
  }

  #compare(index: Index, digest: Digest): void {
    const own = this.#noted.get(index)
    if (own === undefined) return
    const agrees = equalDigest(own, digest)
    this.#observe?.({ type: 'verified', index, agrees })
    if (agrees) return
    this.#alarms.raise(
      'corrupt',
      `at index ${index} the state here comes to ${describeDigest(own)}, that of the leader to ${describeDigest(digest)}`,
    )
  }
}
