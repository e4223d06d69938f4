/**
 * Which cluster a member is of: one that begins with these members, or one that it joins. Said by `cluster`, by `join`, or by
 * nothing (a cluster of one); what contradicts itself is told before anything is looked up, touched or asked.
 */
import { checkSignal } from '../api/check-call.js'
import { kind } from '../api/check-fields.js'
import type { Environment } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import { tooLongText, type MemberAddress } from '../machine/member-book.js'
import { clusterIdOf, memberIdOf } from './identity.js'
import type { Disk } from '../storage/disk.js'
import { within } from './within.js'

/** Names and addresses. */
export type Addresses = Readonly<Record<string, string>>

/** Whom a cluster begins with, or a function that finds them, as {@link dnsSrv} makes. */
export type FirstMembers = Addresses | (() => Promise<Addresses>)

/** Where members are that can be asked, or a function that finds them; of names and addresses the latter are taken. */
export type JoinAddresses = readonly string[] | (() => Promise<readonly string[] | Addresses>)

/** The part of what `open()` takes that says who this member is. */
export interface ClusterOptions {
  /** This member's name; one of the names in `cluster`. Default "default". */
  readonly name?: string
  /** Folder for this member's data, created where absent. Without it everything is kept in memory and gone at the end. */
  readonly dataDir?: string
  /** Instead of `dataDir`: a disk of your own making. */
  readonly disk?: Disk
  /** Where to listen for other members, `host:port`. Default: the member's own address in `cluster`, or `advertise`. */
  readonly listen?: string
  /**
   * Where the other members reach this one, where that is not what it listens on: behind a network of containers, or where it
   * listens on every interface (`0.0.0.0`). With `join` it is the address that the member was added with. Default: `listen`.
   */
  readonly advertise?: string
  /**
   * Name and address of every member that the cluster begins with, this one included, the same on all of them; or a function
   * that finds them ({@link dnsSrv}). It stays as it was at first when members are added and removed later; what the addresses
   * are counts until then. Default: a cluster of this one, which others may join.
   */
  readonly cluster?: FirstMembers
  /**
   * Addresses of members of a running cluster, or a function that finds some ({@link dnsSrv}): this process becomes the member
   * that was added there under its `name` and address (`store.cluster.add()`, before or after), or under the address alone: then
   * it is known by its `name` from then on. It asks them for who it is, for LIMITS.joinMsMax. A directory that holds data knows that already: nobody is asked, and `join` may stay.
   */
  readonly join?: JoinAddresses
  /** Ends what `open()` waits for because of `join`, or where `cluster` is a function, with `ABORTED`. */
  readonly signal?: AbortSignal
  /** Tells clusters of equal names apart. The same on all members. Default "quorate". */
  readonly clusterToken?: string
  /** `none` must be said to run a member of a cluster of several in memory: it forgets its votes when it stops. */
  readonly durability?: 'none'
  /**
   * Makes a new cluster of this member alone, out of the data that it had in a cluster whose majority is lost for good; see
   * docs/OPERATING.md. `cluster` is then only this member, `clusterToken` one that was never used. Once that is done the
   * option does nothing any more. `'with-losses'`: even where it is known that this member lacks some of what it acknowledged.
   */
  readonly forceNewCluster?: boolean | 'with-losses'
  /**
   * This member's data are gone, and it is started anew in an empty directory, under its old name: it takes no part in votes
   * and is not counted until a leader has given it what it had. Not for the first start of a cluster: somebody must have kept
   * what was promised. Counts only where the directory is empty, so that it may stay. Default false.
   */
  readonly rejoin?: boolean
}

/** Of a member of a cluster. */
export interface ClusterSettings {
  readonly name: string
  readonly clusterId: number
  readonly memberId: number
  /** Those that the cluster began with; of a member that joins, those that it was told of. */
  readonly members: readonly MemberAddress[]
  readonly forceNewCluster: boolean | 'with-losses'
  readonly rejoin: boolean
  /** It was added to a cluster that was there. */
  readonly joining: boolean
  /** Whether it forgets its votes when it stops, which nobody has said is meant: others must not rest on it. */
  readonly forgetful: boolean
}

/** Of a member that wants to be one. */
export interface JoinSettings {
  readonly name: string
  /** Where the others are to reach it. */
  readonly address: string
  /** Whom to ask; looked up anew each time. Rejects with `DISCOVERY_FAILED`. */
  readonly addresses: () => Promise<readonly string[]>
}

