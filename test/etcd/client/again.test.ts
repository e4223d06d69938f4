/** What is made again by the client, and what is not. */
import { status, type sendUnaryData, type ServerDuplexStream, type ServerUnaryCall } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import { connect } from '../../../src/etcd/index.js'
import { EtcdClient } from '../../../src/etcd/client/etcd-client.js'
import { givingUp, Waiting } from '../../../src/etcd/client/waiting.js'
import {
  PutRequest,
  RangeRequest,
  RangeResponse,
  WatchResponse,
  type PutResponse,
  type WatchRequest,
} from '../../../src/etcd/generated/rpc.js'
import { systemEnvironment } from '../../../src/runtime/system.js'
import { answering, type Answering } from './answering.js'

let server: Answering

afterEach(() => {
  server.close()
})

describe('a call that a server refuses for the moment', () => {
  test.each(['etcdserver: leader changed', 'etcdserver: request timed out'])(
    'is made again where it only reads, and not where it writes: %s',
    async (details) => {
      let ranges = 0
      let puts = 0
      server = await answering({
        range: (_call: ServerUnaryCall<RangeRequest, RangeResponse>, answer: sendUnaryData<RangeResponse>) => {
          ranges += 1
          if (ranges < 3) answer({ code: status.UNAVAILABLE, details })
          else answer(null, RangeResponse.fromPartial({ count: 7n }))
        },
        put: (_call: ServerUnaryCall<PutRequest, PutResponse>, answer: sendUnaryData<PutResponse>) => {
          puts += 1
          answer({ code: status.UNAVAILABLE, details })
        },
      })
      const client = await EtcdClient.open({ endpoints: server.endpoint })
      try {
        expect(await client.kv.range(RangeRequest.create())).toMatchObject({ count: 7n })
        await expect(client.kv.put(PutRequest.create())).rejects.toMatchObject({ outcome: 'unknown' })
        expect({ ranges, puts }).toEqual({ ranges: 3, puts: 1 })
      } finally {
        client.close()
      }
    },
  )
})

describe('a watch', () => {
  const EVENT = { type: 0, kv: { key: Buffer.from('a'), value: Buffer.from('x'), mod_revision: 42n, version: 1n } }
  type Stream = ServerDuplexStream<WatchRequest, WatchResponse>

  test('from now begins where the server is, where the client has heard of no revision', async () => {
    let started: bigint | undefined
    server = await answering({
      watch: (stream: Stream) => {
        stream.on('data', ({ request_union: request }: WatchRequest) => {
          if (request?.$case !== 'create_request') return
          started = request.value.start_revision
          stream.write(WatchResponse.fromPartial({ header: { revision: 41n }, created: true }))
          stream.write(WatchResponse.fromPartial({ header: { revision: 42n }, events: [EVENT] }))
        })
      },
    })
    const store = await connect({ endpoints: server.endpoint })
    try {
      const watch = store.watch('a')
      await watch.opened()
      expect({ started, revision: watch.revision }).toEqual({ started: 0n, revision: 41 })
      expect((await watch[Symbol.asyncIterator]().next()).value).toMatchObject({ key: 'a', revision: 42 })
    } finally {
      await store.close()
    }
  })

  test('that a server ends without a reason as soon as it took it is asked for later each time', async () => {
    const CANCELS = 5
    let streams = 0
    server = await answering({
      watch: (stream: Stream) => {
        stream.once('data', () => {
          streams += 1
          stream.write(WatchResponse.fromPartial({ header: { revision: 41n }, created: true }))
          if (streams <= CANCELS) stream.write(WatchResponse.fromPartial({ header: { revision: 41n }, canceled: true }))
          else stream.write(WatchResponse.fromPartial({ header: { revision: 42n }, events: [EVENT] }))
        })
      },
    })
    const system = systemEnvironment()
    let timed: number[] = []
    const timers = {
      ...system.timers,
      after: (delayMs: number, action: () => void) => {
        timed.push(delayMs)
        return system.timers.after(delayMs < 1000 ? 0 : delayMs, action)
      },
    }
    const store = await connect({ endpoints: server.endpoint, environment: { ...system, timers } })
    try {
      const watch = store.watch('a')
      await watch.opened()
      timed = []
      expect((await watch[Symbol.asyncIterator]().next()).value).toMatchObject({ key: 'a' })
      expect(streams).toBe(CANCELS + 1)
      expect(timed, 'pauses between the tries').toHaveLength(CANCELS - 1)
    } finally {
      await store.close()
    }
  })
})

test('work that is given up before anybody waits for it ends no process when it fails', async () => {
  server = await answering({})
  const { timers } = systemEnvironment()
  const waiting = new Waiting({ clock: { monotonicMs: () => 5, wallMs: () => 5 }, timers })
  let fail = (_error: Error): void => undefined
  const work = new Promise<never>((_resolve, reject) => (fail = reject))
  const unhandled: unknown[] = []
  const listen = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', listen)
  try {
    const given = waiting.within(work, { deadlineMs: 5 }, givingUp('it was done'))
    await expect(given).rejects.toMatchObject({ code: 'TIMEOUT' })
    fail(new Error('the server is gone'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', listen)
  }
})
