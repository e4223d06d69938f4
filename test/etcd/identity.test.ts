import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KVService } from '../../src/etcd/generated/rpc.js'
import { certificateAuthority } from '../certificates.js'
import { messageOf, serve, type Served } from './served.js'
import { grpcMessage } from './raw-http2.js'

const authority = certificateAuthority()

let served: Served

beforeAll(async () => {
  served = await serve(
    {
      listenClientUrls: ['http://127.0.0.1:0', 'https://127.0.0.1:0'],
      tls: { ...authority.issue({ name: 'server' }), trustedCa: authority.cert, clientCertAuth: true },
    },
    { auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } } },
  )
  const { auth } = served.store
  await auth.users.add('root', { password: 'root' })
  await auth.roles.add('root')
  await auth.users.grantRole('root', 'root')
  await auth.enable()
})
afterAll(() => served.close())

const portOf = (nth: number): number => Number(new URL(served.server.clientUrls[nth] as string).port)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** To one of the URLs, from a port that may be in use towards the other one. */
async function connected(port: number, localPort: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort })
  await once(socket, 'connect')
  return socket
}

async function secured(localPort: number, name: string): Promise<Socket> {
  const { key, cert } = authority.issue({ name })
  const socket = await connected(portOf(1), localPort)
  const tls = connectTls({ socket, ca: authority.cert, key, cert, ALPNProtocols: ['h2'], servername: 'localhost' })
  await once(tls, 'secureConnect')
  return tls
}

/** The text of a put's status. */
async function put(socket: Socket): Promise<string> {
  const session = connectHttp2('http://127.0.0.1', { createConnection: () => socket })
  const stream = session.request({
    ...{ ':method': 'POST', ':path': KVService.put.path, 'content-type': 'application/grpc', te: 'trailers' },
  })
  let text = ''
  const hear = (headers: object): void => {
    text = (headers as Record<string, string>)['grpc-message'] ?? text
  }
  stream.on('response', hear).on('trailers', hear).resume()
  const request = messageOf(KVService.put, { key: Buffer.from('a'), value: Buffer.from('1') })
  stream.end(grpcMessage(KVService.put.requestSerialize(request)))
  await once(stream, 'close')
  session.destroy()
  return decodeURIComponent(text)
}

describe('who a client is', () => {
  it('belongs to its connection, not to its address and port', async () => {
    const port = await freePort()
    const root = await secured(port, 'root')
    const stranger = await connected(portOf(0), port)
    expect(await put(stranger)).toBe('etcdserver: user name is empty')
    expect(await put(root)).toBe('OK')
  })
})
