/** What is read from a disk or a backup that somebody else may have written, and what a caller proves itself with. */
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { decodeRole, decodeStatus, decodeUser, encodeRole, encodeStatus, encodeUser } from '../../src/auth/records.js'
import { decodePrefixQuota, encodePrefixQuota } from '../../src/machine/prefix-quota.js'
import { decodeMeta, encodeMeta } from '../../src/machine/state-records.js'
import { hashOfToken, TokenBook } from '../../src/member/token-book.js'
import { decodeLease, encodeLease } from '../../src/lease/record.js'
import { decodeRecord, encodePut, encodeTombstone } from '../../src/mvcc/record.js'
import { JwtTokens } from '../../src/runtime/jwt.js'
import { decodeEntryRecord, encodeEntryRecord } from '../../src/storage/entry-record.js'
import { decodeFormerClusters, encodeFormerClusters } from '../../src/storage/former-cluster.js'
import { newHighWater, readHighWater, salvageMark } from '../../src/storage/high-water.js'
import { decodeIdentity, encodeIdentity } from '../../src/storage/identity.js'
import { decodeLogHead, encodeLogHead } from '../../src/storage/log-head.js'
import { liveFiles, nextFileNumber } from '../../src/storage/manifest.js'
import { sealRecord, unsealRecord } from '../../src/storage/sealed-record.js'
import { SnapshotEncoder } from '../../src/storage/snapshot-encoder.js'
import { readSnapshot, readSnapshotHeader } from '../../src/storage/snapshot-reader.js'
import { passwordHash, permission } from '../auth/arbitraries.js'
import type { Corpus } from './corpus.js'
import { mendEnd, mendEntryRecord, mendFormer, mendHighWater, mendSnapshot } from './mend.js'
import { decoder, type FuzzTarget } from './target.js'
import { PIECES_BYTES, piecesOf } from './wire-targets.js'

const MALFORMED = ['MALFORMED'] as const
const DAMAGED = ['DATA_DAMAGED', 'FORMAT_TOO_NEW'] as const
const SNAPSHOT = ['SNAPSHOT_DAMAGED', 'FORMAT_TOO_NEW'] as const

const whole = fc.oneof(fc.nat({ max: 1000 }), fc.maxSafeNat())
const checksum = fc.nat({ max: 0xffffffff })
const digest = fc.record({ high: checksum, low: checksum })
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const key = fc.string({ unit: fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 20 })
const value = fc.uint8Array({ maxLength: 60 })

export function storageTargets(corpus: Corpus): FuzzTarget[] {
  return [...directoryTargets(corpus), ...recordTargets(), ...snapshotTargets(corpus), ...tokenTargets()]
}

