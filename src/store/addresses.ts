/**
 * The addresses of a cluster over TCP, looked at before anything is on disk: a data directory is bound to the first options
 * it is opened with, and must not be bound to those that could never work.
 */
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { parseAddress } from '../transport/address.js'
import { checkListen } from '../transport/tcp.js'
import type { OpenOptions, Settings } from './options.js'

/** Where the TCP transport is to listen; '' for nowhere. Throws `ADDRESS_INVALID` or `TLS_REQUIRED`. */
export function listenAddressOf({ listen, insecure }: OpenOptions, { members, memberId }: Settings): string {
  const several = members.length > 1
  if (several) for (const { name, address } of members) checkDialled(address, `of member ${quote(name)}`)
  const address = listen ?? members.find(({ id }) => id === memberId)?.address ?? ''
  if (address === '' && !several) return ''
  checkListen(address, insecure === true)
  if (several) checkDialled(address, 'to listen on')
  return address
}

function checkDialled(address: string, whose: string): void {
  if (parseAddress(address).port > 0) return
  throw new StoreError(
    'ADDRESS_INVALID',
    `The address ${quote(address)} ${whose} has port 0, which is any free one: the other members could not dial it.`,
  )
}
