import type { Socket } from 'node:net'

/** Where the other side of a socket is, for the log. */
export function remoteOf({ remoteAddress, remotePort }: Socket): string {
  // A socket forgets it when it is closed.
  return remoteAddress === undefined ? 'somebody who has hung up' : `${remoteAddress}:${remotePort ?? 0}`
}
