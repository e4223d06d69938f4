/** Dials: a socket on its way to an address, and when it can be spoken on. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { HostPort } from './address.js'

export interface Dialling {
  readonly socket: Socket
  onReady(ready: () => void): void
}

export function dial(address: HostPort): Dialling {
  const socket = connect({ ...address, noDelay: true, keepAlive: true })
  return {
    socket,
    onReady: (ready) => {
      socket.once('connect', ready)
    },
  }
}
