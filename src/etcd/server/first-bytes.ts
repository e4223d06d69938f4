/**
 * What a caller speaks, by the first bytes it sends: they are put back, so that whoever serves it reads them again.
 *
 *     0x16        a handshake of TLS
 *     PRI         HTTP/2, known to be spoken here (RFC 9113 3.4)
 *     other       HTTP/1, or nothing that is known
 */
import type { Socket } from 'node:net'

export type Spoken = 'tls' | 'http2' | 'http1'

const TLS_HANDSHAKE = 0x16
const PREFACE = Buffer.from('PRI')

/** Calls `told` once, unless the socket is closed before. The socket is paused then. */
export function hearFirstBytes(socket: Socket, told: (spoken: Spoken) => void): void {
  let seen: Buffer = Buffer.alloc(0)
  const hear = (bytes: Buffer): void => {
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes])
    const spoken = spokenBy(seen)
    if (spoken === undefined) return
    socket.off('data', hear)
    socket.pause()
    socket.unshift(seen)
    told(spoken)
  }
  socket.on('data', hear)
}

/** Undefined: too few to tell. */
function spokenBy(bytes: Buffer): Spoken | undefined {
  if (bytes[0] === TLS_HANDSHAKE) return 'tls'
  const known = bytes.subarray(0, PREFACE.length)
  if (!known.equals(PREFACE.subarray(0, known.length))) return 'http1'
  return known.length === PREFACE.length ? 'http2' : undefined
}
