/**
 * Which cluster the member is of, out of the flags and of what is in its directory:
 *
 *     directory              --initial-cluster-state    it is
 *     new                    new                        one of the members of --initial-cluster, or of --discovery-srv
 *     new                    existing                   added to a cluster before: the other members say who it is
 *     used, and so named     new                        that one again
 *     used otherwise         any                        who the directory says, whatever the flags say: as etcd has it, they are
 *                                                       for the first start. Other members are asked only where it does not know any
 *
 * Not here: whether the directory is any good. That is seen when it is opened.
 */
import { quote } from '../../base/quote.js'
import { dnsSrv } from '../../store/dns-srv.js'
import { clusterIdOf } from '../../store/identity.js'
import type { OpenOptions } from '../../store/options.js'
import type { DataDirectory } from './data-directory.js'
import type { Values } from './flags.js'
import { initialClusterOf } from './initial-cluster.js'
import { SettingError } from './setting-error.js'
import { addressOf, isSecure, textsOf, type Url } from './url.js'
import type { Given, Note } from './values.js'

export interface ClusterPlan {
  readonly options: Pick<
    OpenOptions,
    'name' | 'cluster' | 'clusterToken' | 'join' | 'listen' | 'advertise' | 'forceNewCluster'
  >
  readonly notes: readonly Note[]
}

/** Throws {@link SettingError}. */
export function clusterPlanOf(given: Given, directory: DataDirectory): ClusterPlan {
  const { values } = given
  const advertised = values['initial-advertise-peer-urls'][0]
  if (advertised === undefined) throw new SettingError('--initial-advertise-peer-urls must not be empty')
  const { listen, notes } = listenOf(values['listen-peer-urls'], advertised)
  const parts = { given, values, listen, advertised, address: addressOf(advertised) }
  const plan = values['force-new-cluster'] ? forced(parts, directory) : undefined
  const made = plan ?? (values['discovery-srv'] === '' ? named(parts, directory) : discovered(parts, directory))
  return { options: made.options, notes: [...notes, ...made.notes] }
}

interface Parts {
  readonly given: Given
  readonly values: Values
  readonly listen: string
  readonly advertised: Url
  readonly address: string
}

/** By --initial-cluster, or the name alone. */
function named(parts: Parts, directory: DataDirectory): ClusterPlan {
  const { given, values, listen, address, advertised } = parts
  const { name, 'initial-cluster-token': clusterToken } = values
  const members = given.given.has('initial-cluster')
    ? initialClusterOf(values['initial-cluster'])
    : new Map([[name, advertised]])
  const others = [...members.values()].map(addressOf).filter((each) => each !== address)
  const existing = values['initial-cluster-state'] === 'existing'
  const first = !existing && directory.type === 'used' && isFirst(directory.identity, clusterToken, [...members.keys()])
  if (directory.type === 'used' && !first) return again(parts, directory, async () => others)
  checkOwn(members, name, advertised)
  if (!existing) {
    const cluster = Object.fromEntries([...members].map(([each, url]) => [each, addressOf(url)]))
    return { options: { name, listen, cluster, clusterToken }, notes: [] }
  }
  if (others.length === 0) {
    throw new SettingError(
      '--initial-cluster-state=existing needs --initial-cluster with the members that are there, as `etcdctl member add` tells it',
    )
  }
  return { options: { name, listen, advertise: address, join: others }, notes: [] }
}

/** By DNS. Members are named after the targets of the records there, so that all of them find the same names. */
function discovered(parts: Parts, directory: DataDirectory): ClusterPlan {
  const { values, listen, address, advertised } = parts
  const { 'discovery-srv': domain, 'discovery-srv-name': suffix, 'initial-cluster-token': clusterToken } = values
  const service = `_etcd-server${isSecure(advertised) ? '-ssl' : ''}${suffix === '' ? '' : `-${suffix}`}._tcp.${domain}`
  const find = dnsSrv(service)
  if (directory.type === 'used') {
    return again(parts, directory, async () => Object.values(await find()).filter((each) => each !== address))
  }
  const name = advertised.host.toLowerCase().replace(/\.$/, '')
  const notes: Note[] = [
    {
      level: 'info',
      text: `found by DNS, the member is named after its record, ${quote(name)}, and not ${quote(values.name)}`,
    },
  ]
  if (values['initial-cluster-state'] === 'existing') {
    return { options: { name, listen, advertise: address, join: find }, notes }
  }
  return { options: { name, listen, cluster: find, clusterToken }, notes }
}

