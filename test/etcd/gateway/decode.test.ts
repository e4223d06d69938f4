/** Requests as JSON: what is taken, what is refused with which words, and that no field of the .proto files was forgotten. */
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { fileURLToPath } from 'node:url'
import { loadSync } from '@grpc/proto-loader'
import {
  AlarmRequest,
  LeaseGrantRequest,
  MemberRemoveRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../../src/etcd/generated/rpc.js'
import { decodeRequest } from '../../../src/etcd/gateway/decode.js'
import * as shapes from '../../../src/etcd/gateway/request-shapes.js'
import { ROUTES } from '../../../src/etcd/gateway/routes.js'
import type { FieldShape, MessageShape } from '../../../src/etcd/gateway/shapes.js'

const json = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

describe('a request as JSON', () => {
  it('names its fields as the .proto files do, or in lowerCamel', () => {
    const expected = RangeRequest.fromPartial({ key: Buffer.from('a'), range_end: Buffer.from('b'), keys_only: true })
    expect(decodeRequest(json({ key: 'YQ==', range_end: 'Yg==', keys_only: true }), shapes.rangeRequest)).toEqual(
      expected,
    )
    expect(decodeRequest(json({ key: 'YQ==', rangeEnd: 'Yg==', keysOnly: true }), shapes.rangeRequest)).toEqual(
      expected,
    )
  })

  it.each(['', '  \n', '{}', '{"later":{"than":[1]},"key":null}'])('of %j has no field', (body) => {
    expect(decodeRequest(json(body), shapes.putRequest)).toEqual(PutRequest.fromPartial({}))
  })

  it.each([
    ['7587862094972399362', 7587862094972399362n],
    ['"7587862094972399362"', 7587862094972399362n],
    ['-9223372036854775808', -9223372036854775808n],
    ['"9223372036854775807"', 9223372036854775807n],
    ['1e3', 1000n],
    ['"12.50e1"', 125n],
    ['-0', 0n],
    ['0.0e99', 0n],
  ])('has %s for a 64-bit number', (written, id) => {
    const request = decodeRequest(json(`{"ID":${written}}`), shapes.leaseGrantRequest)
    expect(request).toEqual(LeaseGrantRequest.fromPartial({ ID: id }))
  })

  it('has both kinds of base64, with and without padding, for bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('base64', 'base64url'), fc.boolean(), (bytes, encoding, trims) => {
        const whole = Buffer.from(bytes).toString('base64')
        const written = encoding === 'base64' ? whole : whole.replaceAll('+', '-').replaceAll('/', '_')
        const request = decodeRequest(json({ value: trims ? written.replace(/=+$/, '') : written }), shapes.putRequest)
        expect([...request.value]).toEqual([...bytes])
      }),
    )
  })

  it('has names or numbers for enums; a number without a name goes on', () => {
    expect(decodeRequest(json({ alarm: 'NOSPACE', action: 2 }), shapes.alarmRequest)).toEqual(
      AlarmRequest.fromPartial({ alarm: 1, action: 2 }),
    )
    expect(decodeRequest(json({ sort_order: 7 }), shapes.rangeRequest).sort_order).toBe(7)
  })

  it('keeps a zero within a oneof', () => {
    const request = decodeRequest(
      json({ compare: [{ key: 'YQ==', target: 'CREATE', create_revision: '0' }], success: [{ requestPut: {} }] }),
      shapes.txnRequest,
    )
    expect(request).toEqual(
      TxnRequest.fromPartial({
        compare: [{ key: Buffer.from('a'), target: 1, target_union: { $case: 'create_revision', value: 0n } }],
        success: [{ request: { $case: 'request_put', value: PutRequest.fromPartial({}) } }],
      }),
    )
  })

  it.each<[string, string | object, MessageShape<unknown>, string]>([
    [
      'no JSON',
      '{"key":',
      shapes.putRequest,
      'the body is not one JSON value: at character 8 stands the end instead of a value',
    ],
    [
      'two values',
      '{}{}',
      shapes.putRequest,
      "the body is not one JSON value: at character 3 stands '{' instead of the end",
    ],
    ['no object', '[]', shapes.putRequest, 'the body must be an object, not an array'],
    ['null', 'null', shapes.putRequest, 'the body must be an object, not null'],
    ['no base64', { key: 'a*b=' }, shapes.putRequest, 'key must be base64, and its 4 characters are not'],
    ['cut base64', { key: 'YWFhY' }, shapes.putRequest, 'key must be base64, and its 5 characters are not'],
    ['both alphabets', { key: '-_+/' }, shapes.putRequest, 'key must be base64, and its 4 characters are not'],
    ['a number for bytes', { key: 1 }, shapes.putRequest, 'key must be a string of base64, not a number'],
    ['text for a number', { lease: 'x' }, shapes.putRequest, "lease must be a whole number, not 'x'"],
    ['nothing for a number', { lease: '' }, shapes.putRequest, "lease must be a whole number, not ''"],
    ['a fraction', { lease: 1.5 }, shapes.putRequest, 'lease must be a whole number, not 1.5'],
    ['true for a number', { lease: true }, shapes.putRequest, 'lease must be a whole number, not true'],
    ['a huge exponent', '{"lease":1e999}', shapes.putRequest, 'lease must be a whole number, not 1e999'],
    [
      'a number that is too large',
      { lease: '9223372036854775808' },
      shapes.putRequest,
      "lease must be a number from -9223372036854775808 to 9223372036854775807, not '9223372036854775808'",
    ],
    [
      'a negative id',
      { ID: -1 },
      shapes.memberRemoveRequest,
      'ID must be a number from 0 to 18446744073709551615, not -1',
    ],
    ['a word for true', { prev_kv: 'true' }, shapes.putRequest, 'prev_kv must be true or false, not a string'],
    [
      'a number for text',
      { name: 'a', password: 12345 },
      shapes.authenticateRequest,
      'password must be a string, not a number',
    ],
    [
      'an unknown name',
      { sort_order: 'ASCENDING' },
      shapes.rangeRequest,
      "sort_order must be one of NONE, ASCEND, DESCEND, or its number, not 'ASCENDING'",
    ],
    [
      'an inherited name',
      { sort_order: 'toString' },
      shapes.rangeRequest,
      "sort_order must be one of NONE, ASCEND, DESCEND, or its number, not 'toString'",
    ],
    ['no array', { compare: {} }, shapes.txnRequest, 'compare must be an array, not an object'],
    ['null in an array', { compare: [null] }, shapes.txnRequest, 'compare[0] must be an object, not null'],
    [
      'something deep',
      { success: [{ request_txn: { failure: [{ requestPut: { key: '!' } }] } }] },
      shapes.txnRequest,
      'success[0].request_txn.failure[0].requestPut.key must be base64, and its 1 characters are not',
    ],
    [
      'two cases of a oneof',
      { compare: [{ version: 1, value: 'YQ==' }] },
      shapes.txnRequest,
      'compare[0].value: only one of version and value may be given',
    ],
    [
      'one field by both names',
      { range_end: 'YQ==', rangeEnd: 'YQ==' },
      shapes.rangeRequest,
      'rangeEnd: only one of range_end and rangeEnd may be given',
    ],
  ])('of %s is refused, and told where', (_, body, shape, message) => {
    expect(() => decodeRequest(json(body), shape)).toThrow(`etcdserver: malformed request: ${message}`)
  })

  it('of other bytes than UTF-8 is refused', () => {
    const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])
    expect(() => decodeRequest(body, shapes.putRequest)).toThrow('etcdserver: malformed request: the body is not UTF-8')
  })

  it('keeps the largest id of a member', () => {
    expect(decodeRequest(json('{"ID":18446744073709551615}'), shapes.memberRemoveRequest)).toEqual(
      MemberRemoveRequest.fromPartial({ ID: 18446744073709551615n }),
    )
  })
})

