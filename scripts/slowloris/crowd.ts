/**
 * Thousands of sockets that waste the time of members: `crowd.ts <settings as JSON>`. A third say nothing at all, a third say what a
 * peer would, one byte at a time, a third finish what they are let finish and fall silent. Who is closed comes back after a while.
 */
import { connect, type Socket } from 'node:net'
import { constants, setPriority } from 'node:os'
import { connect as connectSecurely } from 'node:tls'
import { Parent } from '../../demo/processes/parent.js'
import { parseAddress } from '../../src/transport/address.js'
import { encodeHello, PROTOCOL_VERSIONS, questionHello } from '../../src/transport/handshake.js'
import type { CrowdCommand, CrowdCounts, CrowdSettings } from './messages.js'

const DRIBBLE_MS = 300
const BACK_MS_MIN = 1000
const BACK_MS_SPREAD = 2000

// It would be on other machines: what it takes of this one is not what is measured.
setPriority(constants.priority.PRIORITY_LOW)
const { addresses, way, sockets } = JSON.parse(process.argv[2] ?? '') as CrowdSettings
const open = new Set<Socket>()
let made = 0
let gathered = false
const opening = encodeHello(questionHello(PROTOCOL_VERSIONS))
const request = Buffer.from('POST /quorate/ask HTTP/1.1\r\nHost: member\r\nContent-Length: 4000\r\n\r\n')
/** The beginning of a ClientHello: what is announced comes byte by byte. */
const clientHello = Buffer.concat([Buffer.from('16030102000100', 'hex'), Buffer.alloc(500, 1)])

new Parent<CrowdCommand, never>(answer)

async function answer({ type }: CrowdCommand): Promise<CrowdCounts> {
  if (type === 'gather') {
    gathered = true
    await Promise.all(Array.from({ length: sockets }, (_, nth) => come(nth)))
  } else if (type === 'disperse') {
    gathered = false
    for (const socket of open) socket.destroy()
  }
  return { open: open.size, made }
}

/** Resolves once it is connected, or was refused. */
function come(nth: number): Promise<void> {
  const address = parseAddress(addresses[nth % addresses.length] ?? '')
  const manner = Math.floor(nth / addresses.length) % 3
  const finishes = manner === 2
  const socket =
    way === 'tls' && finishes
      ? connectSecurely({ ...address, rejectUnauthorized: false })
      : connect({ ...address, noDelay: true })
  open.add(socket)
  made++
  socket.on('error', () => undefined)
  socket.resume()
  if (manner === 1) dribble(socket, way === 'tls' ? clientHello : way === 'http' ? request : opening)
  if (finishes && way !== 'tls') socket.write(way === 'http' ? request : opening)
  socket.once('close', () => {
    open.delete(socket)
    setTimeout(() => gathered && void come(nth), BACK_MS_MIN + Math.random() * BACK_MS_SPREAD)
  })
  return new Promise((resolve) => {
    socket.once('connect', resolve)
    socket.once('close', () => resolve())
  })
}

function dribble(socket: Socket, bytes: Uint8Array): void {
  let at = 0
  const timer = setInterval(() => {
    if (at < bytes.byteLength) socket.write(bytes.subarray(at, ++at))
  }, DRIBBLE_MS)
  socket.once('close', () => clearInterval(timer))
}