/** Who it was. `others` are asked only where the directory names nobody who is there. */
function again(
  { values, listen, address }: Parts,
  { identity }: Used,
  others: () => Promise<readonly string[]>,
): ClusterPlan {
  const { name } = identity
  const options = { name, listen, advertise: address, join: others }
  const ofFile =
    'flags about how the cluster begins are passed over: the data directory is that of a member that was there'
  const notes: Note[] = [{ level: 'info', text: ofFile }]
  if (name !== values.name && values['discovery-srv'] === '') {
    notes.push({ level: 'warn', text: `the member keeps the name of its first start, ${quote(name)}` })
  }
  return { options, notes }
}

/** Undefined where there is nothing to make a cluster of. */
function forced({ values, listen, address }: Parts, directory: DataDirectory): ClusterPlan | undefined {
  if (directory.type === 'new') return undefined
  if (directory.type === 'unreadable') {
    throw new SettingError('--force-new-cluster needs a directory that says whose it is, and the mark in it is damaged')
  }
  const { identity, former } = directory
  const { name, clusterId } = identity
  const tokenOutOf = (id: number): string => `${values['initial-cluster-token']}, forced out of ${id}`
  const before = former.at(-1)?.clusterId
  // Done at an earlier start: the same token, which has nothing done again.
  const done = before !== undefined && clusterIdOf(tokenOutOf(before), [name]) === clusterId
  const options = {
    ...{ name, listen, cluster: { [name]: address } },
    clusterToken: tokenOutOf(done ? before : clusterId),
    forceNewCluster: true,
  }
  const text = done
    ? 'this member was made a new cluster at an earlier start: --force-new-cluster can go'
    : 'this member becomes a new cluster of its own; start no other member of the old one'
  return { options, notes: [{ level: 'warn', text }] }
}

type Used = Extract<DataDirectory, { readonly type: 'used' }>

function isFirst({ clusterId }: Used['identity'], token: string, names: readonly string[]): boolean {
  return clusterId === clusterIdOf(token, names)
}

function checkOwn(members: ReadonlyMap<string, Url>, name: string, advertised: Url): void {
  const own = members.get(name)
  if (own === undefined) {
    throw new SettingError(
      `--initial-cluster has no member ${quote(name)}, which is this one by --name: it has ${[...members.keys()].join(', ')}`,
    )
  }
  if (addressOf(own) === addressOf(advertised) && isSecure(own) === isSecure(advertised)) return
  throw new SettingError(
    `--initial-cluster has ${name}=${own.text}, and --initial-advertise-peer-urls has ${advertised.text}: they must be the same`,
  )
}

/** Where the member listens: of several URLs the one that is advertised. */
function listenOf(urls: readonly Url[], advertised: Url): { readonly listen: string; readonly notes: readonly Note[] } {
  const [first] = urls
  const everywhere = ['0.0.0.0', '::']
  const url =
    urls.find(({ host }) => host === advertised.host) ?? urls.find(({ host }) => everywhere.includes(host)) ?? first
  if (url === undefined) throw new SettingError('--listen-peer-urls must not be empty')
  if (urls.length === 1) return { listen: addressOf(url), notes: [] }
  const others = textsOf(urls.filter((each) => each !== url)).join(', ')
  const text = `a member has one address towards the others: it listens on ${url.text}, and not on ${others}`
  return { listen: addressOf(url), notes: [{ level: 'warn', text }] }
}
