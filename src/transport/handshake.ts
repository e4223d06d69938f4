/**
 * The first words on a connection (docs/WIRE-PROTOCOL.md): the dialler says who it is and whom it wants, the other side
 * accepts or refuses. Only then do frames flow, from the dialler to the other side.
 *
 *     hello:  magic | versions min, max | cluster | from | to | extension | CRC-32
 *     answer: magic | verdict | versions min, max | cluster | member | extension | CRC-32
 *
 * Always: both sides compare cluster and member, so that a wrong address, a reused port or a restored backup of another
 * cluster is noticed before a single frame is believed. This tells mistakes apart, not attackers: those take TLS.
 * Always: both layouts stay as they are in every later version; what is new goes into the extension, which a version that
 * does not know it skips.
 */
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { ErrorCode } from '../base/errors.js'
import type { PeerId, TransportIdentity } from './transport.js'

/** The versions of the frame layer spoken here. */
export const PROTOCOL_VERSIONS: VersionRange = { min: 1, max: 1 }

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** What the dialler says. */
export interface Hello {
  readonly versions: VersionRange
  readonly clusterId: number
  readonly from: PeerId
  /** Whom it wants to reach. */
  readonly to: PeerId
}

/** Why a hello is refused: codes of the table of errors. */
export type Refusal = Extract<ErrorCode, 'WRONG_CLUSTER' | 'UNKNOWN_PEER' | 'WRONG_MEMBER' | 'VERSION_UNSUPPORTED'>

/** What the other side answers. A refusal does not say who it is: whoever asks has not shown to belong here. */
export type Answer =
  | { readonly type: 'accepted'; readonly version: number; readonly clusterId: number; readonly memberId: PeerId }
  | { readonly type: 'refused'; readonly code: Refusal; readonly versions: VersionRange }

const HELLO_MAGIC = 0x51_52_54_48 // QRTH
const ANSWER_MAGIC = 0x51_52_54_41 // QRTA
const EXTENSION_BYTES_MAX = 1024
const MAGIC_BYTES = 4
const CHECKSUM_BYTES = 4
/** Up to and with the length of the extension. */
const HELLO_FIXED_BYTES = 4 + 2 + 2 + 8 + 8 + 8 + 2
const ANSWER_FIXED_BYTES = 4 + 1 + 2 + 2 + 8 + 8 + 2

/** The position of a verdict is its number on the wire. */
const VERDICTS = ['accepted', 'WRONG_CLUSTER', 'UNKNOWN_PEER', 'WRONG_MEMBER', 'VERSION_UNSUPPORTED'] as const

/** The listening side: whether a hello is accepted. `isPeer` knows the members that are expected to call. */
export function answerHello(hello: Hello, self: TransportIdentity, isPeer: (id: PeerId) => boolean): Answer {
  const version = Math.min(hello.versions.max, PROTOCOL_VERSIONS.max)
  if (version < Math.max(hello.versions.min, PROTOCOL_VERSIONS.min)) return refused('VERSION_UNSUPPORTED')
  if (hello.clusterId !== self.clusterId) return refused('WRONG_CLUSTER')
  if (hello.to !== self.memberId) return refused('WRONG_MEMBER')
  if (!isPeer(hello.from)) return refused('UNKNOWN_PEER')
  return { type: 'accepted', version, clusterId: self.clusterId, memberId: self.memberId }
}

/** The dialling side: the version spoken. Throws unless the answer accepts, and comes from the member that was called. */
export function checkAnswer(answer: Answer, self: TransportIdentity, wanted: PeerId): number {
  if (answer.type === 'refused') throw new StoreError(answer.code, describeRefusal(answer, self, wanted))
  if (answer.clusterId !== self.clusterId) {
    throw new StoreError('WRONG_CLUSTER', `It belongs to cluster ${answer.clusterId}, not to ${self.clusterId}.`)
  }
  if (answer.memberId !== wanted) {
    throw new StoreError('WRONG_MEMBER', `Member ${answer.memberId} answered where ${wanted} was called.`)
  }
  if (answer.version < PROTOCOL_VERSIONS.min || answer.version > PROTOCOL_VERSIONS.max) {
    throw new StoreError('VERSION_UNSUPPORTED', `It chose version ${answer.version}, which was not offered.`)
  }
  return answer.version
}

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new Writer(HELLO_FIXED_BYTES + CHECKSUM_BYTES)
    .uint32(HELLO_MAGIC)
    .uint16(hello.versions.min)
    .uint16(hello.versions.max)
    .uint53(hello.clusterId)
    .uint53(hello.from)
    .uint53(hello.to)
  return sealed(writer)
}

export function encodeAnswer(answer: Answer): Uint8Array {
  const accepted = answer.type === 'accepted'
  const versions = accepted ? { min: answer.version, max: answer.version } : answer.versions
  const writer = new Writer(ANSWER_FIXED_BYTES + CHECKSUM_BYTES)
    .uint32(ANSWER_MAGIC)
    .uint8(accepted ? 0 : VERDICTS.indexOf(answer.code))
    .uint16(versions.min)
    .uint16(versions.max)
    .uint53(accepted ? answer.clusterId : 0)
    .uint53(accepted ? answer.memberId : 0)
  return sealed(writer)
}

