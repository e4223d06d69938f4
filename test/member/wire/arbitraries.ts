/** What members say to each other, drawn at random within what the types and the core allow. */
import fc from 'fast-check'
import { ERRORS, type ErrorCode } from '../../../src/base/errors.js'
import { LIMITS } from '../../../src/base/limits.js'
import { ANONYMOUS, MEMBER } from '../../../src/machine/identity.js'
import type { MemberRecord } from '../../../src/machine/member-book.js'
import type { MemberProgress, MembersChange } from '../../../src/member/members-change.js'
import type { BookFrame } from '../../../src/member/wire/book-codec.js'
import type { Call, Reply } from '../../../src/member/wire/call-codec.js'
import type { TransferFrame } from '../../../src/member/wire/transfer-codec.js'
import type { Message } from '../../../src/raft/message.js'
import type { Entry, EntryKind } from '../../../src/raft/types.js'

export const FROM = 3
export const TO = 5

const number = fc.oneof(fc.nat({ max: 1000 }), fc.maxSafeNat())
/** A term or an index. */
const position = fc.oneof(
  fc.nat({ max: 1000 }),
  fc.maxSafeNat().map((each) => each % (2 ** 48 + 1)),
  fc.constant(2 ** 48),
)
const data = fc.uint8Array({ maxLength: 40 })
const kind = fc.constantFrom<EntryKind>('normal', 'noop', 'configuration')

const reply = (type: 'pre-vote-reply' | 'vote-reply') => fc.record({ type: fc.constant(type), granted: fc.boolean() })
const candidacy = (type: 'pre-vote' | 'vote') =>
  fc.record({ type: fc.constant(type), lastIndex: position, lastTerm: position })

const bodies = fc.oneof(
  candidacy('pre-vote'),
  candidacy('vote'),
  candidacy('vote').map((vote) => ({ ...vote, forced: true as const })),
  fc.record({ type: fc.constant('timeout-now' as const) }),
  reply('pre-vote-reply'),
  reply('vote-reply'),
  fc.record({ type: fc.constant('append-accepted' as const), matchIndex: position }),
  fc.record({
    type: fc.constant('append-rejected' as const),
    previousIndex: position,
    hintIndex: position,
    hintTerm: position,
  }),
  fc.record({ type: fc.constant('heartbeat' as const), commit: position, round: number }),
  fc.record({ type: fc.constant('heartbeat-reply' as const), round: number }),
  fc.record({ type: fc.constant('read-index' as const), requestId: number }),
  fc.record({ type: fc.constant('recovered' as const), recoveryId: number, index: position }),
  fc.record({ type: fc.constant('read-index-reply' as const), requestId: number, index: position }),
)

/** Terms rise from the previous entry's to the message's at most. */
const append = fc
  .record({
    previousIndex: fc.nat({ max: 1_000_000 }),
    previousTerm: fc.nat({ max: 50 }),
    steps: fc.array(fc.record({ rise: fc.nat({ max: 3 }), kind, data }), { maxLength: 6 }),
    beyond: fc.nat({ max: 5 }),
    commit: position,
  })
  .map(({ previousIndex, previousTerm, steps, beyond, commit }) => {
    let term = previousTerm
    const entries = steps.map(({ rise, kind: each, data: bytes }, at): Entry => {
      term += rise
      return { index: previousIndex + 1 + at, term, kind: each, data: bytes }
    })
    return { type: 'append' as const, term: term + beyond, previousIndex, previousTerm, commit, entries }
  })

/** Answers of a member that lost its promises, wrapped; what is inside has the envelope of the whole. */
const recovering = fc
  .record({
    term: position,
    recoveryId: number,
    answer: fc.oneof(
      fc.record({ type: fc.constant('append-accepted' as const), matchIndex: position }),
      fc.record({
        type: fc.constant('append-rejected' as const),
        previousIndex: position,
        hintIndex: position,
        hintTerm: position,
      }),
      fc.record({ type: fc.constant('heartbeat-reply' as const), round: number }),
    ),
  })
  .map(({ term, recoveryId, answer }): Message => {
    const envelope = { from: FROM, to: TO, term }
    return { type: 'recovering', ...envelope, recoveryId, answer: { ...answer, ...envelope } }
  })

export const message: fc.Arbitrary<Message> = fc.oneof(
  recovering,
  fc.tuple(bodies, position).map(([body, term]): Message => ({ ...body, from: FROM, to: TO, term })),
  append.map((body): Message => ({ ...body, from: FROM, to: TO })),
)

const lease = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

/** Of a question; 0 stands for several. */
const callId = number.map((each) => each || 1)

const memberId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const memberText = fc.string({ unit: 'grapheme', maxLength: 12 })
const memberAddress = { id: memberId, name: memberText, address: memberText }

