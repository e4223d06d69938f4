/** The bytes on disk are those of docs/DATA-FORMAT.md: a change of either is a change of format. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { encodeLease } from '../../src/lease/record.js'
import { encodeAlarm } from '../../src/machine/alarms.js'
import { encodeRole, encodeStatus, encodeUser } from '../../src/auth/records.js'
import { PasswordHash } from '../../src/base/password-hash.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import { encodeMemberBook, encodeMembership } from '../../src/machine/member-book-codec.js'
import type { MemberRecord } from '../../src/machine/member-book.js'
import { encodeMeta } from '../../src/machine/state-records.js'
import { encodePrefixQuota } from '../../src/machine/prefix-quota.js'
import { encodePut, encodeTombstone } from '../../src/mvcc/record.js'
import { encodeConfiguration } from '../../src/raft/confchange/codec.js'
import { encodeEntryRecord } from '../../src/storage/entry-record.js'
import { decodeFormerClusters, encodeFormerClusters } from '../../src/storage/former-cluster.js'
import { newHighWater, readHighWater } from '../../src/storage/high-water.js'
import { encodeIdentity } from '../../src/storage/identity.js'
import { encodeLogHead } from '../../src/storage/log-head.js'
import { sealRecord } from '../../src/storage/sealed-record.js'
import { SnapshotEncoder } from '../../src/storage/snapshot-encoder.js'

const IDENTITY = { clusterId: 1, memberId: 2, name: 'a' }
const ENTRIES = encodeEntryRecord(
  [
    { index: 5, term: 2, kind: 'noop', data: new Uint8Array() },
    { index: 6, term: 2, kind: 'normal', data: Buffer.from('hi') },
  ],
  0x12345678,
)
const HEAD = {
  generation: 9,
  incarnation: 2,
  hardState: { term: 2, vote: 1 },
  base: { index: 4, term: 1, chain: 0x12345678 },
  last: { index: 6, term: 2, chain: ENTRIES.span.chainAfter },
  promises: 'lost',
  slot: 'state-2',
  awaitsState: false,
  joined: false,
} as const

const FORMER = {
  ...{ clusterId: 5, memberId: 2, leftAtMs: 1_700_000_000_000, lastIndex: 9, lastTerm: 3, appliedIndex: 7 },
  ...{ members: [2, 4], withLosses: false },
}
const META = {
  ...{ appliedIndex: 7, appliedTerm: 2, revision: 5, compactRevision: 3 },
  digest: { high: 0x12345678, low: 0x090a0b0c },
  historyDigest: { high: 0x23456789, low: 0x0a0b0c0d },
}
const PREFIX_QUOTA = { prefix: 'ab', limits: { keysMax: 3, bytesMax: undefined }, countedTo: undefined }
const KEY_VALUE = {
  ...{ key: 'k', value: Buffer.from('v'), lease: 7n },
  ...{ createRevision: 3, modRevision: 5, version: 3 },
}

const CONFIGURATION = { voters: [1, 2], outgoing: [], learners: [3], learnersNext: [], autoLeave: false }
const BOOK = {
  members: ['a', 'b', 'c'].map((name, at) => ({ id: at + 1, name, address: `${name}:1` })),
  removed: [4],
}

const ANNOUNCED: readonly MemberRecord[] = [
  { id: 1, name: 'a', address: 'a:1', clientUrls: ['http://a:2379'] },
  { id: 2, name: 'b', address: 'b:1' },
  { id: 3, name: '', address: 'c:1', becomesVoter: true },
]

const PASSWORD = PasswordHash.of(
  { costLog2: 15, blockSize: 8, parallelization: 3 },
  new Uint8Array(16).fill(1),
  new Uint8Array(32).fill(2),
)
const COMMAND = {
  proposal: { member: 2, incarnation: 1, sequence: 5 },
  identity: { type: 'user', name: 'ann', authRevision: 9 },
  request: { type: 'lease-revoke', id: 7n },
} as const

function snapshot(): Uint8Array {
  const encoder = new SnapshotEncoder({
    ...{ clusterId: 1, memberId: 2, name: 'a', createdAtMs: 1_700_000_000_000 },
    ...{ position: { index: 7, term: 2 }, revision: 5, compactRevision: 3, digest: META.digest },
  })
  const begin = encoder.begin()
  encoder.add('k', Buffer.from('v'))
  return Buffer.concat([begin, encoder.end()])
}

const page = readFileSync(new URL('../../docs/DATA-FORMAT.md', import.meta.url), 'utf8')

test.each([
  ['high-water', newHighWater(IDENTITY).subarray(0, 16)],
  ['former-clusters', encodeFormerClusters([FORMER])],
  ['identity', encodeIdentity(IDENTITY)],
  ['head', encodeLogHead(HEAD)],
  ['entries', ENTRIES.bytes],
  ['state', sealRecord('k', Buffer.from('v'))],
  ['meta', encodeMeta(META)],
  ['lease', encodeLease({ id: 7n, ttlSeconds: 60, grantIndex: 4, remainingMs: 45_000 })],
  ['alarm', encodeAlarm({ alarm: 'no-space', member: 5 })],
  ['authorization', encodeStatus({ enabled: true, revision: 9, since: 8 })],
  ['role', encodeRole({ name: 'r', permissions: [{ type: 'read', key: 'a', rangeEnd: 'b' }] })],
  ['user', encodeUser({ name: 'ann', since: 4, password: PASSWORD, roles: ['r'] })],
  ['command', encodeCommand(COMMAND)],
  ['configuration', encodeConfiguration({ configuration: CONFIGURATION, data: encodeMemberBook(BOOK) })],
  ['members', encodeMembership({ index: 7, configuration: CONFIGURATION, book: BOOK.members, removed: BOOK.removed })],
  ['announced', encodeMembership({ index: 7, configuration: CONFIGURATION, book: ANNOUNCED, removed: BOOK.removed })],
  ['prefix-quota', encodePrefixQuota(PREFIX_QUOTA)],
  ['put', encodePut(KEY_VALUE, 1)],
  ['tombstone', encodeTombstone('k', { main: 6, sub: 0 })],
  ['snapshot', snapshot()],
])('%s', (name, bytes) => {
  const example = new RegExp('```' + name + '\n([0-9a-f]+)\n```').exec(page)?.[1]
  expect(Buffer.from(bytes).toString('hex')).toBe(example)
})

test('what a directory belonged to before is read back, the latest of many, and nothing else is taken for it', () => {
  const many = Array.from({ length: 12 }, (_, at) => ({ ...FORMER, clusterId: at + 1 }))
  const file = newHighWater(IDENTITY, undefined, many)
  expect(readHighWater(file, 'x')).toMatchObject({
    identity: IDENTITY,
    former: many.slice(-8),
    formerDamage: undefined,
  })
  for (const at of [2048, 2060, 2200]) {
    const damaged = Uint8Array.from(file)
    damaged[at] = 0x5a
    const { former, formerDamage } = readHighWater(damaged, 'x')
    expect(former).toEqual([])
    expect(formerDamage).toMatch(/former clusters/)
  }
  expect(decodeFormerClusters(new Uint8Array(2048))).toEqual([])
})