/** Gathers the one message that opens a direction of a connection, however it is cut into chunks. */
export class HandshakeReader<Message extends Hello | Answer> {
  readonly #layout: Layout<Message>
  #bytes: Uint8Array = new Uint8Array(0)

  private constructor(layout: Layout<Message>) {
    this.#layout = layout
  }

  static ofHello(): HandshakeReader<Hello> {
    return new HandshakeReader(HELLO_LAYOUT)
  }

  static ofAnswer(): HandshakeReader<Answer> {
    return new HandshakeReader(ANSWER_LAYOUT)
  }

  /**
   * The message, once it is whole. Throws `MALFORMED` as early as it can be known, and for bytes behind the message:
   * nobody may speak on before being answered, and the answer is followed by nothing until a keepalive is due.
   */
  push(chunk: Uint8Array): Message | undefined {
    const { what, fixedBytes } = this.#layout
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#checkMagic()
    if (this.#bytes.byteLength > fixedBytes + EXTENSION_BYTES_MAX + CHECKSUM_BYTES) {
      throw new StoreError('MALFORMED', `The ${what} is too long.`)
    }
    if (this.#bytes.byteLength < fixedBytes) return undefined
    const reader = new Reader(this.#bytes, what)
    reader.raw(fixedBytes - 2)
    const extensionBytes = reader.uint16()
    if (extensionBytes > EXTENSION_BYTES_MAX) throw reader.malformed('its extension is too long')
    if (reader.remaining < extensionBytes + CHECKSUM_BYTES) return undefined
    reader.raw(extensionBytes)
    const sealedBytes = this.#bytes.subarray(0, fixedBytes + extensionBytes)
    if (reader.uint32() !== crc32(sealedBytes)) throw reader.malformed('wrong checksum')
    reader.end()
    return this.#layout.decode(new Reader(sealedBytes.subarray(MAGIC_BYTES), what))
  }

  /** Whoever speaks another protocol is told so by its first bytes, not after the whole length of a hello. */
  #checkMagic(): void {
    const start = this.#bytes.subarray(0, MAGIC_BYTES)
    const magic = new Writer(MAGIC_BYTES).uint32(this.#layout.magic).finish()
    if (!magic.subarray(0, start.byteLength).every((byte, at) => byte === start[at])) {
      throw new StoreError('MALFORMED', `What came is no ${this.#layout.what}: the other side does not speak Quorate.`)
    }
  }
}

interface Layout<Message> {
  readonly what: string
  readonly magic: number
  readonly fixedBytes: number
  /** From behind the magic. */
  decode(reader: Reader): Message
}

const HELLO_LAYOUT: Layout<Hello> = {
  what: 'hello of a peer',
  magic: HELLO_MAGIC,
  fixedBytes: HELLO_FIXED_BYTES,
  decode: (reader) => ({
    versions: decodeVersions(reader),
    clusterId: reader.uint53(),
    from: reader.uint53(),
    to: reader.uint53(),
  }),
}

const ANSWER_LAYOUT: Layout<Answer> = {
  what: 'answer of a peer',
  magic: ANSWER_MAGIC,
  fixedBytes: ANSWER_FIXED_BYTES,
  decode: (reader) => {
    const verdict = VERDICTS[reader.uint8()]
    if (verdict === undefined) throw reader.malformed('a verdict that is not known')
    const versions = decodeVersions(reader)
    if (verdict !== 'accepted') return { type: 'refused', code: verdict, versions }
    return { type: 'accepted', version: versions.max, clusterId: reader.uint53(), memberId: reader.uint53() }
  },
}

function decodeVersions(reader: Reader): VersionRange {
  const versions = { min: reader.uint16(), max: reader.uint16() }
  if (versions.min > versions.max) throw reader.malformed(`versions ${versions.min} to ${versions.max}`)
  return versions
}

/** Ends a message: an empty extension, and the checksum of everything before. */
function sealed(writer: Writer): Uint8Array {
  writer.uint16(0)
  return writer.uint32(crc32(writer.written())).finish()
}

function refused(code: Refusal): Answer {
  return { type: 'refused', code, versions: PROTOCOL_VERSIONS }
}

function describeRefusal(answer: Answer & { type: 'refused' }, self: TransportIdentity, wanted: PeerId): string {
  switch (answer.code) {
    case 'WRONG_CLUSTER':
      return `It belongs to another cluster than ours (${self.clusterId}).`
    case 'WRONG_MEMBER':
      return `It is not member ${wanted}: the address is wrong, or was given to another member.`
    case 'UNKNOWN_PEER':
      return `It does not know us (member ${self.memberId}) as a member of the cluster.`
    case 'VERSION_UNSUPPORTED':
      return (
        `It speaks protocol versions ${answer.versions.min} to ${answer.versions.max}, ` +
        `we speak ${PROTOCOL_VERSIONS.min} to ${PROTOCOL_VERSIONS.max}.`
      )
  }
}

/** Whether an error is a refusal by the other side or by us, which trying again will not mend by itself. */
export function isRefusal(error: unknown): error is StoreError {
  return isStoreError(error) && (VERDICTS as readonly string[]).includes(error.code)
}
