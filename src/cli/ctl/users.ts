/** user add, delete, get, list, passwd, grant-role and revoke-role. */
import {
  AuthRoleGetRequest,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
  AuthUserDeleteRequest,
  AuthUserGetRequest,
  AuthUserGrantRoleRequest,
  AuthUserRevokeRoleRequest,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { checkOperands } from './operands.js'
import { headerFields } from './print/fields.js'
import { print } from './print/responses.js'
import { printDone } from './print/done.js'
import { roleText } from './roles.js'

const INTERACTIVE: CtlFlag = {
  name: 'interactive',
  type: 'boolean',
  fallback: 'true',
  summary: 'asks twice for the password; false: it is a line of standard input',
}

export const USER_ADD: CtlCommand = {
  flags: [
    INTERACTIVE,
    { name: 'new-user-password', type: 'text', summary: 'the password, which other programs can then see' },
    { name: 'no-password', type: 'boolean', summary: 'without a password: for whoever has a client certificate' },
  ],
  async run(context) {
    checkOperands(context, 'user add command requires user name as its argument', 1)
    const [given = ''] = context.operands
    const noPassword = context.is('no-password')
    const { name, password } = await newUserOf(context, given, noPassword)
    const request = AuthUserAddRequest.create({ name, password, options: { no_password: noPassword } })
    printDone(context, await (await context.client()).auth.userAdd(request), `User ${name} created`)
  },
}

async function newUserOf(
  context: Context,
  given: string,
  noPassword: boolean,
): Promise<{ readonly name: string; readonly password: string }> {
  const flag = context.text('new-user-password')
  if (flag !== '') return { name: given, password: flag }
  const [, name, password = ''] = /^([^:]*):(.*)$/s.exec(given) ?? []
  if (name === '') throw badArguments('empty user name is not allowed')
  if (name !== undefined) return { name, password }
  return { name: given, password: noPassword ? '' : await newPasswordOf(context, given) }
}

async function newPasswordOf(context: Context, name: string): Promise<string> {
  if (!context.is('interactive')) return (await context.terminal.readLine?.())?.trim() ?? ''
  const password = await context.password(`Password of ${name}: `)
  if (password === '') throw badArguments('empty password')
  const again = await context.password(`Type password of ${name} again for confirmation: `)
  if (again !== password) throw badArguments('given passwords are different')
  return password
}

export const USER_DELETE: CtlCommand = {
  async run(context) {
    checkOperands(context, 'user delete command requires user name as its argument', 1)
    const [name = ''] = context.operands
    const { auth } = await context.client()
    printDone(context, await auth.userDelete(AuthUserDeleteRequest.create({ name })), `User ${name} deleted`)
  },
}

export const USER_GET: CtlCommand = {
  flags: [{ name: 'detail', type: 'boolean', summary: 'tells what the roles permit, too' }],
  async run(context) {
    checkOperands(context, 'user get command requires user name as its argument', 1)
    const [name = ''] = context.operands
    const { auth } = await context.client()
    const message = await auth.userGet(AuthUserGetRequest.create({ name }))
    const { header, roles } = message
    if (!context.is('detail')) {
      print(context, {
        message,
        simple: () => `User: ${name}\n${['Roles:', ...roles].join(' ')}\n`,
        fields: () => [...headerFields(header), ...roles.map((role) => ['Role', role] as const)],
      })
      return
    }
    const texts: string[] = []
    for (const role of roles) {
      texts.push(`\n${roleText(role, await auth.roleGet(AuthRoleGetRequest.create({ role })))}`)
    }
    context.terminal.out(`User: ${name}\n${texts.join('')}`)
  },
}

export const USER_LIST: CtlCommand = {
  async run(context) {
    checkOperands(context, 'user list command requires no arguments', 0)
    const message = await (await context.client()).auth.userList({})
    const { header, users } = message
    print(context, {
      message,
      simple: () => users.map((user) => `${user}\n`).join(''),
      fields: () => [...headerFields(header), ...users.map((user) => ['User', user] as const)],
    })
  },
}

export const USER_PASSWD: CtlCommand = {
  flags: [INTERACTIVE],
  async run(context) {
    checkOperands(context, 'user passwd command requires user name as its argument', 1)
    const [name = ''] = context.operands
    const password = await newPasswordOf(context, name)
    const request = AuthUserChangePasswordRequest.create({ name, password })
    printDone(context, await (await context.client()).auth.userChangePassword(request), 'Password updated')
  },
}

export const USER_GRANT_ROLE: CtlCommand = {
  async run(context) {
    checkOperands(context, 'user grant command requires user name and role name as its argument', 2)
    const [user = '', role = ''] = context.operands
    const { auth } = await context.client()
    const message = await auth.userGrantRole(AuthUserGrantRoleRequest.create({ user, role }))
    printDone(context, message, `Role ${role} is granted to user ${user}`)
  },
}

export const USER_REVOKE_ROLE: CtlCommand = {
  async run(context) {
    checkOperands(context, 'user revoke-role requires user name and role name as its argument', 2)
    const [name = '', role = ''] = context.operands
    const { auth } = await context.client()
    const message = await auth.userRevokeRole(AuthUserRevokeRoleRequest.create({ name, role }))
    printDone(context, message, `Role ${role} is revoked from user ${name}`)
  },
}
