/** auth enable, disable and status. */
import { StoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { AuthRoleAddRequest, AuthUserGrantRoleRequest, type AuthEnableResponse } from '../../etcd/generated/rpc.js'
import type { CtlCommand } from './ctl-command.js'
import { checkOperands } from './operands.js'
import { printDone } from './print/done.js'
import { headerFields } from './print/fields.js'
import { print } from './print/responses.js'

const ROOT = 'root'

export const AUTH_ENABLE: CtlCommand = {
  description: 'The user root has to be there; the role root is added, and granted to it, where that is missing.',
  async run(context) {
    checkOperands(context, 'auth enable command does not accept any arguments', 0)
    printDone(context, await enable(await context.client()), 'Authentication Enabled')
  },
}

async function enable({ auth }: EtcdClient): Promise<AuthEnableResponse> {
  try {
    return await auth.authEnable({})
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'ROOT_ROLE_MISSING') throw error
  }
  try {
    await auth.roleAdd(AuthRoleAddRequest.create({ name: ROOT }))
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'ROLE_EXISTS') throw error
  }
  await auth.userGrantRole(AuthUserGrantRoleRequest.create({ user: ROOT, role: ROOT }))
  return auth.authEnable({})
}

export const AUTH_DISABLE: CtlCommand = {
  async run(context) {
    checkOperands(context, 'auth disable command does not accept any arguments', 0)
    printDone(context, await (await context.client()).auth.authDisable({}), 'Authentication Disabled')
  },
}

export const AUTH_STATUS: CtlCommand = {
  async run(context) {
    checkOperands(context, 'auth status command does not accept any arguments', 0)
    const message = await (await context.client()).auth.authStatus({})
    const { header, enabled, authRevision } = message
    print(context, {
      message,
      simple: () => `Authentication Status: ${enabled}\nAuthRevision: ${authRevision}\n`,
      fields: () => [...headerFields(header), ['Enabled', enabled], ['AuthRevision', authRevision]],
    })
  },
}
