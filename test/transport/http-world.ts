/** Real HTTP transports for tests, and requests that are anything but a member's. */
import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestSecurely, type RequestOptions as SecureRequestOptions } from 'node:https'
import { connect, type Socket } from 'node:net'
import type { Environment } from '../../src/base/clock.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { helloHeader } from '../../src/transport/http-handshake.js'
import { httpTransport } from '../../src/transport/http.js'
import type { HttpListenOptions, HttpTransport } from '../../src/transport/http-options.js'
import type { Hello } from '../../src/transport/handshake.js'
import type { PeerId } from '../../src/transport/transport.js'
import { Caller, CLUSTER, Member, MemoryLog } from './tcp-world.js'

type Options = Partial<Omit<HttpListenOptions, 'environment'>> & { environment?: Environment; cluster?: number }

export class HttpWorld {
  readonly log = new MemoryLog()
  readonly #members: Member[] = []
  readonly #sockets: Socket[] = []

  /** With a server of its own. */
  open(id: PeerId, options: Options = {}): Promise<Member> {
    const { cluster, environment = systemEnvironment(this.log), ...rest } = options
    return this.adopt(id, httpTransport({ listen: '127.0.0.1:0', ...rest, environment }), cluster)
  }

  async adopt(id: PeerId, transport: HttpTransport, clusterId: number = CLUSTER): Promise<Member> {
    const member = new Member(id, transport)
    this.#members.push(member)
    await transport.start({ clusterId, memberId: id }, member)
    return member
  }

  /** Two that know each other. */
  async pair(options: Options = {}): Promise<[Member, Member]> {
    const [a, b] = [await this.open(1, options), await this.open(2, options)]
    await meet(a, b)
    return [a, b]
  }

  /** A bare socket that says only what the test makes it say. */
  async call(member: Member): Promise<Caller> {
    const { hostname, port } = new URL(member.address)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#sockets.push(socket)
    const caller = new Caller(socket)
    await caller.connected
    return caller
  }

  /** A bare socket that asked for a stream, as a peer does, and got it or was refused. */
  async callAs(from: PeerId, member: Member, given: Partial<Hello> = {}): Promise<Caller> {
    const caller = await this.call(member)
    caller.write(Buffer.from(streamRequest({ from, to: member.id, ...given })))
    await caller.until(() => caller.bytes.includes('\r\n\r\n') || caller.closed)
    return caller
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#members.map((member) => member.transport.close()))
  }
}

export async function meet(a: Member, b: Member): Promise<void> {
  a.transport.setPeers([b.peer])
  b.transport.setPeers([a.peer])
  await Promise.all([a.reported(`+${b.id}`), b.reported(`+${a.id}`)])
}

export function helloOf(given: Partial<Hello>): Hello {
  const versions = { min: 2, max: 2 }
  return { versions, clusterId: CLUSTER, from: 2, to: 1, purpose: 'main', life: 1, ...given }
}

export function streamRequest(given: Partial<Hello>, path = '/quorate'): string {
  return `GET ${path}/stream HTTP/1.1\r\nHost: member\r\nQuorate-Hello: ${helloHeader(helloOf(given))}\r\n\r\n`
}

export interface Said {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** One request and all of its response. */
export function fetched(url: string, options: RequestOptions = {}, body?: Uint8Array | string): Promise<Said> {
  return said(request(url, { agent: false, ...options }).end(body))
}

export function fetchedSecurely(url: string, options: SecureRequestOptions): Promise<Said> {
  return said(requestSecurely(url, { agent: false, ...options }).end())
}

async function said(sent: ClientRequest): Promise<Said> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }
}
