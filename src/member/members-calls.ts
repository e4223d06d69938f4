/**
 * The membership as it is asked of any member: what the leader decides is asked of it (calls.ts), until it has answered.
 *
 * Always: what is asked for may be done twice without harm (decide-change.ts): an answer that was lost is asked for again.
 */
import { AssertionError } from '../base/assert.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { Identity } from '../machine/identity.js'
import type { Machine } from '../machine/machine.js'
import { tooLongText } from '../machine/member-book.js'
import type { RawNode } from '../raft/raw-node.js'
import { NOBODY, type NodeId } from '../raft/types.js'
import type { Conditions } from './conditions.js'
import type { CallLimits } from './deadlines.js'
import { needsRecords, type MembersChange, type MembersStatus } from './members-change.js'
import type { PeerVersions } from './peer-versions.js'
import type { CallRequest, CallResponse } from './wire/call-codec.js'

export interface MembersCallsParts {
  readonly memberId: NodeId
  readonly raft: RawNode
  readonly machine: Machine
  readonly versions: PeerVersions
  readonly conditions: Conditions
  readonly confirmRead: (limits: CallLimits) => Promise<void>
  readonly askLeader: (request: CallRequest, identity: Identity, limits: CallLimits) => Promise<CallResponse>
}

export class MembersCalls {
  readonly #parts: MembersCallsParts

  constructor(parts: MembersCallsParts) {
    this.#parts = parts
  }

  /** Resolves once the leader has applied it. */
  async change(change: MembersChange, identity: Identity, limits: CallLimits): Promise<void> {
    checkTexts(change)
    if (change.type === 'promote') await this.#checkLearner(change.id, identity, limits)
    try {
      await this.#ask('members-changed', { type: 'change-members', change }, identity, limits)
    } catch (error) {
      // Who removed this member tells it so, and speaks to it no more.
      const done =
        change.type === 'remove' && change.id === this.#parts.memberId && isStoreError(error, 'MEMBER_REMOVED')
      if (!done) throw error
    }
  }

  /** Resolves with the leader that this member sees then: `to`, or, where none is named, another one than now. */
  async moveLeader(to: NodeId | undefined, identity: Identity, limits: CallLimits): Promise<NodeId> {
    const { raft, confirmRead, conditions } = this.#parts
    do await confirmRead(limits)
    while (raft.leader === NOBODY)
    const request = { type: 'move-leader', from: raft.leader, to: to ?? NOBODY } as const
    const { leader } = await this.#ask('leader-moved', request, identity, limits)
    const { term } = raft
    const seen = (): boolean => raft.leader === leader || (raft.term > term && raft.leader !== NOBODY)
    await conditions.until(seen, limits, 'the next leader was seen')
    return raft.leader
  }

  async status(identity: Identity, limits: CallLimits): Promise<MembersStatus> {
    return (await this.#ask('members-status', { type: 'members-status' }, identity, limits)).status
  }

  /** Only here, where it is asked for the first time: a leader that is asked again finds that it is done. */
  async #checkLearner(id: NodeId, identity: Identity, limits: CallLimits): Promise<void> {
    const { confirmRead, machine, raft } = this.#parts
    await confirmRead(limits)
    machine.authorize(identity, { type: 'member-change' })
    const { voters } = machine.members?.configuration ?? raft.configuration
    if (voters.includes(id)) throw new StoreError('NOT_A_LEARNER', `Member ${id} votes already.`)
  }

  async #ask<Type extends CallResponse['type']>(
    type: Type,
    request: CallRequest,
    identity: Identity,
    limits: CallLimits,
  ): Promise<Extract<CallResponse, { readonly type: Type }>> {
    const { versions, raft, askLeader } = this.#parts
    if (versions.isTooOld(raft.leader)) throw leaderTooOld('changes of members')
    const isNew = request.type === 'change-members' && needsRecords(request.change)
    if (isNew && versions.lacksRecords(raft.leader)) throw leaderTooOld('what members announce')
    const response = await askLeader(request, identity, limits)
    if (response.type === 'refused') {
      const { code, message } = response
      // What the leader gave up may come about all the same.
      throw new StoreError(code, message, { outcome: code === 'TIMEOUT' ? 'unknown' : 'refused' })
    }
    if (response.type !== type) throw new AssertionError(`a ${request.type} was answered with ${response.type}`)
    return response as Extract<CallResponse, { readonly type: Type }>
  }
}

function leaderTooOld(ofWhat: string): StoreError {
  return new StoreError('MEMBERS_TOO_OLD', `The leader runs a version that knows nothing of ${ofWhat}. Upgrade first.`)
}

/** Before it leaves: no member can read what is too long. */
function checkTexts(change: MembersChange): void {
  const name = change.type === 'add-learner' ? tooLongText('name', change.name) : undefined
  const address = 'address' in change ? tooLongText('address', change.address) : undefined
  const urls = change.type === 'announce' ? (change.clientUrls ?? []) : []
  const wrong = name ?? address ?? urls.map((url) => tooLongText('client URL', url)).find((each) => each !== undefined)
  if (wrong !== undefined) throw new StoreError('REQUEST_TOO_LARGE', wrong)
}
