/**
 * Who a member is that joins: by its directory, where that holds data, else by what the members of the cluster say.
 *
 *     directory empty, or given up before anything was promised from it     ask, until somebody lets it in
 *     directory of a member                                                 it is that one; nobody is asked, unless log and state
 *                                                                           do not say yet who else there is (`whoElse`)
 */
import type { Environment } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import type { MemberAddress } from '../machine/member-book.js'
import type { Disk } from '../storage/disk.js'
import { readHighWater } from '../storage/high-water.js'
import { describeIdentity, type Identity } from '../storage/identity.js'
import type { Transport } from '../transport/transport.js'
import { askToJoin, type Welcome } from './ask-to-join.js'
import type { ClusterSettings, JoinSettings } from './cluster-options.js'

export interface JoiningParts {
  readonly joining: JoinSettings
  readonly disk: Disk
  readonly transport: Transport
  readonly environment: Environment
  readonly signal: AbortSignal | undefined
}

export interface Joined extends ClusterSettings {
  /** Who else there is: asked where log and state do not say it, or name nobody who is there. Rejects as {@link joinCluster}. */
  readonly whoElse: (signal?: AbortSignal) => Promise<readonly MemberAddress[]>
}

/**
 * Rejects with `JOIN_FAILED`, `ABORTED`, `WRONG_MEMBER` where the directory is of another name, and what its mark cannot be
 * read for; TypeError for a transport that cannot ask.
 */
export async function joinCluster(parts: JoiningParts): Promise<Joined> {
  const { joining, disk } = parts
  const { name } = joining
  const found = await identityOn(disk)
  if (found !== undefined && found.name !== name) {
    throw new StoreError(
      'WRONG_MEMBER',
      `${disk.location} holds the data of member ${describeIdentity(found)}, not of ${quote(name)}.`,
    )
  }
  const ask = (identity: Identity | undefined, signal?: AbortSignal): Promise<Welcome> =>
    askToJoin(askingOf(signal === undefined ? parts : { ...parts, signal }, identity))
  const whoElse: Joined['whoElse'] = async (signal) => (await ask(found, signal)).members
  const common = { name, forceNewCluster: false, rejoin: false, joining: true, forgetful: false, whoElse } as const
  if (found !== undefined) {
    const { clusterId, memberId } = found
    return { ...common, clusterId, memberId, members: [] }
  }
  const { clusterId, memberId, members } = await ask(undefined)
  parts.environment.logger.info('let into the cluster', { name, memberId, clusterId, members: members.length })
  return { ...common, clusterId, memberId, members }
}

/**
 * The same of a first member: its peers may all be members with other ids by now, some of them where those were that the
 * cluster began with. Undefined where there is nobody to ask.
 */
export function whoElseOf(
  { name, clusterId, memberId, members }: ClusterSettings,
  transport: Transport | undefined,
  environment: Environment,
): Joined['whoElse'] | undefined {
  const others = members.filter(({ id }) => id !== memberId).map(({ address }) => address)
  const address = members.find(({ id }) => id === memberId)?.address
  if (transport?.ask === undefined || address === undefined || others.length === 0) return undefined
  const joining = { name, address, addresses: async () => others }
  return async (signal) => {
    const asking = askingOf({ joining, transport, environment, signal }, { clusterId, memberId, name })
    return (await askToJoin(asking)).members
  }
}

function askingOf({ joining, transport, environment, signal }: AskingParts, identity: Identity | undefined) {
  if (transport.ask === undefined) {
    throw new TypeError(
      'join needs a transport with the method ask, to ask members who this process is: give `cluster`, or another transport',
    )
  }
  const { name, address, addresses } = joining
  return {
    ...{ environment, addresses, signal },
    ask: transport.ask.bind(transport),
    question: { name, address, identity: identity && { clusterId: identity.clusterId, memberId: identity.memberId } },
  }
}

type AskingParts = Omit<JoiningParts, 'disk'>

/** Undefined where nothing was promised by it yet, or its mark is damaged: then the others say who it is. */
async function identityOn(disk: Disk): Promise<Identity | undefined> {
  const bytes = await disk.peek('high-water')
  if (bytes === undefined) return undefined
  try {
    const { identity, mark } = readHighWater(bytes, disk.location)
    return mark.generation === 0 ? undefined : identity
  } catch (error) {
    if (isStoreError(error, 'DATA_DAMAGED')) return undefined
    throw error
  }
}
