/**
 * Finding the other members by DNS: a name that stands for as many of them as there are, by its SRV records.
 *
 * Always: the same records give the same names, whatever their order and the case in which they are answered: of the names
 * of the first members the id of a cluster is made. Not here: how a name is resolved, which the resolver knows.
 */
import { checkFields, kind, type Fields } from '../api/check-fields.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import { srvRecordsOf, type SrvRecord } from '../runtime/srv-records.js'
import { formatAddress } from '../transport/address.js'

export type { SrvRecord }

export interface DnsSrvOptions {
  /**
   * Asks for the SRV records of a name. Default: `resolveSrv` of node:dns, which takes the servers that this machine is
   * configured with.
   */
  readonly resolver?: ((service: string) => Promise<readonly SrvRecord[]>) | undefined
}

const FIELDS: Fields<DnsSrvOptions> = { resolver: true }

/**
 * A function for `open({ cluster })` or `open({ join })` that looks the members up in DNS whenever it is called: each SRV
 * record of `service` is a member, its target the member's name (in lower case, without the dot at the end) and, with the
 * port, its address.
 *
 * For `cluster` all members must find the same records at their first start, and `name` is the target of the own one. For
 * `join` any records will do that lead to some member.
 *
 * The function rejects with `DISCOVERY_FAILED`, saying what to check.
 *
 * @example
 * const store = await open({ name: 'd.example.com', join: dnsSrv('_quorate._tcp.example.com'), listen, dataDir })
 */
export function dnsSrv(service: string, options: DnsSrvOptions = {}): () => Promise<Record<string, string>> {
  if (typeof service !== 'string' || service === '') {
    throw new TypeError(`dnsSrv() takes the name of a service, not ${service === '' ? 'an empty one' : kind(service)}`)
  }
  checkFields(options, FIELDS, 'dnsSrv()')
  const { resolver = srvRecordsOf } = options
  if (typeof resolver !== 'function') throw new TypeError(`resolver must be a function, not ${kind(resolver)}`)
  return async () => membersOf(service, await recordsOf(service, resolver))
}

async function recordsOf(
  service: string,
  resolver: (service: string) => Promise<readonly SrvRecord[]>,
): Promise<readonly SrvRecord[]> {
  try {
    return await resolver(service)
  } catch (error) {
    throw failed(service, error instanceof Error ? error.message : String(error), error)
  }
}

function membersOf(service: string, records: readonly SrvRecord[]): Record<string, string> {
  const given: unknown = records
  if (!Array.isArray(given)) throw failed(service, `the resolver returned ${kind(records)}, not a list`)
  if (records.length === 0) throw failed(service, 'there is none')
  if (records.length > LIMITS.membersMax) {
    throw failed(service, `there are ${records.length}, and a cluster has at most ${LIMITS.membersMax} members`)
  }
  const members = new Map<string, string>()
  for (const record of records) {
    const { name, address } = memberOf(service, record)
    const before = members.get(name)
    if (before !== undefined && before !== address) {
      throw failed(
        service,
        `two of them name ${quote(name)}, with different ports: each member needs a target of its own`,
      )
    }
    members.set(name, address)
  }
  return Object.fromEntries(members)
}

function memberOf(service: string, record: SrvRecord): { name: string; address: string } {
  const { name: target, port } = (record ?? {}) as Partial<SrvRecord>
  if (typeof target !== 'string') throw failed(service, `one has ${kind(target)} for a name`)
  const name = target.toLowerCase().replace(/\.$/, '')
  // A target of "." says that the service is decidedly not there (RFC 2782).
  if (name === '') throw failed(service, 'one has no target: the service is said not to be there')
  if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw failed(service, `that of ${quote(name)} has the port ${port}, which nobody can listen on`)
  }
  return { name, address: formatAddress({ host: name, port }) }
}

function failed(service: string, why: string, cause?: unknown): StoreError {
  return new StoreError(
    'DISCOVERY_FAILED',
    `The SRV records of ${quote(service)} could not be used: ${why}. Check the name, as a whole, like ` +
      '_quorate._tcp.example.com; that the records are there (dig SRV <name>); and which servers this machine asks.',
    { cause },
  )
}
