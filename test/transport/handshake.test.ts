import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.js'
import {
  answerHello,
  checkAnswer,
  encodeAnswer,
  encodeHello,
  HandshakeReader,
  PROTOCOL_VERSIONS,
  type Answer,
  type Hello,
} from '../../src/transport/handshake.js'

const SELF = { clusterId: 7, memberId: 1 }
const HELLO: Hello = { versions: PROTOCOL_VERSIONS, clusterId: 7, from: 2, to: 1 }
const ACCEPTED: Answer = { type: 'accepted', version: 1, clusterId: 7, memberId: 1 }
const isPeer = (id: number): boolean => id === 2

const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const version = fc.integer({ min: 0, max: 65_535 })
const versions = fc.tuple(version, version).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))
const anyHello = fc.record({ versions, clusterId: id, from: id, to: id })
const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ type: fc.constant('accepted' as const), version, clusterId: id, memberId: id }),
  fc.record({
    type: fc.constant('refused' as const),
    code: fc.constantFrom('WRONG_CLUSTER', 'UNKNOWN_PEER', 'WRONG_MEMBER', 'VERSION_UNSUPPORTED'),
    versions,
  }),
)

describe('on the wire', () => {
  test('a hello', () => {
    expect(Buffer.from(encodeHello(HELLO)).toString('hex')).toBe(
      '51525448' + '0001' + '0001' + '0000000000000007' + '0000000000000002' + '0000000000000001' + '0000' + 'ccf749d8',
    )
  })

  test('what is written is read, one byte at a time', () => {
    fc.assert(
      fc.property(anyHello, anyAnswer, (hello, answer) => {
        expect(readHello(encodeHello(hello), 1)).toEqual(hello)
        expect(readAnswer(encodeAnswer(answer), 1)).toEqual(answer)
      }),
    )
  })

  test('an extension of a later version is skipped', () => {
    const bytes = withExtension(encodeHello(HELLO), Buffer.from('whatever comes'))
    expect(readHello(bytes, 5)).toEqual(HELLO)
  })

  test('a changed byte is found out', () => {
    const position = fc.nat({ max: encodeHello(HELLO).byteLength - 1 })
    fc.assert(
      fc.property(position, fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = encodeHello(HELLO)
        bytes[at] = (bytes[at] as number) ^ change
        expect(outcome(() => readHello(bytes, 100))).toBeOneOf(['MALFORMED', undefined])
      }),
    )
  })

  test('another protocol is known by its first byte, and endless input by its length', () => {
    expect(outcome(() => HandshakeReader.ofHello().push(Buffer.from('G')))).toBe('MALFORMED')
    const reader = HandshakeReader.ofHello()
    reader.push(encodeHello(HELLO).subarray(0, 20))
    expect(outcome(() => reader.push(new Uint8Array(5000)))).toBe('MALFORMED')
  })

  test('nobody speaks on before being answered', () => {
    const bytes = Buffer.concat([encodeHello(HELLO), Uint8Array.of(0)])
    expect(outcome(() => HandshakeReader.ofHello().push(bytes))).toBe('MALFORMED')
  })
})

describe('the listening side', () => {
  test('accepts a peer that looks for it', () => {
    expect(answerHello(HELLO, SELF, isPeer)).toEqual(ACCEPTED)
  })

  test.each([
    ['WRONG_CLUSTER', { clusterId: 8 }],
    ['WRONG_MEMBER', { to: 3 }],
    ['UNKNOWN_PEER', { from: 9 }],
    ['VERSION_UNSUPPORTED', { versions: { min: 2, max: 9 } }],
    ['VERSION_UNSUPPORTED', { versions: { min: 0, max: 0 } }],
  ] as const)('refuses with %s', (code, change) => {
    const answer = answerHello({ ...HELLO, ...change }, SELF, isPeer)
    expect(answer).toMatchObject({ type: 'refused', code })
    // Who we are is told to those only that belong here.
    expect(readAnswer(encodeAnswer(answer), 100)).not.toHaveProperty('memberId')
  })

  test('chooses the highest version that both speak', () => {
    expect(answerHello({ ...HELLO, versions: { min: 0, max: 99 } }, SELF, isPeer)).toMatchObject({ version: 1 })
  })
})

describe('the dialling side', () => {
  const self = { clusterId: 7, memberId: 2 }

  test('accepts the member it called', () => {
    checkAnswer(ACCEPTED, self, 1)
  })

  test.each([
    ['WRONG_CLUSTER', { ...ACCEPTED, clusterId: 8 }],
    ['WRONG_MEMBER', { ...ACCEPTED, memberId: 3 }],
    ['VERSION_UNSUPPORTED', { ...ACCEPTED, version: 2 }],
    ['UNKNOWN_PEER', { type: 'refused', code: 'UNKNOWN_PEER', versions: PROTOCOL_VERSIONS }],
    ['VERSION_UNSUPPORTED', { type: 'refused', code: 'VERSION_UNSUPPORTED', versions: { min: 5, max: 6 } }],
  ] as [string, Answer][])('throws %s for the wrong answer', (code, answer) => {
    expect(outcome(() => checkAnswer(answer, self, 1))).toBe(code)
  })
})

function readHello(bytes: Uint8Array, chunkBytes: number): Hello | undefined {
  return read(HandshakeReader.ofHello(), bytes, chunkBytes)
}

function readAnswer(bytes: Uint8Array, chunkBytes: number): Answer | undefined {
  return read(HandshakeReader.ofAnswer(), bytes, chunkBytes)
}

function read<Message extends Hello | Answer>(reader: HandshakeReader<Message>, bytes: Uint8Array, chunkBytes: number) {
  let found: Message | undefined
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    expect(found).toBeUndefined()
    found = reader.push(bytes.subarray(at, at + chunkBytes))
  }
  return found
}

function withExtension(message: Uint8Array, extension: Uint8Array): Uint8Array {
  const fixed = Buffer.from(message.subarray(0, message.byteLength - 4))
  fixed.writeUInt16BE(extension.byteLength, fixed.byteLength - 2)
  const sealed = Buffer.concat([fixed, extension])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(sealed))
  return Buffer.concat([sealed, checksum])
}

/** The code of the error, or what was returned. */
function outcome(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}
