/** `/metrics`, for whatever serves HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EtcdMetrics } from './etcd-metrics.js'

export function metricsEndpoint(
  metrics: EtcdMetrics,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end()
      return
    }
    const body = Buffer.from(await metrics.text())
    response.writeHead(200, { 'Content-Type': metrics.contentType, 'Content-Length': body.length }).end(body)
  }
}