const identity = fc.record({ clusterId: whole, memberId: whole, name: text })
const position = fc.record({ index: whole, term: whole, chain: checksum })
const head = fc.record({
  generation: whole,
  incarnation: whole,
  hardState: fc.record({ term: whole, vote: whole }),
  base: position,
  last: position,
  promises: fc.constantFrom('kept' as const, 'lost' as const),
  slot: fc.constantFrom('state' as const, 'state-2' as const),
  awaitsState: fc.boolean(),
  joined: fc.boolean(),
})
const former = fc.array(
  fc.record({
    ...{ clusterId: whole, memberId: whole, leftAtMs: whole, lastIndex: whole, lastTerm: whole, appliedIndex: whole },
    members: fc.array(whole, { maxLength: 5 }),
    withLosses: fc.boolean(),
  }),
  { maxLength: 4 },
)
const entryRecords = fc
  .record({
    first: fc.nat({ max: 1_000_000 }),
    chain: checksum,
    contents: fc.array(
      fc.record({ term: whole, kind: fc.constantFrom('normal' as const, 'noop' as const), data: value }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map(({ first, chain, contents }) => {
    const entries = contents.map((content, at) => ({ index: first + at, ...content }))
    return encodeEntryRecord(entries, chain).bytes
  })

function directoryTargets(corpus: Corpus): FuzzTarget[] {
  return [
    decoder({
      ...{ name: 'entry records', codes: MALFORMED, valid: entryRecords, mend: mendEntryRecord },
      captured: corpus.entries.slice(0, 20).map((entry) => encodeEntryRecord([entry], 0).bytes),
      decode: decodeEntryRecord,
    }),
    decoder({
      ...{
        name: 'log heads',
        codes: MALFORMED,
        valid: head.map(encodeLogHead),
        captured: [],
        mend: (all) => mendEnd(all),
      },
      decode: decodeLogHead,
    }),
    decoder({
      ...{ name: 'identities', codes: MALFORMED, valid: identity.map(encodeIdentity), captured: [] },
      ...{ mend: (all) => mendEnd(all), decode: decodeIdentity },
    }),
    decoder({
      ...{ name: 'former clusters', codes: MALFORMED, valid: former.map(encodeFormerClusters), captured: [] },
      ...{ mend: mendFormer, decode: decodeFormerClusters },
    }),
    decoder({
      ...{ name: 'high-water files', codes: DAMAGED, captured: [corpus.highWater], mend: mendHighWater },
      valid: fc.tuple(identity, former).map(([of, before]) => newHighWater(of, undefined, before)),
      decode: (input) => {
        salvageMark(input)
        readHighWater(input, 'here')
      },
    }),
    decoder({
      ...{ name: 'manifests', codes: [], captured: [], valid: fc.uint8Array({ maxLength: 400, size: 'max' }) },
      extremes: [() => Buffer.alloc(64 * 1024, Buffer.from([0, 0, 0, 0, 0, 0, 1]))],
      decode: (input) => [nextFileNumber(input), liveFiles(input)],
    }),
  ]
}

const put = fc
  .record({
    key,
    value,
    createRevision: whole,
    modRevision: whole,
    version: whole,
    lease: fc.bigInt({ min: 0n, max: 2n ** 62n }),
  })
  .map((drawn) => encodePut(drawn, 3))
const tombstones = key.map((drawn) => encodeTombstone(drawn, { main: 5, sub: 1 }))
const metas = fc
  .record({
    ...{ appliedIndex: whole, appliedTerm: whole, revision: whole, compactRevision: whole },
    ...{ digest, historyDigest: digest },
  })
  .map(encodeMeta)
const authRecords = fc.oneof(
  fc.record({ enabled: fc.boolean(), revision: whole, since: whole }).map(encodeStatus),
  fc.record({ name: text, permissions: fc.array(permission, { maxLength: 3 }) }).map(encodeRole),
  fc
    .record({ name: text, since: whole, password: fc.constantFrom(undefined, passwordHash(1)), roles: fc.array(text) })
    .map(encodeUser),
)

function recordTargets(): FuzzTarget[] {
  return [
    decoder({
      ...{
        name: 'sealed records',
        codes: MALFORMED,
        captured: [],
        valid: value.map((drawn) => sealRecord('key', drawn)),
      },
      decode: (input) => unsealRecord('key', input),
    }),
    decoder({
      ...{
        name: 'revision records',
        codes: DAMAGED,
        captured: [],
        valid: fc.oneof(put, tombstones),
        decode: decodeRecord,
      },
    }),
    decoder({
      ...{ name: 'position records', codes: DAMAGED, captured: [], valid: metas, decode: decodeMeta },
    }),
    decoder({
      ...{ name: 'lease records', codes: DAMAGED, captured: [], decode: decodeLease },
      valid: fc
        .record({
          id: fc.bigInt({ min: 1n, max: 2n ** 62n }),
          ttlSeconds: whole,
          grantIndex: whole,
          remainingMs: whole,
        })
        .map(encodeLease),
    }),
    decoder({
      ...{ name: 'quota records', codes: DAMAGED, captured: [], decode: decodePrefixQuota },
      valid: fc
        .record({
          prefix: key,
          limits: fc.record({ keysMax: whole, bytesMax: whole }),
          countedTo: fc.option(key, { nil: undefined }),
        })
        .map(encodePrefixQuota),
    }),
    ...[decodeStatus, decodeRole, decodeUser].map((decode, nth) =>
      decoder({
        ...{ name: `auth records: ${['status', 'roles', 'users'][nth]}`, codes: DAMAGED, captured: [], decode },
        valid: authRecords,
      }),
    ),
  ]
}

const snapshots = fc
  .record({
    header: fc.record({
      ...{ clusterId: whole, memberId: whole, name: text, createdAtMs: whole, revision: whole, compactRevision: whole },
      position: fc.record({ index: whole, term: whole }),
      digest,
    }),
    keys: fc.uniqueArray(key, { maxLength: 8 }),
    record: value,
    blockBytes: fc.constantFrom(1, 50, 65_536),
  })
  .map(({ header, keys, record, blockBytes }) => {
    const encoder = new SnapshotEncoder(header, blockBytes)
    const pieces = [encoder.begin()]
    for (const each of keys.sort()) {
      encoder.add(each, record)
      if (encoder.full) pieces.push(encoder.block())
    }
    return Buffer.concat([...pieces, encoder.end()])
  })

function snapshotTargets(corpus: Corpus): FuzzTarget[] {
  const shared = { codes: SNAPSHOT, captured: [corpus.snapshot], valid: snapshots, mend: mendSnapshot }
  const pieced = { fixedBytes: 2 * PIECES_BYTES, share: 0.5 }
  return [
    decoder({
      ...{ ...shared, ...pieced, name: 'snapshots' },
      decode: (input) => readSnapshot(stream(input), 'there', { records: () => Promise.resolve() }),
    }),
    decoder({
      ...{ ...shared, ...pieced, name: 'snapshot headers' },
      decode: (input) => readSnapshotHeader(stream(input), 'there'),
    }),
  ]
}

async function* stream(input: Uint8Array): AsyncGenerator<Uint8Array> {
  for (const chunk of piecesOf(input)) yield await Promise.resolve(chunk)
}

function tokenTargets(): FuzzTarget[] {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const jwt = new JwtTokens({ signMethod: 'ES256', privateKey: pem }, () => 1_700_000_000_000)
  const book = new TokenBook({ auth: NO_AUTH } as unknown as ConstructorParameters<typeof TokenBook>[0], 1000, 1)
  const segment = fc
    .constantFrom('', 'e30', Buffer.from('{"alg":"none"}').toString('base64url'))
    .chain((fixed) => fc.string({ maxLength: 40 }).map((drawn) => fixed + Buffer.from(drawn).toString('base64url')))
  const header = Buffer.from('{"alg":"ES256","typ":"JWT"}').toString('base64url')
  const tokens = fc.oneof(
    fc.tuple(segment, segment, segment).map((parts) => Buffer.from(parts.join('.'))),
    fc
      .record({ username: fc.string(), revision: fc.anything(), exp: fc.anything() })
      .map((claims) => Buffer.from(`${header}.${Buffer.from(jsonOf(claims)).toString('base64url')}.AAAA`)),
  )
  const utf8 = (input: Uint8Array): string => Buffer.from(input).toString('utf8')
  return [
    // What is no token of ours is undefined; nothing is thrown at all.
    decoder({
      ...{ name: 'signed tokens', codes: [], captured: [], valid: tokens, share: 0.2, fixedBytes: 64 * 1024 },
      decode: (input) => jwt.verify(utf8(input)),
    }),
    decoder({
      ...{ name: 'simple tokens', codes: [], captured: [], valid: tokens },
      decode: (input) => [book.identityOf(utf8(input), 5), hashOfToken(utf8(input).slice(0, 8192))],
    }),
  ]
}

const NO_AUTH = { enabled: true, revision: 1, enabledSince: 1, user: () => undefined }

function jsonOf(thing: unknown): string {
  return JSON.stringify(thing, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? ''
}