/** The first members, found where `cluster` is a function: from here on it is none. Rejects with `DISCOVERY_FAILED`, `ABORTED`. */
export async function withMembersFound<Options extends ClusterOptions>(
  options: Options,
  environment: Environment,
): Promise<Options> {
  const { cluster, signal } = options
  if (typeof cluster !== 'function') return options
  const limits = { deadlineMs: environment.clock.monotonicMs() + LIMITS.joinMsMax, signal }
  const found = await within(find('cluster', cluster), limits, environment, (code, cause) => {
    if (code === 'ABORTED') return new StoreError(code, 'The signal was aborted while finding members.', { cause })
    return discoveryFailed('cluster', `it found nothing within ${LIMITS.joinMsMax} ms`, cause)
  })
  if (!isAddresses(found)) throw discoveryFailed('cluster', `it returned ${kind(found)}, not names and addresses`)
  return { ...options, cluster: found }
}

/** Throws TypeError or RangeError. */
export function clusterSettingsOf(options: ClusterOptions): ClusterSettings {
  const name = options.name ?? DEFAULT_NAME
  const token = options.clusterToken ?? 'quorate'
  const { cluster = { [name]: options.advertise ?? options.listen ?? '' }, advertise } = options
  if (typeof cluster === 'function') throw new TypeError('cluster must be names and addresses here, not a function')
  const names = Object.keys(cluster)
  if (!names.includes(name)) {
    throw new TypeError(`name ${quote(name)} is not one of the members in cluster (${names.join(', ')})`)
  }
  const unnamed = names.find((each) => each === '')
  if (unnamed !== undefined) throw new TypeError('a member of cluster has an empty name')
  const members = names.map((each) => ({
    ...{ id: memberIdOf(token, each), name: each, address: addressOf(cluster, each) },
  }))
  for (const each of members) checkTexts(each)
  const addresses = members.map(({ address }) => address)
  const twice = addresses.find((address, at) => addresses.indexOf(address) !== at)
  if (twice !== undefined) throw new TypeError(`two members of cluster have the address ${twice}`)
  if (advertise !== undefined && advertise !== cluster[name]) {
    throw new TypeError(
      `advertise is ${quote(advertise)}, and the address of this member in cluster ${quote(cluster[name] ?? '')}`,
    )
  }
  const forgetful = isForgetful(options)
  if (forgetful && names.length > 1) throw forgetfulMember()
  const [forceNewCluster, rejoin] = [forceNewClusterOf(options, names), rejoinOf(options, names)]
  const [clusterId, memberId] = [clusterIdOf(token, names), memberIdOf(token, name)]
  return { name, clusterId, memberId, members, forceNewCluster, rejoin, joining: false, forgetful }
}

/** Undefined where the member does not join. Throws TypeError or RangeError. */
export function joinSettingsOf(options: ClusterOptions): JoinSettings | undefined {
  const { join, name = DEFAULT_NAME, listen, advertise } = options
  if (join === undefined) return undefined
  refuseBeside(options)
  if (isForgetful(options)) throw forgetfulMember()
  const address = advertise ?? listen
  if (address === undefined) {
    throw new TypeError('join needs listen, or advertise: where the other members are to reach this one')
  }
  checkTexts({ name, address })
  const others = (addresses: readonly string[]): readonly string[] => addresses.filter((each) => each !== address)
  if (typeof join !== 'function') {
    if (!Array.isArray(join)) throw new TypeError(`join must be addresses of members, not ${kind(join)}`)
    const addresses = [...(join as readonly string[])]
    checkAddresses(addresses)
    if (others(addresses).length === 0) {
      throw new TypeError('join names no member but this one: for a cluster that begins with it leave join out')
    }
    return { name, address, addresses: async () => others(addresses) }
  }
  const addresses = async (): Promise<readonly string[]> => {
    const found = await find('join', join)
    const given = Array.isArray(found)
      ? (found as readonly string[])
      : isAddresses(found)
        ? Object.values(found)
        : undefined
    if (given === undefined) throw discoveryFailed('join', `it returned ${kind(found)}, not addresses`)
    try {
      checkAddresses(given)
    } catch (error) {
      throw discoveryFailed('join', (error as Error).message, error)
    }
    return others(given)
  }
  return { name, address, addresses }
}

