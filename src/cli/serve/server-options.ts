/** From flags to what `serveEtcd()` takes. */
import type { ServeEtcdOptions } from '../../etcd/server/options.js'
import type { Values } from './flags.js'
import { isSecure, textsOf } from './url.js'

export function serverOptionsOf(values: Values): ServeEtcdOptions {
  return {
    listenClientUrls: [...new Set(textsOf([...values['listen-client-urls'], ...values['listen-client-http-urls']]))],
    advertiseClientUrls: textsOf(values['advertise-client-urls']),
    requestBytesMax: values['max-request-bytes'],
    concurrentStreamsMax: values['max-concurrent-streams'],
    transactionOperationsMax: values['max-txn-ops'],
    peerScheme: values['initial-advertise-peer-urls'].some(isSecure) ? 'https' : 'http',
    learnersMax: values['max-learners'],
  }
}
