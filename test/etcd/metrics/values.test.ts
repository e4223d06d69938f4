/** What is shown moves when something happens. */
import { get } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KVService } from '../../../src/etcd/generated/rpc.js'
import { EtcdMetrics } from '../../../src/etcd/metrics/etcd-metrics.js'
import type { Store } from '../../../src/api/store.js'
import { certificateAuthority } from '../../certificates.js'
import { codeOfAsync } from '../../code-of.js'
import { RunningWorld } from '../../store/clusters.js'
import { call, refusalOf, serve, type Served } from '../served.js'
import { Watching } from '../watching.js'
import { Shown } from './shown.js'

describe('a served store', () => {
  let served: Served

  beforeAll(async () => {
    served = await serve({ listenMetricsUrls: ['http://127.0.0.1:0'], metrics: 'extensive' })
  })
  afterAll(() => served.close())

  async function scrape(url = served.server.clientUrls[0]): Promise<Shown> {
    const response = await fetch(`${url}/metrics`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return new Shown(await response.text())
  }

  test('shows from the start who it is, and every method with every code', async () => {
    const shown = await scrape()
    expect(shown.value('etcd_server_has_leader')).toBe(1)
    expect(shown.value('etcd_server_is_leader')).toBe(1)
    expect(shown.value('etcd_server_leader_changes_seen_total')).toBe(1)
    expect(shown.value('etcd_server_version', { server_version: '3.6.14' })).toBe(1)
    const server_id = served.store.status().memberId.toString(16)
    expect(shown.value('etcd_server_id', { server_id })).toBe(1)
    const method = { grpc_type: 'bidi_stream', grpc_service: 'etcdserverpb.Watch', grpc_method: 'Watch' }
    expect(shown.value('grpc_server_handled_total', { ...method, grpc_code: 'Unavailable' })).toBe(0)
    expect(shown.series('grpc_server_handled_total').length % 17).toBe(0)
    expect(shown.series('process_resident_memory_bytes')).toHaveLength(1)
    expect(shown.series('go_')).toHaveLength(0)
  })

  test('counts calls by their methods and codes, and what they do to keys', async () => {
    await call(served.client, KVService.put, { key: Buffer.from('key'), value: Buffer.from('value') })
    await call(served.client, KVService.range, { key: Buffer.from('key') }, { 'client-api-version': '3.6.14' })
    expect(await refusalOf(call(served.client, KVService.put))).toMatch(/^INVALID_ARGUMENT/)
    const shown = await scrape()
    const put = { grpc_type: 'unary', grpc_service: 'etcdserverpb.KV', grpc_method: 'Put' }
    expect(shown.value('grpc_server_started_total', put)).toBe(2)
    expect(shown.value('grpc_server_handled_total', { ...put, grpc_code: 'OK' })).toBe(1)
    expect(shown.value('grpc_server_handled_total', { ...put, grpc_code: 'InvalidArgument' })).toBe(1)
    expect(shown.value('grpc_server_msg_sent_total', put)).toBe(1)
    expect(shown.value('grpc_server_handling_seconds_count', put)).toBe(2)
    expect(shown.value('etcd_mvcc_put_total')).toBe(1)
    expect(shown.value('etcd_mvcc_range_total')).toBeGreaterThanOrEqual(1)
    expect(shown.value('etcd_debugging_mvcc_total_put_size_in_bytes')).toBe(8)
    expect(shown.value('etcd_disk_wal_fsync_duration_seconds_count')).toBeGreaterThan(0)
    expect(shown.value('etcd_network_client_grpc_received_bytes_total')).toBeGreaterThan(10)
    const request = { type: 'unary', client_api_version: '3.6.14' }
    expect(shown.value('etcd_server_client_requests_total', request)).toBe(1)
    const applied = { version: 'v3', op: 'Put', success: 'true' }
    expect(shown.value('etcd_server_apply_duration_seconds_count', applied)).toBe(1)
    expect(shown.value('etcd_server_request_duration_seconds_count', { type: 'put', success: 'false' })).toBe(1)
  })

  test('shows watches for as long as they are there', async () => {
    const watching = new Watching(served.client)
    await watching.create('key')
    const shown = await scrape()
    expect(shown.value('etcd_debugging_mvcc_watch_stream_total')).toBe(1)
    expect(shown.value('etcd_debugging_mvcc_watcher_total')).toBe(1)
    watching.stream.cancel()
    while ((await scrape()).value('etcd_debugging_mvcc_watch_stream_total') !== 0) continue
    const method = { grpc_type: 'bidi_stream', grpc_service: 'etcdserverpb.Watch', grpc_method: 'Watch' }
    const after = await scrape()
    expect(after.value('grpc_server_handled_total', { ...method, grpc_code: 'Canceled' })).toBe(1)
    expect(after.value('etcd_debugging_mvcc_watcher_total')).toBe(0)
  })

  test('is on a port of its own with the probes, and the keys are not', async () => {
    const [url = ''] = served.server.metricsUrls
    expect((await scrape(url)).value('etcd_server_has_leader')).toBe(1)
    expect((await fetch(`${url}/health`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect((await fetch(`${url}/v3/kv/range`, { method: 'POST', body: '{}' })).status).toBe(404)
    const shown = await scrape()
    expect(shown.value('etcd_server_health_success')).toBe(1)
    expect(shown.value('etcd_server_healthcheck', { type: 'readyz', name: 'linearizable_read' })).toBe(1)
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)
  })
})

test('a port of metrics with https has the certificate of clients, and asks for none', async () => {
  const authority = certificateAuthority()
  const { cert, key } = authority.issue()
  const served = await serve({
    listenClientUrls: ['https://127.0.0.1:0'],
    listenMetricsUrls: ['https://127.0.0.1:0'],
    tls: { cert, key, trustedCa: authority.cert, clientCertAuth: true },
  })
  const status = (url = ''): Promise<number | string | undefined> =>
    new Promise((resolve) => {
      const asking = get(`${url}/metrics`, { ca: authority.cert }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asking.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    })
  expect(await status(served.server.metricsUrls[0])).toBe(200)
  expect(await status(served.server.clientUrls[0])).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/)
  await served.close()
})

describe('three members', () => {
  const shownOf = async (metrics: EtcdMetrics): Promise<Shown> => new Shown(await metrics.text())

  test('show the loss of a quorum, and the leader that comes after', async () => {
    const world = await RunningWorld.start()
    const [store] = world.followers as [Store]
    const metrics = new EtcdMetrics(store)
    const peers = world.places.length - 1
    const before = await shownOf(metrics)
    expect(before.value('etcd_server_has_leader')).toBe(1)
    expect(before.value('etcd_server_is_leader')).toBe(0)
    expect(before.series('etcd_network_active_peers')).toHaveLength(peers)

    world.isolate(store.status().name)
    await world.until(() => store.status().leader === undefined)
    expect(await codeOfAsync(() => store.put('key', 'x', { timeoutMs: 2_000 }))).toBe('TIMEOUT')
    const without = await shownOf(metrics)
    expect(without.value('etcd_server_has_leader')).toBe(0)
    expect(without.value('etcd_server_proposals_failed_total')).toBe(1)
    expect(without.series('etcd_network_disconnected_peers_total')).toHaveLength(peers)

    world.network.healAll()
    await world.until(() => store.status().leader !== undefined)
    const after = await shownOf(metrics)
    expect(after.value('etcd_server_has_leader')).toBe(1)
    expect(after.value('etcd_server_leader_changes_seen_total')).toBe(2)
    metrics.close()
    await world.halt()
  })
})
