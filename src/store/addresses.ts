/**
 * The addresses of a cluster over TCP, looked at before anything is on disk: a data directory is bound to the first options
 * it is opened with, and must not be bound to those that could never work.
 */
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { parseAddress } from '../transport/address.js'
import { checkListen } from '../transport/listener.js'
import type { ClusterSettings, JoinSettings } from './cluster-options.js'
import type { OpenOptions } from './options.js'

/** Where the TCP transport of a first member is to listen; '' for nowhere. Throws `ADDRESS_INVALID` or `TLS_REQUIRED`. */
export function listenAddressOf(
  { listen, advertise, insecure, tls }: OpenOptions,
  { members, memberId }: ClusterSettings,
): string {
  const several = members.length > 1
  // Also where there is nobody yet who could dial it: others may be added.
  if (advertise !== undefined) checkDialled(advertise, 'to advertise')
  const address = listen ?? members.find(({ id }) => id === memberId)?.address ?? ''
  if (address === '' && !several) return ''
  checkListen(address, insecure === true || tls !== undefined)
  if (several) {
    for (const { name, address: dialled } of members) checkDialled(dialled, `of member ${quote(name)}`)
    checkDialled(address, 'to listen on', true)
  }
  return address
}

/** The same of a member that joins, whose own address is dialled by the others. */
export function joiningAddressOf({ listen, insecure, tls }: OpenOptions, { address }: JoinSettings): string {
  checkDialled(address, listen === address ? 'to listen on' : 'to advertise')
  checkListen(listen ?? address, insecure === true || tls !== undefined)
  return listen ?? address
}

/**
 * Throws `ADDRESS_INVALID` for what nobody can dial.
 *
 * @param whose behind "the address ...".
 * @param listening whether it may be every interface of the machine.
 */
export function checkDialled(address: string, whose: string, listening = false): void {
  const { host, port } = parseAddress(address)
  if (port === 0) {
    throw new StoreError(
      'ADDRESS_INVALID',
      `The address ${quote(address)} ${whose} has port 0, which is any free one: the other members could not dial it.`,
    )
  }
  if (listening || !isUnspecified(host)) return
  throw new StoreError(
    'ADDRESS_INVALID',
    `The address ${quote(address)} ${whose} stands for every interface of a machine, and for none that the other members could ` +
      'dial: listen on it, and give the address of this machine as `advertise`, or in `cluster`.',
  )
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || (host.includes(':') && /^[0:.]*$/.test(host))
}
