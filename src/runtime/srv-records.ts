/** SRV records as the resolver of this machine finds them: the one that Node takes from its configuration. */
import { resolveSrv } from 'node:dns/promises'

export interface SrvRecord {
  /** The host that serves. */
  readonly name: string
  readonly port: number
}

/** Rejects with an Error that has a `code` of DNS: `ENOTFOUND`, `ENODATA`, `ETIMEOUT`, ... */
export async function srvRecordsOf(service: string): Promise<readonly SrvRecord[]> {
  return resolveSrv(service)
}
