/** endpoint health, status and hashkv: each of several servers by itself. */
import { isStoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import {
  AlarmRequest,
  AlarmType,
  HashKVRequest,
  RangeRequest,
  type HashKVResponse,
  type StatusResponse,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { CTL_EXIT, CtlError } from './ctl-error.js'
import { askEach, CLUSTER, endpointsOf, type Answer } from './endpoints.js'
import { errorText } from './error-text.js'
import { memberIdText } from './member-id.js'
import { BLANK, headerFields, type Field } from './print/fields.js'
import { goJson } from './print/go-json.js'
import { print } from './print/responses.js'
import { tableText } from './print/table.js'
import { bytesText, tookText } from './print/units.js'

interface Health {
  readonly endpoint: string
  readonly took: string
  /** Undefined: it is healthy. */
  readonly error: string | undefined
}

export const ENDPOINT_HEALTH: CtlCommand = {
  flags: [CLUSTER],
  description: 'A server is healthy that reads through a majority, and has no alarm.',
  async run(context) {
    const { clock } = context.environment
    const startMs = clock.monotonicMs()
    const answers = await askEach(context, await endpointsOf(context), async (client, endpoint): Promise<Health> => {
      const error = await sicknessOf(client)
      return { endpoint, error, took: tookText(clock.monotonicMs() - startMs) }
    })
    const all = answers.map((answer) => ('value' in answer ? answer.value : unreachable(answer)))
    const rows = all.map(({ endpoint, took, error }) => [endpoint, String(error === undefined), took, error ?? ''])
    for (const { endpoint, error } of context.format === 'simple' ? all : []) {
      if (error === undefined) continue
      context.terminal.err(`${endpoint} is unhealthy: failed to commit proposal: ${error}\n`)
    }
    print(context, {
      json: () => `[${all.map(healthJson).join(',')}]`,
      simple: () => all.map(healthLine).join(''),
      table: () => tableText(['endpoint', 'health', 'took', 'error'], rows),
      fields: () => all.flatMap(healthFields),
    })
    if (all.some(({ error }) => error !== undefined)) throw new CtlError(CTL_EXIT.failed, 'unhealthy cluster')
  },
}

function unreachable({ endpoint, error }: { readonly endpoint: string; readonly error: unknown }): Health {
  return { endpoint, took: tookText(0), error: errorText(error) }
}

/** Undefined: it is well. Whoever may not read was answered by a server that is. */
async function sicknessOf(client: EtcdClient): Promise<string | undefined> {
  try {
    await client.kv.range(RangeRequest.create({ key: Buffer.from('health') }))
  } catch (error) {
    if (!isStoreError(error) || error.code !== 'PERMISSION_DENIED') return errorText(error)
    return undefined
  }
  try {
    const { alarms } = await client.maintenance.alarm(AlarmRequest.create({}))
    const named = alarms.map(({ alarm }) => AlarmType[alarm]).join(' ')
    return alarms.length > 0 ? `Active Alarm(s): ${named} ` : undefined
  } catch (error) {
    if (isStoreError(error) && error.code === 'PERMISSION_DENIED') return undefined
    return 'Unable to fetch the alarm list'
  }
}

function healthLine({ endpoint, took, error }: Health): string {
  return error === undefined ? `${endpoint} is healthy: successfully committed proposal: took = ${took}\n` : ''
}

function healthJson({ endpoint, took, error }: Health): string {
  return JSON.stringify({ endpoint, health: error === undefined, took, ...(error !== undefined && { error }) })
}

function healthFields({ endpoint, took, error }: Health): Field[] {
  return [
    ['Endpoint', endpoint],
    ['Health', error === undefined],
    ['Took', { word: took }],
    ['Error', error ?? ''],
    BLANK,
  ]
}

const STATUS_TITLES = [
  ...['endpoint', 'ID', 'version', 'storage version', 'db size', 'in use', 'percentage not in use', 'quota'],
  ...['is leader', 'is learner', 'raft term', 'raft index', 'raft applied index', 'errors'],
  ...['downgrade target version', 'downgrade enabled'],
]

export const ENDPOINT_STATUS: CtlCommand = {
  flags: [CLUSTER],
  async run(context) {
    const answers = await askEach(context, await endpointsOf(context), (client) => client.maintenance.status({}))
    const all = toldOf(context, answers, 'status')
    const rows = all.map(({ endpoint, value }) => [endpoint, ...statusCells(value)])
    print(context, {
      json: () => listJson(all, 'Status'),
      simple: () => rows.map((row) => `${row.join(', ')}\n`).join(''),
      table: () => tableText(STATUS_TITLES, rows),
      fields: () => all.flatMap(({ endpoint, value }) => statusFields(endpoint, value)),
    })
    if (all.length < answers.length) throw new CtlError(CTL_EXIT.failed)
  },
}

function statusCells(status: StatusResponse): string[] {
  const { header, dbSize, dbSizeInUse, dbSizeQuota, leader, errors, downgradeInfo } = status
  const unused = dbSize > 0n ? ((dbSize - dbSizeInUse) * 100n) / dbSize : 0n
  return [
    memberIdText(header?.member_id),
    status.version,
    status.storageVersion,
    bytesText(dbSize),
    bytesText(dbSizeInUse),
    `${unused}%`,
    bytesText(dbSizeQuota),
    String(leader === header?.member_id),
    String(status.isLearner),
    ...[status.raftTerm, status.raftIndex, status.raftAppliedIndex].map(String),
    errors.join(', '),
    downgradeInfo?.targetVersion ?? '',
    String(downgradeInfo?.enabled ?? false),
  ]
}

function statusFields(endpoint: string, status: StatusResponse): Field[] {
  return [
    ...headerFields(status.header),
    ['Version', status.version],
    ['StorageVersion', status.storageVersion],
    ['DBSize', status.dbSize],
    ['DBSizeInUse', status.dbSizeInUse],
    ['DBSizeQuota', status.dbSizeQuota],
    ['Leader', status.leader],
    ['IsLearner', status.isLearner],
    ['RaftIndex', status.raftIndex],
    ['RaftTerm', status.raftTerm],
    ['RaftAppliedIndex', status.raftAppliedIndex],
    ['Errors', { word: `[${status.errors.join(' ')}]` }],
    ['Endpoint', endpoint],
    ['DowngradeTargetVersion', status.downgradeInfo?.targetVersion ?? ''],
    ['DowngradeEnabled', status.downgradeInfo?.enabled ?? false],
    BLANK,
  ]
}

export const ENDPOINT_HASHKV: CtlCommand = {
  flags: [CLUSTER, { name: 'rev', type: 'integer', summary: 'of what was there at this revision; 0: of all' }],
  async run(context) {
    const request = HashKVRequest.create({ revision: context.integer('rev') })
    const answers = await askEach(context, await endpointsOf(context), (client) => client.maintenance.hashKv(request))
    const all = toldOf(context, answers, 'hash')
    const rows = all.map(({ endpoint, value }) => [endpoint, String(value.hash), String(value.hash_revision)])
    print(context, {
      json: () => listJson(all, 'HashKV'),
      simple: () => rows.map((row) => `${row.join(', ')}\n`).join(''),
      table: () => tableText(['endpoint', 'hash', 'hash_revision'], rows),
      fields: () => all.flatMap(({ endpoint, value }) => hashFields(endpoint, value)),
    })
    const failed = answers.findLast((answer) => 'error' in answer)
    if (failed !== undefined) throw new CtlError(CTL_EXIT.failed, errorText(failed.error))
  },
}

function hashFields(endpoint: string, { header, hash, compact_revision, hash_revision }: HashKVResponse): Field[] {
  return [
    ...headerFields(header),
    ['Endpoint', endpoint],
    ['Hash', hash],
    ['HashRevision', hash_revision],
    ['CompactRevision', compact_revision],
    BLANK,
  ]
}

/** Those that answered; of the others is said why not. */
function toldOf<T>(context: Context, answers: readonly Answer<T>[], what: string): { endpoint: string; value: T }[] {
  return answers.flatMap((answer) => {
    if ('value' in answer) return [answer]
    context.terminal.err(`Failed to get the ${what} of endpoint ${answer.endpoint} (${errorText(answer.error)})\n`)
    return []
  })
}

function listJson(all: readonly { readonly endpoint: string; readonly value: object }[], name: string): string {
  const each = all.map(({ endpoint, value }) => `{"Endpoint":${JSON.stringify(endpoint)},"${name}":${goJson(value)}}`)
  return `[${each.join(',')}]`
}
