/**
 * Between the peer URLs of etcd's API and addresses as members have them: `http://10.0.0.1:2380` and `10.0.0.1:2380`. Whether
 * peers speak TLS is not in an address: the face is told, for all members alike.
 */
import type { PeerScheme } from '../server/options.js'

/** Undefined for what is no URL by which a member can be reached: no scheme, no port, a path, a socket of this machine. */
export function addressOfPeerUrl(url: string): string | undefined {
  const [, host = '', port = ''] = PEER_URL.exec(url) ?? []
  return host !== '' && Number(port) > 0 && Number(port) <= PORT_MAX ? `${host}:${port}` : undefined
}

/** None of a member that listens nowhere. */
export function peerUrlsOf(address: string, scheme: PeerScheme): string[] {
  return address === '' ? [] : [`${scheme}://${address}`]
}

const PEER_URL = /^https?:\/\/(\[[0-9a-f:.]+(?:%[\w.-]+)?\]|[^\s:/?#@[\]]+):(\d{1,5})$/i
const PORT_MAX = 65_535
