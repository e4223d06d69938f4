import { ETCD_VERSION } from '../../etcd/wire/version.js'
import type { CtlCommand } from './ctl-command.js'

export const VERSION: CtlCommand = {
  run(context) {
    context.line(`quorate version: ${context.version}`)
    context.line(`API version: ${ETCD_VERSION.server.split('.').slice(0, 2).join('.')}`)
    return Promise.resolve()
  },
}