/** @internal Throws TypeError: what must be given as an address, and is none. */
export function checkAdvertise({ advertise, signal }: ClusterOptions): void {
  checkSignal(signal)
  if (advertise === '') throw new TypeError('advertise must not be empty; leave it out for the address to listen on')
}

const DEFAULT_NAME = 'default'

/** @internal A member that forgets its vote may vote twice: with several members that must have been meant. */
export function forgetfulMember(): TypeError {
  return new TypeError(
    'a member of a cluster of several needs dataDir: without it a restart forgets votes and acknowledged writes. ' +
      "For tests, say durability: 'none' and do not restart members",
  )
}

function isForgetful({ disk, dataDir, durability }: ClusterOptions): boolean {
  const forgets = disk === undefined ? dataDir === undefined : !disk.permanent
  return forgets && durability !== 'none'
}

/** Others are lost, or must not be what they were: a member that is still named would be taken for one of the new cluster. */
function rejoinOf({ rejoin = false }: ClusterOptions, names: readonly string[]): boolean {
  if (!rejoin || names.length > 1) return rejoin
  throw new TypeError(
    'rejoin needs other members in cluster, to get from them what this one has lost; where they were added later, give join ' +
      'in the place of both',
  )
}

function forceNewClusterOf(
  { forceNewCluster = false }: ClusterOptions,
  names: readonly string[],
): boolean | 'with-losses' {
  if (typeof forceNewCluster === 'string' && forceNewCluster !== 'with-losses') {
    throw new TypeError(`forceNewCluster must be true, false or 'with-losses', not '${String(forceNewCluster)}'`)
  }
  if (forceNewCluster === false || names.length === 1) return forceNewCluster
  throw new TypeError(
    `forceNewCluster makes a cluster of this member alone: name no other in cluster, not ${names.join(', ')}`,
  )
}

/** What says the same as `join`, or the opposite. */
function refuseBeside({ cluster, clusterToken, forceNewCluster = false, rejoin = false }: ClusterOptions): void {
  const beside = (option: string, why: string): TypeError =>
    new TypeError(`join and ${option} exclude each other: ${why}`)
  if (cluster !== undefined) {
    throw beside(
      'cluster',
      'with cluster a member is one of the first, with join it is added to a cluster that is there',
    )
  }
  if (clusterToken !== undefined) throw beside('clusterToken', 'which cluster it is those say that are asked')
  if (forceNewCluster !== false) throw beside('forceNewCluster', 'that makes a cluster of this member alone')
  if (rejoin) throw beside('rejoin', 'a member that joins gets everything from the others anyway')
}

function checkAddresses(addresses: readonly unknown[]): void {
  if (addresses.length > LIMITS.joinAddressesMax) {
    throw new RangeError(`join has ${addresses.length} addresses, at most ${LIMITS.joinAddressesMax} are asked`)
  }
  const wrong = addresses.findIndex((address) => typeof address !== 'string' || address === '')
  if (wrong === -1) return
  const what = addresses[wrong] === '' ? 'is empty' : `is ${kind(addresses[wrong])}`
  throw new TypeError(`address ${wrong + 1} of join ${what}; it must be a string, host:port`)
}

function isAddresses(found: unknown): found is Addresses {
  return typeof found === 'object' && found !== null && !Array.isArray(found)
}

/** What users throw is theirs: it comes as the cause of one error that says where. */
async function find(option: string, finding: () => unknown): Promise<unknown> {
  try {
    return await finding()
  } catch (error) {
    if (isStoreError(error, 'DISCOVERY_FAILED')) throw error
    throw discoveryFailed(option, error instanceof Error ? error.message : String(error), error)
  }
}

function discoveryFailed(option: string, why: string, cause?: unknown): StoreError {
  return new StoreError('DISCOVERY_FAILED', `The function ${option} did not find the members: ${why}.`, { cause })
}

/** Throws RangeError for a member that no other could be told of. */
function checkTexts({ name, address }: Pick<MemberAddress, 'name' | 'address'>): void {
  const wrong = tooLongText('name', name) ?? tooLongText('address', address)
  if (wrong !== undefined) throw new RangeError(wrong)
}

function addressOf(cluster: Addresses, name: string): string {
  const address: unknown = cluster[name]
  if (typeof address === 'string') return address
  throw new TypeError(
    `the address of member ${quote(name)} in cluster must be a string, host:port, not ${address === null ? 'null' : typeof address}`,
  )
}
