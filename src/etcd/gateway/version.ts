/** Which etcd this is, as clients ask before they speak to it. */
import { ETCD_VERSION } from '../wire/version.js'
import { answerJson, isAllowed, type Endpoint } from './answer.js'

export const version: Endpoint = (request, response) => {
  if (!isAllowed(request, response, 'GET', 'HEAD')) return
  const { server, cluster, storage } = ETCD_VERSION
  answerJson(response, 200, { etcdserver: server, etcdcluster: cluster, storage })
}
