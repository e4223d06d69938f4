/** Commands as bytes: back as they were, and whatever the bytes are, nothing worse than MALFORMED. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { decodeCommand, decodeProposalId, encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { ANONYMOUS, MEMBER } from '../../src/machine/identity.js'
import type { Operation } from '../../src/mvcc/types.js'
import { always, get, put as putOf, txn } from '../mvcc/requests.js'
import { command } from './arbitraries.js'

describe('commands as bytes', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(command, (drawn) => {
        const bytes = encodeCommand(drawn)
        const decoded = decodeCommand(bytes)
        expect(decoded.proposal).toEqual(drawn.proposal)
        expect(decoded.identity).toEqual(drawn.identity)
        expect(decodeProposalId(bytes)).toEqual(drawn.proposal)
        expect(complete(decoded.request)).toEqual(complete(drawn.request))
        expect(encodeCommand(decoded)).toEqual(bytes)
      }),
      { numRuns: 1500 },
    )
  })

  test('random bytes are a command or malformed', () => {
    const header = encodeCommand({
      proposal: { member: 1, incarnation: 1, sequence: 1 },
      identity: MEMBER,
      request: putOf('a'),
    }).slice(0, 25)
    const random = fc.uint8Array({ maxLength: 200, size: 'max' })
    const small = fc.array(fc.nat(7), { maxLength: 200, size: 'max' }).map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(fc.oneof(random, small), fc.boolean(), (bytes, headed) => {
        decodesOrIsMalformed(headed ? Uint8Array.from([...header, ...bytes]) : bytes)
      }),
      { numRuns: 3000 },
    )
  })

  test('damaged commands are a command or malformed', () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255) })
    fc.assert(
      fc.property(command, fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(), (drawn, changes, cut) => {
        const bytes = Uint8Array.from(encodeCommand(drawn))
        for (const { at, to } of changes) bytes[at % bytes.length] = to
        decodesOrIsMalformed(bytes)
        decodesOrIsMalformed(bytes.slice(0, cut % bytes.length))
      }),
      { numRuns: 3000 },
    )
  })

  test('with ranges that are not sorted or bounded stand in the log as before there were sorts and bounds', () => {
    const range = { ...get('a', 'b'), revision: 5, limit: 2, countOnly: false, keysOnly: true }
    const drawn = { proposal: { member: 1, incarnation: 2, sequence: 3 }, identity: ANONYMOUS, request: always(range) }
    // Type, flags, key, range end, revision, limit.
    const written = '01' + '05' + '0000000161' + '0000000162' + '0000000000000005' + '0000000000000002'
    const bytes = Buffer.from(encodeCommand(drawn)).toString('hex')
    expect(bytes.endsWith('00000001' + written + '00000000')).toBe(true)
    expect(decodeCommand(encodeCommand(drawn)).request).toMatchObject({ success: [range] })
  })

  test('of version 1, which named nobody, are read as nobody asking', () => {
    fc.assert(
      fc.property(command, (drawn) => {
        const bytes = encodeCommand({ ...drawn, identity: MEMBER })
        const identityAt = 1 + 3 * 8
        const old = Uint8Array.from([1, ...bytes.subarray(1, identityAt), ...bytes.subarray(identityAt + 1)])
        const { proposal, identity, request } = decodeCommand(old)
        expect([proposal, identity]).toEqual([drawn.proposal, ANONYMOUS])
        expect(complete(request)).toEqual(complete(drawn.request))
      }),
      { numRuns: 200 },
    )
  })

  test('bytes too many are malformed', () => {
    const bytes = encodeCommand({
      proposal: { member: 1, incarnation: 1, sequence: 1 },
      identity: MEMBER,
      request: putOf('a'),
    })
    expect(decodesOrIsMalformed(Uint8Array.from([...bytes, 0]))).toBe(false)
  })

  test('what nests deeper than the limit is malformed, however deep it is', () => {
    const nest = (depth: number): Operation => (depth === 0 ? putOf('a') : always(nest(depth - 1)))
    const encode = (depth: number) =>
      encodeCommand({
        proposal: { member: 1, incarnation: 1, sequence: 1 },
        identity: MEMBER,
        request: nest(depth) as Request,
      })
    expect(decodesOrIsMalformed(encode(LIMITS.transactionDepthMax + 1))).toBe(true)
    expect(decodesOrIsMalformed(encode(LIMITS.transactionDepthMax + 2))).toBe(false)
    expect(decodesOrIsMalformed(encode(2000))).toBe(false)
  })

  test('a count that the bytes cannot hold allocates nothing', () => {
    const bytes = Uint8Array.from(
      encodeCommand({ proposal: { member: 1, incarnation: 1, sequence: 1 }, identity: MEMBER, request: txn([], []) }),
    )
    bytes.set([0xff, 0xff, 0xff, 0xff], bytes.length - 4)
    expect(decodesOrIsMalformed(bytes)).toBe(false)
  })

  test('lease 0, member 0 and sequence 0 are malformed: they stand for none', () => {
    const proposal = { member: 1, incarnation: 0, sequence: 1 }
    const revoke: Request = { type: 'lease-revoke', id: 0n }
    expect(decodesOrIsMalformed(encodeCommand({ proposal, identity: MEMBER, request: revoke }))).toBe(false)
    expect(
      decodesOrIsMalformed(
        encodeCommand({ proposal: { ...proposal, member: 0 }, identity: MEMBER, request: putOf('a') }),
      ),
    ).toBe(false)
    expect(
      decodesOrIsMalformed(
        encodeCommand({ proposal: { ...proposal, sequence: 0 }, identity: MEMBER, request: putOf('a') }),
      ),
    ).toBe(false)
    expect(decodesOrIsMalformed(encodeCommand({ proposal, identity: MEMBER, request: always(get('a')) }))).toBe(true)
  })
})

function decodesOrIsMalformed(bytes: Uint8Array): boolean {
  try {
    decodeCommand(bytes)
    return true
  } catch (error) {
    expect(isStoreError(error, 'MALFORMED')).toBe(true)
    return false
  }
}

/** Of which 0 means that there is none. */
const BOUNDS = ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision']

/** What is left out means what the decoder fills in; Buffers become Uint8Arrays. */
function complete(thing: unknown): unknown {
  if (thing instanceof Uint8Array) return Uint8Array.from(thing)
  if (Array.isArray(thing)) return thing.map(complete)
  if (thing === null || typeof thing !== 'object') return thing
  return Object.fromEntries(
    Object.entries(thing)
      .filter(([name, inner]) => inner !== undefined && inner !== false && !(BOUNDS.includes(name) && inner === 0))
      .map(([name, inner]) => [name, complete(inner)]),
  )
}
