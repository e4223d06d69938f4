/** Real TCP transports and bare sockets for tests: everything waits for what happens, nothing for time to pass. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Environment } from '../../src/base/clock.js'
import type { LogFields, Logger } from '../../src/base/logger.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { parseAddress } from '../../src/transport/address.js'
import { encodeHello, PROTOCOL_VERSIONS, type Hello, type VersionRange } from '../../src/transport/handshake.js'
import { tcpTransportSpeaking } from '../../src/transport/tcp.js'
import type { TcpOptions } from '../../src/transport/tcp-options.js'
import type { Frame, Peer, PeerId, Transport, TransportHandler } from '../../src/transport/transport.js'

export const CLUSTER = 7

/** Resolves when told so by something that happened. */
export class Watched {
  #waiting: { readonly met: () => boolean; readonly resolve: () => void }[] = []

  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ met, resolve }))
  }

  happened(): void {
    this.#waiting = this.#waiting.filter(({ met, resolve }) => {
      if (met()) resolve()
      return !met()
    })
  }
}

/** For what can only be looked at: looks in each turn of the event loop. */
export async function eventually(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve))
}

/** A log that can be read and waited for. */
export class MemoryLog extends Watched implements Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields }[] = []
  debug = this.#writer('debug')
  info = this.#writer('info')
  warn = this.#writer('warn')
  error = this.#writer('error')

  of(message: string): LogFields[] {
    return this.lines.filter((line) => line.message === message).map(({ fields }) => fields)
  }

  #writer(level: string) {
    return (message: string, fields: LogFields = {}): void => {
      this.lines.push({ level, message, fields })
      this.happened()
    }
  }
}

export class Member extends Watched implements TransportHandler {
  readonly id: PeerId
  readonly transport: Transport
  readonly frames: { readonly from: PeerId; readonly frame: Frame }[] = []
  readonly reports: string[] = []
  readonly versions = new Map<PeerId, number>()
  answer: (question: Uint8Array) => Promise<Uint8Array> = (question) => Promise.resolve(question)

  constructor(id: PeerId, transport: Transport) {
    super()
    this.id = id
    this.transport = transport
  }

  get address(): string {
    return this.transport.address ?? ''
  }

  get peer(): Peer {
    return { id: this.id, address: this.address }
  }

  onFrame(from: PeerId, frame: Frame): void {
    this.frames.push({ from, frame })
    this.happened()
  }

  onReachable(peer: PeerId, version: number): void {
    this.reports.push(`+${peer}`)
    this.versions.set(peer, version)
    this.happened()
  }

  onRemoved(by: PeerId): void {
    this.reports.push(`removed by ${by}`)
    this.happened()
  }

  onQuestion(question: Uint8Array): Promise<Uint8Array> {
    return this.answer(question)
  }

  onUnreachable(peer: PeerId): void {
    this.reports.push(`-${peer}`)
    this.happened()
  }

  reported(report: string, times = 1): Promise<void> {
    return this.until(() => this.reports.filter((found) => found === report).length >= times)
  }
}

export interface MemberOptions extends Partial<TcpOptions> {
  readonly environment?: Environment
  readonly cluster?: number
  readonly versions?: VersionRange
}

export class TcpWorld {
  readonly log = new MemoryLog()
  readonly #members: Member[] = []
  readonly #callers: Caller[] = []

  unstarted(id: PeerId, options: MemberOptions = {}): Member {
    const { environment = systemEnvironment(this.log), versions = PROTOCOL_VERSIONS } = options
    const member = new Member(id, tcpTransportSpeaking(versions, { listen: '127.0.0.1:0', ...options, environment }))
    this.#members.push(member)
    return member
  }

  async open(id: PeerId, options: MemberOptions = {}): Promise<Member> {
    const member = this.unstarted(id, options)
    await member.transport.start({ clusterId: options.cluster ?? CLUSTER, memberId: id }, member)
    return member
  }

  /** A bare socket that speaks only what the test makes it speak. */
  async call(member: Member): Promise<Caller> {
    const caller = new Caller(connect({ ...parseAddress(member.address), noDelay: true }))
    this.#callers.push(caller)
    await caller.connected
    return caller
  }

  /** A bare socket whose hello was accepted. */
  async callAs(from: PeerId, member: Member): Promise<Caller> {
    const caller = await this.call(member)
    caller.write(hello({ from, to: member.id }))
    await caller.until(() => caller.bytes.byteLength > 0 || caller.closed)
    return caller
  }

  async close(): Promise<void> {
    for (const caller of this.#callers) caller.socket.destroy()
    await Promise.all(this.#members.map((member) => member.transport.close()))
  }
}

export class Caller extends Watched {
  readonly socket: Socket
  readonly connected: Promise<unknown>
  bytes = Buffer.alloc(0)
  closed = false

  constructor(socket: Socket) {
    super()
    this.socket = socket
    this.connected = once(socket, 'connect')
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk])
      this.happened()
    })
    socket.on('close', () => {
      this.closed = true
      this.happened()
    })
  }

  write(...chunks: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(chunks))
  }

  /** Resolves once the other side has closed the connection. */
  ended(): Promise<void> {
    return this.until(() => this.closed)
  }
}

export function hello(given: Partial<Hello>): Uint8Array {
  const base = {
    versions: PROTOCOL_VERSIONS,
    clusterId: CLUSTER,
    from: 2,
    to: 1,
    purpose: 'main',
    life: undefined,
  } as const
  return encodeHello({ ...base, ...given })
}
