/** `quorate snapshot restore`: the data directory of a member of a new cluster, out of a snapshot. */
import { isStoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { restore, type Restored } from '../store/restore.js'
import { parseAddress } from '../transport/address.js'
import { UsageError, type Command, type Flag, type Given } from './command.js'
import { formatOf, OUTPUT_FLAGS, render, type Rows } from './output.js'
import { EXIT } from './terminal.js'

const FLAGS: readonly Flag[] = [
  { name: 'data-dir', value: 'DIR', required: true, summary: 'where the member is to have its data; must hold none' },
  { name: 'name', value: 'NAME', summary: 'name of this member (default: default)' },
  {
    name: 'cluster',
    aliases: ['initial-cluster'],
    value: 'NAME=HOST:PORT,...',
    summary: 'all members of the new cluster (default: this one alone)',
  },
  {
    name: 'cluster-token',
    aliases: ['initial-cluster-token'],
    value: 'TOKEN',
    required: true,
    summary: 'tells the new cluster from the old one: another token than that had',
  },
  {
    name: 'initial-advertise-peer-urls',
    value: 'URL',
    summary: 'where the others reach this member: as in --cluster',
  },
  {
    name: 'bump-revision',
    value: 'N',
    summary: 'raises the revision by N, for clients that saw more than is here',
  },
  { name: 'mark-compacted', summary: 'goes with --bump-revision: what was before counts as compacted' },
]

export const SNAPSHOT_RESTORE: Command = {
  name: 'snapshot restore',
  summary: 'makes the data directory of a member of a new cluster out of a snapshot',
  description:
    'For a cluster of several, run it once for each member with the same file, then start them all with the\n' +
    'same name, cluster, token and directory. The snapshot is verified as a whole; what fails leaves no data.',
  operands: ['FILE'],
  flags: [...FLAGS, ...OUTPUT_FLAGS],
  async run(given, { out, signal }) {
    const format = formatOf(given)
    const [from = ''] = given.operands
    const text = (name: string): string => given.flags.get(name) ?? ''
    const name = given.flags.get('name')
    const cluster = membersOf(given)
    const restored = await asUsage(async () => {
      return restore({
        from,
        dataDir: text('data-dir'),
        clusterToken: text('cluster-token'),
        bumpRevision: bumpRevisionOf(given),
        signal,
        ...(name !== undefined && { name }),
        ...(cluster !== undefined && { cluster }),
      })
    })
    out(render(format, restoredRows(restored, text('data-dir')), restored))
    return EXIT.done
  },
}

/** Undefined where the member is alone and nobody says where it is. */
function membersOf({ flags }: Given): Record<string, string> | undefined {
  const name = flags.get('name') ?? 'default'
  const [list, advertised] = [flags.get('cluster'), flags.get('initial-advertise-peer-urls')]
  const own = advertised === undefined ? undefined : clusterOf(`${name}=${advertised}`)
  if (list === undefined) return own
  const cluster = clusterOf(list)
  if (own === undefined || own[name] === cluster[name]) return cluster
  throw new UsageError(
    `--initial-advertise-peer-urls says that ${quote(name)} is at ${own[name] ?? ''}, and --cluster says ${cluster[name] ?? 'nothing'}`,
  )
}

/** `a=host:port,b=host:port`, each perhaps with `http://` or `https://` before the host, as etcd writes it. */
export function clusterOf(list: string): Record<string, string> {
  const cluster = new Map<string, string>()
  for (const item of list.split(',')) {
    const [, name = '', address = ''] = /^([^=]+)=(?:https?:\/\/)?(.+)$/.exec(item.trim()) ?? []
    if (name === '') throw new UsageError(`${quote(item)} in --cluster is not of the form NAME=HOST:PORT`)
    if (cluster.has(name)) throw new UsageError(`--cluster has two members named ${quote(name)}`)
    cluster.set(name, checkedAddress(address))
  }
  return Object.fromEntries(cluster)
}

function checkedAddress(address: string): string {
  try {
    parseAddress(address)
    return address
  } catch (error) {
    if (isStoreError(error)) throw new UsageError(error.message.replace(/\.$/, ''))
    throw error
  }
}

/** Both flags or none, as etcdutl wants it: that history is gone must have been meant. */
function bumpRevisionOf({ flags }: Given): number {
  const text = flags.get('bump-revision')
  if (text === undefined && flags.has('mark-compacted')) {
    throw new UsageError('--mark-compacted goes with --bump-revision')
  }
  if (text === undefined) return 0
  if (!/^\d{1,16}$/.test(text)) throw new UsageError('--bump-revision is a whole number of revisions')
  if (!flags.has('mark-compacted')) {
    throw new UsageError('--bump-revision makes everything before count as compacted: say --mark-compacted as well')
  }
  return Number(text)
}

/** What the function says of options that make no sense is said of the command line. */
async function asUsage<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

function restoredRows(
  { name, clusterId, memberId, revision, compactRevision, snapshot }: Restored,
  directory: string,
): Rows {
  return [
    ['restored into', directory],
    ['member', `${quote(name)} (id ${memberId}, cluster ${clusterId})`],
    ['revision', revision],
    ['compact revision', compactRevision],
    ['keys', snapshot.keys],
    ['leases', snapshot.leases],
    ['snapshot', snapshot.hash],
  ]
}
