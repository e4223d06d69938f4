/** The members of the cluster in the replicated state: changed by entries, the same everywhere, and gone with all that is theirs. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { isStoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import {
  decodeMemberBook,
  decodeMembership,
  encodeMemberBook,
  encodeMembership,
} from '../../src/machine/member-book-codec.js'
import { prunedBook, type MemberBook, type MemberRecord, type MemberSets } from '../../src/machine/member-book.js'
import {
  MEMBERS_KEY,
  META_KEY,
  STATE_FORMAT,
  STATE_FORMAT_WITHOUT_MEMBERS,
  STATE_FORMAT_WITHOUT_RECORDS,
} from '../../src/machine/state-records.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { put } from '../mvcc/requests.js'

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const ids = (min: number, max: number, maxLength = 5) => fc.uniqueArray(fc.integer({ min, max }), { maxLength })
const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b)

const record: fc.Arbitrary<MemberRecord> = fc.record(
  {
    ...{ id: fc.integer({ min: 1, max: 50 }), name: text, address: text },
    clientUrls: fc.array(text, { minLength: 1, maxLength: 3 }),
    becomesVoter: fc.constant(true as const),
  },
  { requiredKeys: ['id', 'name', 'address'] },
)

const book: fc.Arbitrary<MemberBook> = fc
  .tuple(
    fc.uniqueArray(record, {
      selector: ({ id }) => id,
      maxLength: 6,
    }),
    ids(51, 90),
  )
  .map(([members, removed]) => ({ members, removed }))

const sets: fc.Arbitrary<MemberSets> = fc
  .record({
    voters: ids(1, 50),
    outgoing: ids(1, 50),
    learners: ids(1, 50),
    learnersNext: ids(1, 50),
    autoLeave: fc.boolean(),
  })
  .map(({ voters, outgoing, learners, learnersNext, autoLeave }) => ({
    ...{
      voters: sorted(voters),
      outgoing: sorted(outgoing),
      learners: sorted(learners),
      learnersNext: sorted(learnersNext),
    },
    autoLeave,
  }))

describe('a member book as bytes', () => {
  test('is read as it was written, and so is the record of the members', () => {
    fc.assert(
      fc.property(book, sets, fc.nat(), (written, configuration, index) => {
        expect(decodeMemberBook(encodeMemberBook(written))).toEqual(written)
        const membership = { index, configuration, book: written.members, removed: written.removed }
        expect(decodeMembership(encodeMembership(membership))).toEqual(membership)
      }),
    )
  })

  test('that nobody wrote is MALFORMED, or a book that is written as it was read', () => {
    const bytes = fc
      .tuple(book.map(encodeMemberBook), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([written, at, value]) => {
        const changed = Uint8Array.from(written)
        changed[at % changed.length] = value
        return changed
      })
    fc.assert(
      fc.property(fc.oneof(bytes, fc.uint8Array({ maxLength: 40 })), (given) => {
        try {
          expect(Buffer.from(encodeMemberBook(decodeMemberBook(given))).equals(given)).toBe(true)
        } catch (error) {
          if (!isStoreError(error, 'MALFORMED')) throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  test('has no more members and texts than there may be', () => {
    const members = (count: number, name: string) =>
      Array.from({ length: count }, (_, at) => ({ id: at + 1, name, address: '' }))
    const decode = (made: MemberBook): MemberBook => decodeMemberBook(encodeMemberBook(made))
    expect(decode({ members: members(LIMITS.membersMax, 'a'), removed: [] }).members).toHaveLength(LIMITS.membersMax)
    expect(() => decode({ members: members(LIMITS.membersMax + 1, 'a'), removed: [] })).toThrow(
      '65 items announced, at most 64',
    )
    expect(() => decode({ members: members(1, 'a'.repeat(LIMITS.memberTextBytesMax + 1)), removed: [] })).toThrow(
      'the name of',
    )
    const removed = Array.from({ length: LIMITS.removedMembersMax + 1 }, (_, at) => at + 1)
    expect(() => decode({ members: [], removed })).toThrow('1025 items announced, at most 1024')
  })

  test('without those whom the configuration does not know loses nobody, and forgets the oldest of too many', () => {
    fc.assert(
      fc.property(book, sets, (before, configuration) => {
        const after = prunedBook(before, configuration)
        const known = ({ members, removed }: MemberBook) => sorted([...members.map(({ id }) => id), ...removed])
        expect(known(after)).toEqual(known(before))
        const belongs = new Set([...configuration.voters, ...configuration.outgoing, ...configuration.learners])
        expect(after.members.every(({ id }) => belongs.has(id))).toBe(true)
      }),
    )
    const removed = Array.from({ length: LIMITS.removedMembersMax }, (_, at) => at + 2)
    const after = prunedBook({ members: [{ id: 1, name: '', address: '' }], removed }, NOBODY)
    expect([after.removed.length, after.removed[0], after.removed.at(-1)]).toEqual([LIMITS.removedMembersMax, 3, 1])
  })
})

const NOBODY: MemberSets = { voters: [], outgoing: [], learners: [], learnersNext: [], autoLeave: false }

function machineOver(backend: MemoryBackend): Machine {
  const machine = new Machine({ backend })
  for (const [key, record] of backend.sorted()) machine.load(key, record)
  machine.finishLoading()
  return machine
}

function apply(machine: Machine, member: number, sequence: number, request: Request): string {
  const proposal = { member, incarnation: 1, sequence }
  const { outcome } = machine.apply(machine.appliedIndex + 1, 1, encodeCommand({ proposal, identity: MEMBER, request }))
  return outcome === undefined ? 'applied before' : outcome.ok ? 'ok' : outcome.code
}

function configure(machine: Machine, configuration: MemberSets, given?: MemberBook): void {
  const data = given === undefined ? new Uint8Array(0) : encodeMemberBook(given)
  machine.configure(machine.appliedIndex + 1, 1, { configuration, data })
}

const member = (id: number) => ({ id, name: `m${id}`, address: `m${id}:1` })
const THREE: MemberBook = { members: [member(1), member(2), member(3)], removed: [] }
const voting = (...voters: number[]): MemberSets => ({ ...NOBODY, voters })

describe('the members in the state', () => {
  test('are nobody before their first change, of which the state looks like one of the version before', () => {
    const backend = new MemoryBackend()
    const machine = machineOver(backend)
    apply(machine, 1, 1, put('a', '1'))
    machine.checkpoint()
    expect(machine.members).toBeUndefined()
    expect(Buffer.from(backend.get(META_KEY) as Uint8Array).readUInt16BE(0)).toBe(STATE_FORMAT_WITHOUT_MEMBERS)
    expect(backend.get(MEMBERS_KEY)).toBeUndefined()
  })

  test('come back with the state, are in its digest, and make it one that the version before does not read', () => {
    const backend = new MemoryBackend()
    const machine = machineOver(backend)
    apply(machine, 1, 1, put('a', '1'))
    const { digest, bytesInUse } = machine
    configure(machine, voting(1, 2, 3), THREE)
    machine.checkpoint()
    expect(machine.digest).not.toEqual(digest)
    expect(machine.bytesInUse).toBeGreaterThan(bytesInUse)
    expect(Buffer.from(backend.get(META_KEY) as Uint8Array).readUInt16BE(0)).toBe(STATE_FORMAT_WITHOUT_RECORDS)
    const loaded = machineOver(backend)
    expect(loaded.members).toEqual({ index: 2, configuration: voting(1, 2, 3), book: THREE.members, removed: [] })
    expect(loaded.digest).toEqual(machine.digest)
    machine.adopt(loaded)
    expect(machine.members).toBe(loaded.members)
  })

  test('tell what was announced, and who becomes a voter, in a format of its own, and only for as long as there is any', () => {
    const backend = new MemoryBackend()
    const machine = machineOver(backend)
    const formatAfter = (given: MemberBook): number => {
      configure(machine, voting(1, 2, 3), given)
      machine.checkpoint()
      expect(machineOver(backend).members?.book).toEqual(given.members)
      expect(machineOver(backend).digest).toEqual(machine.digest)
      return Buffer.from(backend.get(META_KEY) as Uint8Array).readUInt16BE(0)
    }
    expect(formatAfter(THREE)).toBe(STATE_FORMAT_WITHOUT_RECORDS)
    const { digest } = machine
    const announced = THREE.members.map((each) => ({ ...each, clientUrls: [`http://m${each.id}:2379`] }))
    expect(formatAfter({ members: announced, removed: [] })).toBe(STATE_FORMAT)
    expect(machine.digest).not.toEqual(digest)
    expect(formatAfter({ members: [member(1), { ...member(2), becomesVoter: true }, member(3)], removed: [] })).toBe(
      STATE_FORMAT,
    )
    expect(formatAfter(THREE)).toBe(STATE_FORMAT_WITHOUT_RECORDS)
  })

  test('have no more client URLs, and no longer ones, than there may be', () => {
    const decode = (clientUrls: readonly string[]): MemberBook =>
      decodeMemberBook(encodeMemberBook({ members: [{ ...member(1), clientUrls }], removed: [] }))
    const urls = Array.from({ length: LIMITS.clientUrlsMax }, (_, at) => `http://m${at}`)
    expect(decode(urls).members[0]?.clientUrls).toEqual(urls)
    expect(() => decode([...urls, 'http://n'])).toThrow('17 items announced, at most 16')
    expect(() => decode(['a'.repeat(LIMITS.memberTextBytesMax + 1)])).toThrow(
      'the client URL of a member has 1025 bytes',
    )
  })

  test('who leave take their alarms and their proposals with them, and never propose again', () => {
    const backend = new MemoryBackend()
    const machine = machineOver(backend)
    apply(machine, 3, 1, put('a', '1'))
    apply(machine, 2, 1, { type: 'alarm', action: 'activate', alarm: 'no-space', member: 3 })
    apply(machine, 2, 2, { type: 'alarm', action: 'activate', alarm: 'corrupt', member: 2 })
    apply(machine, 2, 3, { type: 'alarm', action: 'deactivate', alarm: 'corrupt', member: 2 })
    expect(apply(machine, 2, 4, put('a', '2'))).toBe('NO_SPACE')
    machine.checkpoint()
    configure(machine, voting(1, 2), { members: [member(1), member(2)], removed: [3] })
    expect(machine.alarms.list()).toEqual([])
    expect(apply(machine, 2, 5, put('a', '2'))).toBe('ok')
    expect([apply(machine, 3, 1, put('a', '3')), apply(machine, 3, 2, put('a', '3'))]).toEqual([
      'MEMBER_REMOVED',
      'MEMBER_REMOVED',
    ])
    expect(machine.incarnationOf(3)).toBe(0)
    machine.checkpoint()
    const loaded = machineOver(backend)
    expect(loaded.digest).toEqual(machine.digest)
    expect(apply(loaded, 3, 3, put('a', '3'))).toBe('MEMBER_REMOVED')
  })

  test('are pruned where a joint configuration is left, by whoever is in it no more', () => {
    const machine = machineOver(new MemoryBackend())
    const joint = { ...NOBODY, voters: [1, 4], outgoing: [1, 2, 3], autoLeave: true }
    configure(machine, joint, { members: [...THREE.members, member(4)], removed: [] })
    expect(machine.members?.book.map(({ id }) => id)).toEqual([1, 2, 3, 4])
    configure(machine, voting(1, 4))
    expect(machine.members?.book).toEqual([member(1), member(4)])
    expect(machine.members?.removed).toEqual([2, 3])
  })

  test('are forgotten by a state that becomes the first one of another cluster, which is told who they were', () => {
    const backend = new MemoryBackend()
    const machine = machineOver(backend)
    apply(machine, 2, 1, put('a', '1'))
    configure(machine, voting(1, 2), { members: [member(1), member(2)], removed: [3] })
    machine.checkpoint()
    expect(sorted(machine.startCluster(0))).toEqual([1, 2, 3])
    machine.checkpoint()
    expect(backend.get(MEMBERS_KEY)).toBeUndefined()
    expect(machineOver(backend).members).toBeUndefined()
    expect(apply(machine, 3, 1, put('a', '2'))).toBe('ok')
  })

  test('that cannot be read are a bug of the leader, and stop the machine', () => {
    const machine = machineOver(new MemoryBackend())
    const entry = { configuration: voting(1), data: Uint8Array.of(9) }
    expect(() => {
      machine.configure(1, 1, entry)
    }).toThrow(AssertionError)
    expect(machine.failed).toBe(true)
  })
})
