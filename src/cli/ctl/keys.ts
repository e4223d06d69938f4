/** put, get, del and compaction. */
import {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { leaseIdOf } from './lease-id.js'
import { deletePrintable, print, putPrintable, rangePrintable } from './print/responses.js'
import type { SimpleOptions } from './print/simple.js'
import { selectedKeys, SELECTION_FLAGS } from './selected-keys.js'

const PREVIOUS: CtlFlag = { name: 'prev-kv', type: 'boolean', summary: 'tells what was there before' }

export const PUT: CtlCommand = {
  flags: [
    { name: 'lease', type: 'text', fallback: '0', summary: 'id of the lease, in hexadecimal, that the key hangs on' },
    PREVIOUS,
    { name: 'ignore-value', type: 'boolean', summary: 'keeps the value that is there' },
    { name: 'ignore-lease', type: 'boolean', summary: 'keeps the lease that is there' },
  ],
  async run(context) {
    const request = await putRequestOf(context)
    print(context, putPrintable(await (await context.client()).kv.put(request), simpleOptionsOf(context)))
  },
}

export async function putRequestOf(context: Context): Promise<PutRequest> {
  const { operands, terminal } = context
  const [key = '', given] = operands
  const ignoreValue = context.is('ignore-value')
  if (operands.length === 0 || (given === undefined && !ignoreValue && terminal.readInput === undefined)) {
    throw badArguments('put command needs 1 argument and input from stdin or 2 arguments')
  }
  if (ignoreValue && operands.length > 1) {
    throw badArguments("put command needs only 1 argument when '--ignore-value' is set")
  }
  const lease = leaseIdOf(context.text('lease'), 'bad lease ID')
  const value = ignoreValue ? undefined : given === undefined ? await terminal.readInput?.() : Buffer.from(given)
  return PutRequest.create({
    key: Buffer.from(key),
    value: Buffer.from(value ?? []),
    lease,
    prev_kv: context.is('prev-kv'),
    ignore_value: ignoreValue,
    ignore_lease: context.is('ignore-lease'),
  })
}

const ORDERS: Readonly<Record<string, SortOrder>> = {
  '': SortOrder.NONE,
  ASCEND: SortOrder.ASCEND,
  DESCEND: SortOrder.DESCEND,
}

const TARGETS: Readonly<Record<string, SortTarget>> = {
  '': SortTarget.KEY,
  CREATE: SortTarget.CREATE,
  KEY: SortTarget.KEY,
  MODIFY: SortTarget.MOD,
  VALUE: SortTarget.VALUE,
  VERSION: SortTarget.VERSION,
}

export const GET: CtlCommand = {
  flags: [
    ...SELECTION_FLAGS,
    { name: 'consistency', type: 'text', fallback: 'l', summary: 'l: linearizable; s: as the server knows it' },
    { name: 'order', type: 'text', summary: 'ASCEND or DESCEND' },
    { name: 'sort-by', type: 'text', summary: 'CREATE, KEY, MODIFY, VALUE or VERSION' },
    { name: 'limit', type: 'integer', summary: 'at most so many; 0: all' },
    { name: 'rev', type: 'integer', summary: 'as it was at this revision; 0: as it is' },
    { name: 'keys-only', type: 'boolean', summary: 'leaves the values out' },
    { name: 'count-only', type: 'boolean', summary: 'tells only how many there are' },
    { name: 'print-value-only', type: 'boolean', summary: 'prints only values, with -w simple' },
    { name: 'min-mod-rev', type: 'integer', summary: 'leaves out what was last written before it' },
    { name: 'max-mod-rev', type: 'integer', summary: 'leaves out what was last written after it' },
    { name: 'min-create-rev', type: 'integer', summary: 'leaves out what was created before it' },
    { name: 'max-create-rev', type: 'integer', summary: 'leaves out what was created after it' },
  ],
  async run(context) {
    const request = rangeRequestOf(context)
    const valueOnly = context.is('print-value-only')
    if (valueOnly && context.format !== 'simple') {
      throw badArguments('print-value-only is only for `--write-out=simple`')
    }
    if (request.count_only && context.format !== 'fields' && context.format !== 'json') {
      throw badArguments('--count-only is only for `--write-out=fields` and `--write-out=json`')
    }
    const response = await (await context.client()).kv.range(request)
    print(context, rangePrintable(response, { ...simpleOptionsOf(context), valueOnly }))
  },
}

export function rangeRequestOf(context: Context): RangeRequest {
  const { key, rangeEnd } = selectedKeys(context, 'get')
  const [keysOnly, countOnly] = [context.is('keys-only'), context.is('count-only')]
  if (keysOnly && countOnly) throw badArguments('`--keys-only` and `--count-only` cannot be set at the same time')
  return RangeRequest.create({
    key,
    range_end: rangeEnd,
    limit: context.integer('limit'),
    revision: context.integer('rev'),
    sort_order: pick(ORDERS, context.text('order'), 'bad sort order'),
    sort_target: pick(TARGETS, context.text('sort-by'), 'bad sort target'),
    serializable: isSerializable(context.text('consistency')),
    keys_only: keysOnly,
    count_only: countOnly,
    min_mod_revision: context.integer('min-mod-rev'),
    max_mod_revision: context.integer('max-mod-rev'),
    min_create_revision: context.integer('min-create-rev'),
    max_create_revision: context.integer('max-create-rev'),
  })
}

export const DEL: CtlCommand = {
  flags: [...SELECTION_FLAGS, PREVIOUS, { name: 'range', type: 'boolean', summary: 'taken, and without effect' }],
  async run(context) {
    const response = await (await context.client()).kv.deleteRange(deleteRequestOf(context))
    print(context, deletePrintable(response, simpleOptionsOf(context)))
  },
}

export function deleteRequestOf(context: Context): DeleteRangeRequest {
  const { key, rangeEnd } = selectedKeys(context, 'del')
  return DeleteRangeRequest.create({ key, range_end: rangeEnd, prev_kv: context.is('prev-kv') })
}

export const COMPACTION: CtlCommand = {
  flags: [{ name: 'physical', type: 'boolean', summary: 'waits until it is gone from the disk of the server' }],
  async run(context) {
    if (context.operands.length !== 1) throw badArguments('compaction command needs 1 argument')
    const [given = ''] = context.operands
    if (!/^-?\d+$/.test(given)) {
      throw new CtlError(CTL_EXIT.failed, `strconv.ParseInt: parsing "${given}": invalid syntax`)
    }
    const revision = BigInt(given)
    const physical = context.is('physical')
    const client = await context.client()
    // As long as there is data to remove.
    const limits = physical ? { timeoutMs: Infinity } : {}
    await client.kv.compact(CompactionRequest.create({ revision, physical }), {
      ...limits,
      signal: context.terminal.signal,
    })
    context.line(`compacted revision ${revision}`)
  },
}

export function simpleOptionsOf(context: Context): SimpleOptions {
  return { hex: context.is('hex') }
}

export function isSerializable(consistency: string): boolean {
  if (consistency === 's') return true
  if (consistency === 'l') return false
  throw new CtlError(CTL_EXIT.unsupported, `unknown consistency flag "${consistency}"`)
}

function pick<Value>(table: Readonly<Record<string, Value>>, given: string, what: string): Value {
  const found = Object.hasOwn(table, given) ? table[given] : undefined
  if (found === undefined) throw new CtlError(CTL_EXIT.unsupported, `${what} ${given}`)
  return found
}