describe('the shapes of requests', () => {
  const protoDirectory = fileURLToPath(new URL('../../../src/etcd/proto/', import.meta.url))
  const protos = loadSync(['rpc.proto', 'lock.proto', 'election.proto'], {
    includeDirs: [protoDirectory],
    keepCase: true,
  })

  it.each(ROUTES.map(({ path, definition, request }) => [path, definition.path, request] as const))(
    'of %s are those of the .proto files',
    (_, method, request) => {
      const [service = '', name = ''] = method.slice(1).split('/')
      const definitions = protos[service] as Record<string, { requestType: { type: MessageType } }>
      const { type } = definitions[name]?.requestType ?? expect.fail(`no ${method} in the .proto files`)
      compare(request, type, new Set())
    },
  )

  interface MessageType {
    readonly name: string
    readonly field: readonly { name: string; type: string; label: string; typeName: string }[]
  }

  const KINDS: Record<string, FieldShape['kind']> = {
    TYPE_BYTES: 'bytes',
    TYPE_STRING: 'text',
    TYPE_BOOL: 'truth',
    TYPE_INT64: 'int64',
    TYPE_UINT64: 'uint64',
    TYPE_ENUM: 'enumeration',
    TYPE_MESSAGE: 'message',
  }

  function compare(shape: MessageShape<unknown>, type: MessageType, seen: Set<string>): void {
    if (seen.has(type.name)) return
    seen.add(type.name)
    const named = new Map([...shape.fields.values()].map((field) => [field.name, field.shape]))
    expect([...named.keys()].sort(), type.name).toEqual(type.field.map(({ name }) => name).sort())
    for (const field of type.field) {
      const outer = named.get(field.name)
      const inner = outer?.kind === 'list' ? outer.of : outer
      expect(outer?.kind === 'list', `${type.name}.${field.name} is a list`).toBe(field.label === 'LABEL_REPEATED')
      expect(inner?.kind, `${type.name}.${field.name}`).toBe(KINDS[field.type])
      if (inner?.kind === 'message') compare(inner.shape(), messageType(field.typeName), seen)
    }
  }

  function messageType(name: string): MessageType {
    const found = Object.entries(protos).find(([each]) => each.endsWith(`.${name}`) || each === name)
    return (found?.[1] as { type: MessageType } | undefined)?.type ?? expect.fail(`no message ${name}`)
  }
})