const memberRecord: fc.Arbitrary<MemberRecord> = fc.record(
  {
    ...memberAddress,
    clientUrls: fc.array(memberText, { minLength: 1, maxLength: 3 }),
    becomesVoter: fc.constant(true as const),
  },
  { requiredKeys: ['id', 'name', 'address'] },
)

const change: fc.Arbitrary<MembersChange> = fc.oneof(
  fc.record({ type: fc.constant('add-learner' as const), ...memberAddress }),
  fc.record({ type: fc.constant('add-learner' as const), ...memberAddress, becomesVoter: fc.constant(true as const) }),
  fc.record({
    type: fc.constant('announce' as const),
    ...memberAddress,
    clientUrls: fc.option(fc.array(memberText, { maxLength: 3 }), { nil: undefined }),
  }),
  fc.record({ type: fc.constantFrom('promote' as const, 'remove' as const), id: number }),
  fc.record({ type: fc.constant('update' as const), id: number, address: memberText }),
)

export const bookFrame: fc.Arbitrary<BookFrame> = fc.oneof(
  fc.record({ type: fc.constant('ask' as const), index: number }),
  fc.record({
    type: fc.constant('tell' as const),
    index: number,
    book: fc
      .uniqueArray(memberRecord, { selector: ({ id }) => id, maxLength: 4 })
      .map((all) => ({ members: all.slice(1), removed: all.slice(0, 1).map(({ id }) => id) })),
  }),
)

const progress: fc.Arbitrary<MemberProgress> = fc.record({
  ...memberAddress,
  role: fc.constantFrom('voter' as const, 'learner' as const),
  active: fc.boolean(),
  recovering: fc.boolean(),
  matchIndex: number,
  snapshotPercent: fc.option(fc.nat({ max: 100 }), { nil: undefined }),
})

const call: fc.Arbitrary<Call> = fc.record({
  identity: fc.oneof(
    fc.constantFrom(ANONYMOUS, MEMBER),
    fc.record({ type: fc.constant('user' as const), name: fc.string(), authRevision: fc.maxSafeNat() }),
  ),
  id: callId,
  request: fc.oneof(
    fc.record({ type: fc.constantFrom('lease-keep-alive' as const, 'lease-time-to-live' as const), lease }),
    fc.record({ type: fc.constant('change-members' as const), change }),
    fc.record({ type: fc.constant('move-leader' as const), from: number, to: number }),
    fc.constant({ type: 'members-status' as const }),
  ),
})

const answer: fc.Arbitrary<Reply> = fc.record({
  id: callId,
  response: fc.oneof(
    fc.record({
      type: fc.constant('refused' as const),
      code: fc.constantFrom(...(Object.keys(ERRORS) as ErrorCode[])),
      message: fc.string({ unit: 'grapheme' }),
    }),
    fc.constant({ type: 'lease' as const, exists: false as const }),
    fc.record({ type: fc.constant('members-changed' as const), index: number }),
    fc.record({ type: fc.constant('leader-moved' as const), leader: number }),
    fc.record({
      type: fc.constant('members-status' as const),
      status: fc.record({ leader: number, lastIndex: number, members: fc.array(progress, { maxLength: 4 }) }),
    }),
    fc.record({
      type: fc.constant('lease' as const),
      exists: fc.constant(true as const),
      ttlMs: number,
      remainingMs: number,
    }),
  ),
})

export const calls = fc.array(call, { maxLength: 4 })
export const answers = fc.array(answer, { maxLength: 4 })

export const commands = fc.array(data, { maxLength: 12 })

const members = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
const configuration = members.map((voters) => ({
  ...{ voters: voters.sort((a, b) => a - b), outgoing: [], learners: [], learnersNext: [], autoLeave: false },
}))

export const transfer: fc.Arbitrary<TransferFrame> = fc.oneof(
  fc.record({ type: fc.constant('request' as const), minimumIndex: position }),
  fc.record({ type: fc.constant('offer' as const), transfer: number, term: position }),
  fc
    .record({
      transfer: number,
      next: fc.nat({ max: 1_000_000 }),
      wanted: fc.nat({ max: LIMITS.transferWindowPieces }),
    })
    .map(({ transfer: id, next, wanted }) => ({ type: 'pull' as const, transfer: id, next, through: next + wanted })),
  fc.record({
    type: fc.constant('piece' as const),
    transfer: number,
    number,
    bytes: data,
    configuration: fc.option(configuration, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('done' as const),
    transfer: number,
    outcome: fc.constantFrom('received' as const, 'refused' as const, 'damaged' as const),
  }),
  fc.record({ type: fc.constant('failed' as const), transfer: number }),
)
