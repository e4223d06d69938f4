/** Ids of members and clusters as etcdctl writes them: 64 bits in hexadecimal. */
import { badArguments } from './ctl-error.js'

/** Throws {@link CtlError}. */
export function memberIdOf(given: string): bigint {
  if (/^[0-9a-f]{1,16}$/i.test(given)) return BigInt(`0x${given}`)
  throw badArguments(`bad member ID arg (strconv.ParseUint: parsing "${given}": invalid syntax), expecting ID in Hex`)
}

export function memberIdText(id: bigint | undefined): string {
  return (id ?? 0n).toString(16)
}
