/** Dials: a socket on its way to an address, and when it can be spoken on. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import type { HostPort } from './address.js'
import type { TlsIdentity } from './tls-identity.js'

export interface Dialling {
  readonly socket: Socket
  onReady(ready: () => void): void
}

/** With `tls`, which is ready, who answers has shown to be at this address before it can be spoken to. */
export function dial(address: HostPort, tls: TlsIdentity | undefined): Dialling {
  if (tls === undefined) {
    const socket = connect({ ...address, noDelay: true, keepAlive: true })
    return { socket, onReady: (ready) => void socket.once('connect', ready) }
  }
  const socket = connectSecurely({ ...address, ...tls.clientOptions(address.host) })
  socket.setNoDelay(true).setKeepAlive(true)
  return { socket, onReady: (ready) => void socket.once('secureConnect', ready) }
}
