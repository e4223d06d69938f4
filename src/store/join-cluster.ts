/**
 * Who a member is that joins: by its directory, where that holds data, else by what the members of the cluster say.
 *
 *     directory empty, or given up before anything was told to it           ask, until somebody lets it in; where that is as the
 *                                                                           successor of a removed member, it is emptied first
 *     directory of a member                                                 it is that one; nobody is asked, unless log and state
 *                                                                           do not say yet who else there is (`whoElse`)
 */
import type { Environment } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import type { MemberAddress } from '../machine/member-book.js'
import { handOverBlank, isBlank } from '../storage/blank-directory.js'
import type { Disk } from '../storage/disk.js'
import { readHighWater } from '../storage/high-water.js'
import { describeIdentity, type Identity, type Owner } from '../storage/identity.js'
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
  const { joining, disk, environment } = parts
  const { name } = joining
  const found = await directoryOn(disk)
  const before = found?.identity
  if (found !== undefined && found.identity.name !== name) {
    throw new StoreError(
      'WRONG_MEMBER',
      `${disk.location} holds the data of member ${describeIdentity(found.identity)}, not of ${quote(name)}.`,
    )
  }
  const ask = (identity: Identity | undefined, signal?: AbortSignal): Promise<Welcome> =>
    askToJoin(askingOf(signal === undefined ? parts : { ...parts, signal }, identity))
  const common = { name, forceNewCluster: false, rejoin: false, joining: true, forgetful: false } as const
  const as = ({ clusterId, memberId }: Owner, members: readonly MemberAddress[]): Joined => {
    const identity = { clusterId, memberId, name }
    return { ...common, clusterId, memberId, members, whoElse: async (signal) => (await ask(identity, signal)).members }
  }
  if (before !== undefined && found?.blank === false) return as(before, [])
  const welcome = await ask(undefined)
  const { clusterId, memberId, members, removed } = welcome
  if (before !== undefined && before.clusterId === clusterId && before.memberId !== memberId) {
    // Whoever answers may be behind, and the other one the later member.
    if (!removed.includes(before.memberId)) return as(before, [])
    await handOverBlank(disk, before, { clusterId, memberId, name })
    environment.logger.info('the directory of a removed member, which had nothing yet, is that of its successor now', {
      ...{ name, removed: before.memberId, memberId },
    })
  }
  environment.logger.info('let into the cluster', { name, memberId, clusterId, members: members.length })
  return as(welcome, members)
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

interface FoundDirectory {
  readonly identity: Identity
  /** Nothing was told to it, and nothing promised from it. */
  readonly blank: boolean
}

/** Undefined where there is none, or its mark is damaged: then the others say who it is. */
async function directoryOn(disk: Disk): Promise<FoundDirectory | undefined> {
  const bytes = await disk.peek('high-water')
  if (bytes === undefined) return undefined
  try {
    const content = readHighWater(bytes, disk.location)
    return { identity: content.identity, blank: await isBlank(disk, content) }
  } catch (error) {
    if (isStoreError(error, 'DATA_DAMAGED')) return undefined
    throw error
  }
}
