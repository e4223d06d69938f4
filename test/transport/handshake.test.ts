import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.js'
import {
  answerHello,
  checkAnswer,
  encodeAnswer,
  encodeHello,
  HandshakeReader,
  helloTo,
  PROTOCOL_VERSIONS,
  questionHello,
  type Answer,
  type Hello,
} from '../../src/transport/handshake.js'
import { encodeHelloExtension } from '../../src/transport/hello-extension.js'

const SELF = { clusterId: 7, memberId: 1, versions: PROTOCOL_VERSIONS, life: 5 }
const CALLER = { clusterId: 7, memberId: 2, versions: PROTOCOL_VERSIONS, life: 0x1234 }
const HELLO: Hello = helloTo(1, 'main', CALLER)
const ACCEPTED: Answer = { type: 'accepted', version: 3, clusterId: 7, memberId: 1 }
/** With an empty extension. */
const PLAIN: Hello = { ...HELLO, purpose: 'unknown', life: undefined }
/** As it was sent before there was a version 2. */
const HELLO_1 = '51525448000100010000000000000007000000000000000200000000000000010000ccf749d8'
const ANSWER_1 = '515254410000010001000000000000000700000000000000010000' + '2c5c2b0a'
const isPeer = ({ from }: Hello) => (from === 2 ? undefined : ('UNKNOWN_PEER' as const))

const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const version = fc.integer({ min: 0, max: 65_535 })
const versions = fc.tuple(version, version).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))
const anyHello: fc.Arbitrary<Hello> = fc
  .record({
    ...{ versions, clusterId: id, from: id, to: id },
    purpose: fc.constantFrom('main', 'bulk', 'question'),
    life: fc.option(id, { nil: undefined }),
  })
  // Version 1 has no words for the rest.
  .map((hello) => (hello.versions.max < 2 ? { ...hello, purpose: 'main', life: undefined } : hello))
const anyAnswer: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ type: fc.constant('accepted' as const), version, clusterId: id, memberId: id }),
  fc.record({
    type: fc.constant('refused' as const),
    code: fc.constantFrom(
      ...(['WRONG_CLUSTER', 'UNKNOWN_PEER', 'WRONG_MEMBER', 'VERSION_UNSUPPORTED'] as const),
      ...(['REMOVED', 'DUPLICATE_MEMBER', 'CERTIFICATE_REFUSED'] as const),
    ),
    versions,
  }),
)

