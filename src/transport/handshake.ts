/**
 * The first words on a connection (docs/WIRE-PROTOCOL.md): the dialler says who it is and whom it wants, the other side
 * accepts or refuses. Only then do frames flow. Over TCP they go from the dialler to the other side.
 *
 *     hello:  magic | versions min, max | cluster | from | to | extension | CRC-32
 *     answer: magic | verdict | versions min, max | cluster | member | extension | CRC-32
 *
 * Always: both sides compare cluster and member, so that a wrong address, a reused port or a restored backup of another
 * cluster is noticed before a single frame is believed. This tells mistakes apart, not attackers: those take TLS.
 * Always: both layouts stay as they are in every later version; what is new goes into the extension, which a version that
 * does not know it skips. To a version 1 nothing else is ever sent than what it knows: not a verdict, not a channel.
 */
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { ErrorCode } from '../base/errors.js'
import { decodeHelloExtension, encodeHelloExtension } from './hello-extension.js'
import type { HelloExtension } from './hello-extension.js'
import type { Channel, PeerId, TransportIdentity } from './transport.js'

/** The versions spoken here, of this layer and of what is inside the frames (member/wire): one number for both. */
export const PROTOCOL_VERSIONS: VersionRange = { min: 1, max: 3 }

/** The first with channels, questions, lives, and the verdicts of {@link NEW_IN_2}. */
const CHANNELS_SINCE = 2

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** One end, as it presents itself. */
export interface Speaker extends TransportIdentity {
  readonly versions: VersionRange
  /** Drawn at its start: see {@link HelloExtension}. */
  readonly life: number
}

/** What the dialler says. */
export interface Hello extends HelloExtension {
  readonly versions: VersionRange
  readonly clusterId: number
  readonly from: PeerId
  /** Whom it wants to reach. */
  readonly to: PeerId
}

/** Why a hello is refused: codes of the table of errors. */
export type Refusal = Exclude<(typeof VERDICTS)[number], 'accepted'> & ErrorCode

/** What the other side answers. A refusal does not say who it is: whoever asks has not shown to belong here. */
export type Answer =
  | { readonly type: 'accepted'; readonly version: number; readonly clusterId: number; readonly memberId: PeerId }
  | { readonly type: 'refused'; readonly code: Refusal; readonly versions: VersionRange }

const NOTHING = new Uint8Array(0)
const HELLO_MAGIC = 0x51_52_54_48 // QRTH
const ANSWER_MAGIC = 0x51_52_54_41 // QRTA
const EXTENSION_BYTES_MAX = 1024
/** The first byte of whoever begins TLS. */
const TLS_HANDSHAKE = 0x16
const NOT_OURS = 'the other side does not speak Quorate'
const MAGIC_BYTES = 4
const CHECKSUM_BYTES = 4
/** Up to and with the length of the extension. */
const HELLO_FIXED_BYTES = 4 + 2 + 2 + 8 + 8 + 8 + 2
const ANSWER_FIXED_BYTES = 4 + 1 + 2 + 2 + 8 + 8 + 2

/** The position of a verdict is its number on the wire. */
const VERDICTS = [
  ...['accepted', 'WRONG_CLUSTER', 'UNKNOWN_PEER', 'WRONG_MEMBER', 'VERSION_UNSUPPORTED'],
  ...['REMOVED', 'DUPLICATE_MEMBER', 'CERTIFICATE_REFUSED'],
] as const
const NEW_IN_2: readonly Refusal[] = ['REMOVED', 'DUPLICATE_MEMBER', 'CERTIFICATE_REFUSED']

/** What `self` says to member `to` on the connection that is to be this channel between them. */
export function helloTo(to: PeerId, channel: Channel, self: Speaker): Hello {
  const { clusterId, memberId: from, versions, life } = self
  return {
    versions: channel === 'main' ? versions : withChannels(versions),
    clusterId,
    from,
    to,
    purpose: channel,
    life,
  }
}

/** What somebody says who is no member, and asks something. */
export function questionHello(versions: VersionRange): Hello {
  return { versions: withChannels(versions), clusterId: 0, from: 0, to: 0, purpose: 'question', life: undefined }
}

/** Version 1 would take whatever calls for the main channel of a member. */
function withChannels({ min, max }: VersionRange): VersionRange {
  return { min: Math.max(min, CHANNELS_SINCE), max: Math.max(max, CHANNELS_SINCE) }
}

/**
 * The listening side: whether a hello is accepted. `judge` knows the members that are expected to call, and what speaks
 * against this one. A question is accepted from everybody, who is not told by whom.
 */
export function answerHello(hello: Hello, self: Speaker, judge: (hello: Hello) => Refusal | undefined): Answer {
  const { versions, clusterId, memberId } = self
  const version = Math.min(hello.versions.max, versions.max)
  const refused = (code: Refusal): Answer => ({ type: 'refused', code, versions })
  if (version < Math.max(hello.versions.min, versions.min)) return refused('VERSION_UNSUPPORTED')
  if (hello.purpose === 'unknown') return refused('VERSION_UNSUPPORTED')
  if (hello.purpose === 'question') return { type: 'accepted', version, clusterId: 0, memberId: 0 }
  if (hello.clusterId !== clusterId) return refused('WRONG_CLUSTER')
  if (hello.to !== memberId) return refused('WRONG_MEMBER')
  const refusal = judge(hello)
  if (refusal === undefined) return { type: 'accepted', version, clusterId, memberId }
  return refused(version < CHANNELS_SINCE && NEW_IN_2.includes(refusal) ? 'UNKNOWN_PEER' : refusal)
}

