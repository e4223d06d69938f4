/** role add, delete, get, list, grant-permission and revoke-permission. */
import {
  AuthRoleAddRequest,
  AuthRoleDeleteRequest,
  AuthRoleGetRequest,
  AuthRoleGrantPermissionRequest,
  AuthRoleRevokePermissionRequest,
  Permission,
  Permission_Type as PermissionType,
  type AuthRoleGetResponse,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments } from './ctl-error.js'
import { checkOperands } from './operands.js'
import { printDone } from './print/done.js'
import { headerFields, type Field } from './print/fields.js'
import { print } from './print/responses.js'
import { prefixEndOf, SELECTION_FLAGS } from './selected-keys.js'

export const ROLE_ADD: CtlCommand = {
  async run(context) {
    checkOperands(context, 'role add command requires role name as its argument', 1)
    const [name = ''] = context.operands
    const { auth } = await context.client()
    printDone(context, await auth.roleAdd(AuthRoleAddRequest.create({ name })), `Role ${name} created`)
  },
}

export const ROLE_DELETE: CtlCommand = {
  async run(context) {
    checkOperands(context, 'role delete command requires role name as its argument', 1)
    const [role = ''] = context.operands
    const { auth } = await context.client()
    printDone(context, await auth.roleDelete(AuthRoleDeleteRequest.create({ role })), `Role ${role} deleted`)
  },
}

export const ROLE_GET: CtlCommand = {
  async run(context) {
    checkOperands(context, 'role get command requires role name as its argument', 1)
    const [role = ''] = context.operands
    const message = await (await context.client()).auth.roleGet(AuthRoleGetRequest.create({ role }))
    print(context, {
      message,
      simple: () => roleText(role, message),
      fields: () => [...headerFields(message.header), ...message.perm.flatMap(permissionFields)],
    })
  },
}

export const ROLE_LIST: CtlCommand = {
  async run(context) {
    checkOperands(context, 'role list command requires no arguments', 0)
    const message = await (await context.client()).auth.roleList({})
    const { header, roles } = message
    print(context, {
      message,
      simple: () => roles.map((role) => `${role}\n`).join(''),
      fields: () => [...headerFields(header), ...roles.map((role) => ['Role', role] as const)],
    })
  },
}

const TYPES: Readonly<Record<string, PermissionType>> = {
  read: PermissionType.READ,
  write: PermissionType.WRITE,
  readwrite: PermissionType.READWRITE,
}

export const ROLE_GRANT_PERMISSION: CtlCommand = {
  flags: SELECTION_FLAGS,
  async run(context) {
    const what = 'role grant command requires role name, permission type, and key [endkey] as its argument'
    checkOperands(context, what, 3, 4)
    const [name = '', type = '', ...keys] = context.operands
    const permType = Object.hasOwn(TYPES, type.toLowerCase()) ? TYPES[type.toLowerCase()] : undefined
    if (permType === undefined) throw badArguments(`invalid permission type: ${type}`)
    const perm = Permission.create({ permType, ...rangeOf(context, keys) })
    const { auth } = await context.client()
    const message = await auth.roleGrantPermission(AuthRoleGrantPermissionRequest.create({ name, perm }))
    printDone(context, message, `Role ${name} updated`)
  },
}

export const ROLE_REVOKE_PERMISSION: CtlCommand = {
  flags: SELECTION_FLAGS,
  async run(context) {
    checkOperands(context, 'role revoke-permission command requires role name and key [endkey] as its argument', 2, 3)
    const [role = '', ...keys] = context.operands
    const range = rangeOf(context, keys)
    const { auth } = await context.client()
    const message = await auth.roleRevokePermission(AuthRoleRevokePermissionRequest.create({ role, ...range }))
    const what = range.range_end.length === 0 ? `key ${range.key.toString('utf8')}` : `range ${rangeText(range)}`
    printDone(context, message, `Permission of ${what} is revoked from role ${role}`)
  },
}

interface Range {
  readonly key: Buffer
  readonly range_end: Buffer
}

const ZERO = Buffer.of(0)
const NONE = Buffer.alloc(0)

/** Throws {@link CtlError}. The empty key stands for the least one there is, since none has no permission. */
function rangeOf(context: Context, [first = '', end]: readonly string[]): Range {
  const [prefix, fromKey] = [context.is('prefix'), context.is('from-key')]
  if (prefix && fromKey) throw badArguments('--from-key and --prefix flags are mutually exclusive')
  if (end !== undefined && (prefix || fromKey)) {
    throw badArguments(`unexpected endkey argument with --${prefix ? 'prefix' : 'from-key'} flag`)
  }
  const key = Buffer.from(first)
  if (key.length === 0) return { key: ZERO, range_end: prefix || fromKey ? ZERO : Buffer.from(end ?? '') }
  if (prefix) return { key, range_end: prefixEndOf(key) }
  return { key, range_end: fromKey ? ZERO : end === undefined ? NONE : Buffer.from(end) }
}

/** As `-w simple` has it. */
export function roleText(role: string, { perm }: AuthRoleGetResponse): string {
  // Nothing is written down of what root may: everything.
  const all = role === 'root' && perm.length === 0 ? ['\t[, <open ended>'] : undefined
  const reads = all ?? perm.filter(({ permType }) => permType !== PermissionType.WRITE).map(permissionText)
  const writes = all ?? perm.filter(({ permType }) => permType !== PermissionType.READ).map(permissionText)
  return [`Role ${role}`, 'KV Read:', ...reads, 'KV Write:', ...writes, ''].join('\n')
}

function permissionText({ key, range_end }: Permission): string {
  const text = key.toString('utf8')
  if (range_end.length === 0) return `\t${text}`
  const isPrefix = key.length > 0 && prefixEndOf(key).equals(range_end)
  return `\t${rangeText({ key, range_end })}${isPrefix ? ` (prefix ${text})` : ''}`
}

function rangeText({ key, range_end }: Range): string {
  const from = key.toString('utf8')
  return range_end.equals(ZERO) ? `[${from}, <open ended>` : `[${from}, ${range_end.toString('utf8')})`
}

function permissionFields({ permType, key, range_end }: Permission): Field[] {
  return [
    ['PermType', { word: PermissionType[permType] }],
    ['Key', key],
    ['RangeEnd', range_end],
  ]
}
