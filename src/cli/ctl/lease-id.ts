/** Ids of leases as etcdctl writes them: 64 bits in hexadecimal. */
import { badArguments } from './ctl-error.js'

/** Throws {@link CtlError}. */
export function leaseIdOf(given: string, what: string): bigint {
  if (!/^-?[0-9a-f]{1,16}$/i.test(given)) {
    throw badArguments(`${what} (strconv.ParseInt: parsing "${given}": invalid syntax), expecting ID in Hex`)
  }
  const negative = given.startsWith('-')
  const id = BigInt(`0x${negative ? given.slice(1) : given}`)
  return BigInt.asIntN(64, negative ? -id : id)
}

export function leaseIdText(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, '0')
}