/** The dialling side: the version spoken. Throws unless the answer accepts, and comes from whom the hello was for. */
export function checkAnswer(answer: Answer, hello: Hello): number {
  const { versions, clusterId, to } = hello
  if (answer.type === 'refused') throw new StoreError(answer.code, describeRefusal(answer, hello))
  if (answer.clusterId !== clusterId) {
    throw new StoreError('WRONG_CLUSTER', `It belongs to cluster ${answer.clusterId}, not to ${clusterId}.`)
  }
  if (answer.memberId !== to) {
    throw new StoreError('WRONG_MEMBER', `Member ${answer.memberId} answered where ${to} was called.`)
  }
  if (answer.version < versions.min || answer.version > versions.max) {
    throw new StoreError('VERSION_UNSUPPORTED', `It chose version ${answer.version}, which was not offered.`)
  }
  return answer.version
}

/** Whether a peer that speaks this version has channels. */
export function hasChannels(version: number): boolean {
  return version >= CHANNELS_SINCE
}

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new Writer(HELLO_FIXED_BYTES + CHECKSUM_BYTES)
    .uint32(HELLO_MAGIC)
    .uint16(hello.versions.min)
    .uint16(hello.versions.max)
    .uint53(hello.clusterId)
    .uint53(hello.from)
    .uint53(hello.to)
  return sealed(writer, hasChannels(hello.versions.max) ? encodeHelloExtension(hello) : NOTHING)
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
  return sealed(writer, NOTHING)
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
    const extension = sealedBytes.subarray(fixedBytes)
    return this.#layout.decode(new Reader(sealedBytes.subarray(MAGIC_BYTES, fixedBytes - 2), what), extension)
  }

  /** Whoever speaks another protocol is told so by its first bytes, not after the whole length of a hello. */
  #checkMagic(): void {
    const start = this.#bytes.subarray(0, MAGIC_BYTES)
    const magic = new Writer(MAGIC_BYTES).uint32(this.#layout.magic).finish()
    if (magic.subarray(0, start.byteLength).every((byte, at) => byte === start[at])) return
    const other = start[0] === TLS_HANDSHAKE ? 'it speaks TLS, and this side was started without `tls`' : NOT_OURS
    throw new StoreError('MALFORMED', `What came is no ${this.#layout.what}: ${other}.`)
  }
}

interface Layout<Message> {
  readonly what: string
  readonly magic: number
  readonly fixedBytes: number
  /** From behind the magic up to the length of the extension. */
  decode(reader: Reader, extension: Uint8Array): Message
}

const HELLO_LAYOUT: Layout<Hello> = {
  what: 'hello of a peer',
  magic: HELLO_MAGIC,
  fixedBytes: HELLO_FIXED_BYTES,
  decode: (reader, extension) => {
    const versions = decodeVersions(reader)
    const ids = { clusterId: reader.uint53(), from: reader.uint53(), to: reader.uint53() }
    return { versions, ...ids, ...decodeHelloExtension(hasChannels(versions.max) ? extension : NOTHING) }
  },
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

/** Ends a message: its extension, and the checksum of everything before. */
function sealed(writer: Writer, extension: Uint8Array): Uint8Array {
  writer.uint16(extension.byteLength).raw(extension)
  return writer.uint32(crc32(writer.written())).finish()
}

function describeRefusal(answer: Answer & { type: 'refused' }, hello: Hello): string {
  const { versions, clusterId, from, to } = hello
  switch (answer.code) {
    case 'WRONG_CLUSTER':
      return `It belongs to another cluster than ours (${clusterId}).`
    case 'WRONG_MEMBER':
      return `It is not member ${to}: the address is wrong, or was given to another member.`
    case 'UNKNOWN_PEER':
      return `It does not know us (member ${from}) as a member of the cluster.`
    case 'VERSION_UNSUPPORTED':
      return (
        `It speaks protocol versions ${answer.versions.min} to ${answer.versions.max}, ` +
        `we speak ${versions.min} to ${versions.max}.`
      )
    case 'REMOVED':
      return `It says that we (member ${from}) were removed from the cluster.`
    case 'DUPLICATE_MEMBER':
      return (
        `Another process runs as member ${from} and is connected to it: of two copies of one data directory only ` +
        `one may run.`
      )
    case 'CERTIFICATE_REFUSED':
      // Who only asks is nobody yet.
      if (hello.purpose === 'question') return 'It does not take our certificate: its log says why.'
      return `It does not take our certificate for that of member ${from}: its log says why.`
  }
}

/** Whether an error is a refusal by the other side or by us, which trying again will not mend by itself. */
export function isRefusal(error: unknown): error is StoreError {
  return isStoreError(error) && (VERDICTS as readonly string[]).includes(error.code)
}
