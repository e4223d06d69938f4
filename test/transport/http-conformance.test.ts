/** What every transport must do, over HTTP: with a server of its own, and attached to one that is there for other things. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'vitest'
import { systemEnvironment } from '../../src/runtime/system.js'
import { transportConformance } from '../../src/testing/conformance/transport.js'
import { httpTransport } from '../../src/transport/http.js'
import type { TlsOptions } from '../../src/transport/tls-options.js'
import { certificateAuthority } from '../certificates.js'

const environment = systemEnvironment()

describe('http', () => {
  transportConformance({
    test,
    harness: () => ({
      transport: (address = 'http://127.0.0.1:0') => httpTransport({ listen: new URL(address).host, environment }),
      timers: environment.timers,
      refusesDuplicates: true,
    }),
  })
})

describe('https', () => {
  const tls = membersTls()
  transportConformance({
    test,
    harness: () => ({
      transport: (address = 'https://127.0.0.1:0') =>
        httpTransport({ listen: new URL(address).host, tls, environment }),
      timers: environment.timers,
      refusesDuplicates: true,
    }),
  })
})

describe('http, attached to a server', () => {
  transportConformance({
    test,
    harness: async () => {
      const servers = await Promise.all(Array.from({ length: 4 }, () => listening()))
      let used = 0
      const transport = (address = addressOf(servers[used++] as Server)) => {
        const server = servers.find((each) => addressOf(each) === address) as Server
        return httpTransport({ server, path: '/cluster/a', address, environment })
      }
      const dispose = async () => {
        for (const server of servers) await new Promise((resolve) => server.close(resolve))
      }
      return { transport, timers: environment.timers, refusesDuplicates: true, dispose }
    },
  })
})

function membersTls(): TlsOptions {
  const authority = certificateAuthority()
  return { ...authority.issue(), ca: authority.cert }
}

async function listening(): Promise<Server> {
  const server = createServer((_, response) => response.writeHead(404).end('not of this application'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/cluster/a`
}
