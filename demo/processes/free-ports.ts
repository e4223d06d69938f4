/**
 * Ports on loopback that nobody listens on.
 *
 * Below 32768: from there on the operating systems take the near ends of outgoing connections, and such a connection of
 * one member could sit on the port of another that is about to be restarted.
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const PORT_MIN = 20_000
const PORT_MAX = 32_000

export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