describe('on the wire', () => {
  test('a hello', () => {
    expect(Buffer.from(encodeHello(HELLO)).toString('hex')).toBe(
      '51525448' + '0001' + '0003' + '0000000000000007' + '0000000000000002' + '0000000000000001' +
        ('000d' + '010100' + '02080000000000001234') + '017aa715',
    ) // prettier-ignore
  })

  test('a hello and an answer of version 1, as they always were', () => {
    const older = { ...CALLER, versions: { min: 1, max: 1 } }
    expect(Buffer.from(encodeHello(helloTo(1, 'main', older))).toString('hex')).toBe(HELLO_1)
    expect(Buffer.from(encodeAnswer({ ...ACCEPTED, version: 1 })).toString('hex')).toBe(ANSWER_1)
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
    const bytes = withExtension(Buffer.from(HELLO_1, 'hex'), Buffer.from('whatever comes'))
    expect(readHello(bytes, 5)).toMatchObject({ versions: { min: 1, max: 1 }, clusterId: 7, from: 2, purpose: 'main' })
    const more = encodeHelloExtension(HELLO)
    const unknown = withExtension(encodeHello(PLAIN), Buffer.concat([more, Buffer.from('09026869', 'hex')])) // prettier-ignore
    expect(readHello(unknown, 5)).toEqual(HELLO)
  })

  test.each(['01', '0102', '010100ff', '0207123456789abcde', '0102000000', '0208ffffffffffffffff'])(
    'an extension that is none, %s, is malformed',
    (extension) => {
      const bytes = withExtension(encodeHello(PLAIN), Buffer.from(extension, 'hex')) // prettier-ignore
      expect(outcome(() => readHello(bytes, 100))).toBe('MALFORMED')
    },
  )

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
    ['VERSION_UNSUPPORTED', { versions: { min: 4, max: 9 } }],
    ['VERSION_UNSUPPORTED', { purpose: 'unknown' }],
    ['VERSION_UNSUPPORTED', { versions: { min: 0, max: 0 } }],
  ] as const)('refuses with %s', (code, change) => {
    const answer = answerHello({ ...HELLO, ...change }, SELF, isPeer)
    expect(answer).toMatchObject({ type: 'refused', code })
    // Who we are is told to those only that belong here.
    expect(readAnswer(encodeAnswer(answer), 100)).not.toHaveProperty('memberId')
  })

  test('chooses the highest version that both speak', () => {
    const chosen = (min: number, max: number) => answerHello({ ...HELLO, versions: { min, max } }, SELF, isPeer)
    expect([chosen(0, 99), chosen(1, 2), chosen(1, 1)]).toMatchObject([{ version: 3 }, { version: 2 }, { version: 1 }])
  })

  test('answers a hello of version 1 as it always did', () => {
    const hello = readHello(Buffer.from(HELLO_1, 'hex'), 100) as Hello
    expect(Buffer.from(encodeAnswer(answerHello(hello, SELF, isPeer))).toString('hex')).toBe(ANSWER_1)
  })

  test.each(['REMOVED', 'DUPLICATE_MEMBER', 'CERTIFICATE_REFUSED'] as const)(
    'says %s to those only that know the word',
    (code) => {
      const older = { ...HELLO, versions: { min: 1, max: 1 } }
      expect(answerHello(HELLO, SELF, () => code)).toMatchObject({ code })
      expect(answerHello(older, SELF, () => code)).toMatchObject({ code: 'UNKNOWN_PEER' })
    },
  )

  test('takes a question from anybody, and does not say who it is', () => {
    const hello = questionHello(PROTOCOL_VERSIONS)
    const answer = answerHello(hello, SELF, () => 'UNKNOWN_PEER')
    expect(answer).toEqual({ type: 'accepted', version: 3, clusterId: 0, memberId: 0 })
    expect(checkAnswer(answer, hello)).toBe(3)
  })

  test('of an older program never takes bulk or a question for a call of a member', () => {
    const older = { ...SELF, versions: { min: 1, max: 1 } }
    for (const hello of [helloTo(1, 'bulk', CALLER), questionHello(PROTOCOL_VERSIONS)]) {
      expect(answerHello(hello, older, isPeer)).toMatchObject({ code: 'VERSION_UNSUPPORTED' })
    }
  })
})

describe('the dialling side', () => {
  test('accepts the member it called', () => {
    expect(checkAnswer(ACCEPTED, HELLO)).toBe(3)
  })

  test('understands an answer of version 1', () => {
    expect(checkAnswer(readAnswer(Buffer.from(ANSWER_1, 'hex'), 100) as Answer, HELLO)).toBe(1)
  })

  test.each([
    ['WRONG_CLUSTER', { ...ACCEPTED, clusterId: 8 }],
    ['WRONG_MEMBER', { ...ACCEPTED, memberId: 3 }],
    ['VERSION_UNSUPPORTED', { ...ACCEPTED, version: 4 }],
    ['UNKNOWN_PEER', { type: 'refused', code: 'UNKNOWN_PEER', versions: PROTOCOL_VERSIONS }],
    ['VERSION_UNSUPPORTED', { type: 'refused', code: 'VERSION_UNSUPPORTED', versions: { min: 5, max: 6 } }],
  ] as [string, Answer][])('throws %s for the wrong answer', (code, answer) => {
    expect(outcome(() => checkAnswer(answer, HELLO))).toBe(code)
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
