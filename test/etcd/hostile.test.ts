/**
 * Clients that mean harm, or are broken: what they send is answered with a clear status or a closed connection, memory stays
 * bounded, nothing of them is left, and others are served meanwhile.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { ClusterService, KVService, WatchService, type WatchCreateRequest } from '../../src/etcd/generated/rpc.js'
import { StoreError } from '../../src/base/errors.js'
import { tooMuch } from '../../src/etcd/server/message-scan.js'
import { call, clientOf, messageOf, serve, type Served } from './served.js'
import { callHeaders, FLAG, FRAME, frame, grpcMessage, many, RawHttp2 } from './raw-http2.js'
import { Watching } from './watching.js'

const MEBIBYTE = 1024 * 1024
const RANGE = KVService.range.path
const PUT = KVService.put.path
const WATCH = WatchService.watch.path

let served: Served
let session: ClientHttp2Session

beforeAll(async () => {
  served = await serve()
})
afterAll(() => served.close())
beforeEach(() => {
  session = connectHttp2(`http://${served.target}`)
  session.on('error', () => undefined)
})
afterEach(async () => {
  session.destroy()
  // Whatever a test did to the server, an ordinary client is served, and nothing of the test is left.
  await othersAreServed()
  await until('all watches have ended', () => watches() === 0)
})

async function othersAreServed(): Promise<void> {
  const { header } = await call(served.client, KVService.put, { key: Buffer.from('ordinary'), value: Buffer.from('x') })
  expect(header?.revision).toBeGreaterThan(1n)
}

const watches = (): number => served.store.telemetry.gauges()?.watches ?? 0
const memoryBytes = (): number => {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Fails as the test does, which has a deadline. */
async function until(_what: string, holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

function request(path: string, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    ...headers,
  })
  stream.on('error', () => undefined)
  return stream
}

/** What it ends with: `OK`, a status of gRPC, `http 415`, or `reset` with a code of HTTP/2. */
async function endOf(stream: ClientHttp2Stream): Promise<string> {
  let end = ''
  const heed = (headers: Readonly<Record<string, unknown>>): void => {
    const { 'grpc-status': grpc, ':status': http } = headers
    if (grpc !== undefined) end = status[Number(grpc)] ?? `grpc ${Number(grpc)}`
    else if (http !== undefined && http !== 200) end = `http ${Number(http)}`
  }
  stream.on('response', heed)
  stream.on('trailers', heed)
  stream.resume()
  if (!stream.closed) await once(stream, 'close')
  return end === '' ? `reset ${stream.rstCode}` : end
}

async function ends(path: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const stream = request(path, headers)
  const end = endOf(stream)
  stream.end(body)
  return end
}

function watchRequest(key: string, asked: Partial<WatchCreateRequest> = {}): Buffer {
  const none = { ...{ range_end: Buffer.alloc(0), start_revision: 0n, progress_notify: false, filters: [] } }
  const value = { ...none, prev_kv: false, watch_id: 0n, fragment: false, key: Buffer.from(key), ...asked }
  return grpcMessage(WatchService.watch.requestSerialize({ request_union: { $case: 'create_request', value } }))
}

describe('A message', () => {
  const whole = KVService.put.requestSerialize(
    messageOf(KVService.put, { key: Buffer.from('message'), value: Buffer.from('value') }),
  )

  test('with fields that nobody knows is taken without them', async () => {
    const unknown = Buffer.concat([whole, Buffer.from('fa3f0568656c6c6f' + 'f83f01' + 'fd3f01020304', 'hex')])
    expect(await ends(PUT, grpcMessage(unknown))).toBe('OK')
  })

  test('of many small operations or fields is refused before they are made', async () => {
    const [transaction, add] = [KVService.txn, ClusterService.memberAdd]
    const operations = Buffer.alloc(400_000, Buffer.of(0x12, 0x02, 0x0a, 0x00))
    const within = Buffer.alloc(100_000, Buffer.of(0x0a, 0x00))
    // One operation, which says again and again what it is.
    const said = Buffer.concat([Buffer.of(0x12, 0xa0, 0x8d, 0x06), within])
    const lease = Buffer.alloc(100_000, Buffer.of(0x18, 0x01))
    for (const [path, body, end] of [
      [transaction.path, operations, 'INVALID_ARGUMENT'],
      [transaction.path, said, 'INVALID_ARGUMENT'],
      [add.path, within, 'INVALID_ARGUMENT'],
      [PUT, lease, 'INVALID_ARGUMENT'],
    ] as const) {
      expect(tooMuch(path, body, 128)).toBeInstanceOf(StoreError)
      expect([path, await ends(path, grpcMessage(gzipSync(body), true), { 'grpc-encoding': 'gzip' })]).toEqual([
        path,
        end,
      ])
    }
  })

  test('that is cut or no message is refused, and changes nothing', async () => {
    const { revision } = served.store.status()
    for (let length = 1; length < whole.length; length++) {
      if (length === 9) continue // A message of its own: the key alone.
      expect([length, await ends(PUT, grpcMessage(whole.subarray(0, length)))]).toEqual([length, 'INTERNAL'])
    }
    for (const garbage of ['ff', 'ffffffffffffffffffff', '0affffffff0f', '0b', '0a808080808080808080808001']) {
      expect([garbage, await ends(PUT, grpcMessage(Buffer.from(garbage, 'hex')))]).toEqual([garbage, 'INTERNAL'])
    }
    expect(served.store.status().revision).toBe(revision)
  })

  test('that is cut within its frame, or has no frame, is refused', async () => {
    expect(await ends(PUT, grpcMessage(whole, false, whole.length + 10))).not.toBe('OK')
    expect(await ends(PUT, Buffer.alloc(0))).not.toBe('OK')
    expect(await ends(PUT, Buffer.of(0, 0, 0))).not.toBe('OK')
  })

  test('that comes twice where one is expected is refused', async () => {
    expect(await ends(PUT, Buffer.concat([grpcMessage(whole), grpcMessage(whole)]))).not.toBe('OK')
  })

  test('that announces gibibytes is refused before memory is taken for it', async () => {
    const before = memoryBytes()
    for (const announced of [3 * MEBIBYTE, 2 ** 31, 2 ** 32 - 1]) {
      expect(await ends(PUT, grpcMessage(whole, false, announced))).toBe('RESOURCE_EXHAUSTED')
    }
    expect(memoryBytes() - before).toBeLessThan(16 * MEBIBYTE)
  })

  test('that is a bomb when it is decompressed is refused before it has grown', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MEBIBYTE))
    const before = memoryBytes()
    const end = await ends(PUT, grpcMessage(bomb, true), { 'grpc-encoding': 'gzip' })
    expect(end).toBe('RESOURCE_EXHAUSTED')
    expect(memoryBytes() - before).toBeLessThan(32 * MEBIBYTE)
  })

  test('that is compressed is understood, and refused where nobody knows how', async () => {
    expect(await ends(PUT, grpcMessage(gzipSync(whole), true), { 'grpc-encoding': 'gzip' })).toBe('OK')
    expect(await ends(PUT, grpcMessage(whole, true), { 'grpc-encoding': 'gzip' })).not.toBe('OK')
    expect(await ends(PUT, grpcMessage(whole, true), { 'grpc-encoding': 'lzma' })).toBe('UNIMPLEMENTED')
  })
})

describe('A request', () => {
  test('of another content type, path or method is refused', async () => {
    expect(await ends(RANGE, Buffer.alloc(5), { 'content-type': 'text/plain' })).toBe('http 415')
    expect(await ends('/etcdserverpb.KV/Nothing', Buffer.alloc(5))).toBe('UNIMPLEMENTED')
    expect(await ends('/', Buffer.alloc(5))).toBe('UNIMPLEMENTED')
    expect(await ends(`/${'x'.repeat(8000)}`, Buffer.alloc(5))).toBe('UNIMPLEMENTED')
  })

  test('of headers without end is refused', async () => {
    const raw = await RawHttp2.connect(served.target)
    await raw.send([frame(FRAME.headers, 0, 1, callHeaders(RANGE))])
    await raw.send(many(20_000, () => frame(FRAME.continuation, 0, 1, Buffer.alloc(1000))))
    await raw.closed
  })
})

describe('A stream', () => {
  test('of which there are a thousand on one connection is served, each', async () => {
    const watching = Array.from({ length: 1000 }, () => new Watching(served.client))
    await Promise.all(watching.map((each) => each.create('streams')))
    expect(watches()).toBe(1000)
    await served.store.put('streams', 'x')
    const told = await Promise.all(watching.map((each) => each.next()))
    expect(told.every(({ events }) => events.length === 1)).toBe(true)
    for (const each of watching) each.end()
  })

  test('that is given up in whatever state leaves nothing behind', async () => {
    const client = clientOf(served.target)
    const large = 'x'.repeat(100_000)
    const states: ((watching: Watching) => Promise<void>)[] = [
      async (watching) => void (await watching.create('states')),
      async (watching) => {
        for (let nth = 0; nth < 100; nth++) watching.ask('states', { start_revision: 1n, prev_kv: true })
        await watching.next()
      },
      async (watching) => {
        await watching.create('states')
        watching.stream.pause()
        for (let nth = 0; nth < 10; nth++) await served.store.put('states', large)
      },
      async (watching) => {
        await watching.create('states')
        watching.progress()
        watching.cancel(0)
      },
    ]
    for (const bring of states) {
      const watching = new Watching(client)
      await bring(watching)
      watching.end()
      await until('its watches have ended', () => watches() === 0)
    }
    client.close()
    const begun = request(WATCH)
    const asked = request(WATCH)
    asked.write(watchRequest('states'))
    for (const stream of [begun, asked]) {
      stream.close(constants.NGHTTP2_CANCEL)
      await once(stream, 'close')
    }
  })

  test('whose connection is lost in whatever state leaves nothing behind', async () => {
    const begun = request(WATCH)
    const asked = request(WATCH)
    asked.write(watchRequest('lost'))
    const told = request(WATCH)
    told.write(watchRequest('lost'))
    const cut = request(WATCH)
    cut.write(watchRequest('lost').subarray(0, 7))
    const unread = request(WATCH)
    for (let nth = 0; nth < 100; nth++) unread.write(watchRequest('lost', { start_revision: 1n }))
    told.on('data', () => undefined)
    if (told.readableLength === 0) await once(told, 'data')
    await served.store.put('lost', Buffer.alloc(100_000))
    session.destroy()
    for (const stream of [begun, asked, told, cut, unread]) if (!stream.closed) await once(stream, 'close')
  })
})

describe('A client that stops reading', () => {
  test('has a bounded part of what it watches in memory, however many watches it has', async () => {
    const stream = connectHttp2(`http://${served.target}`, { settings: { initialWindowSize: 0 } })
    stream.on('error', () => undefined)
    const watch = stream.request({
      ':method': 'POST',
      ':path': WATCH,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    watch.on('error', () => undefined)
    const { revision } = served.store.status()
    for (let nth = 0; nth < 200; nth++) {
      watch.write(
        watchRequest(nth % 2 === 0 ? 'unread' : 'past', { start_revision: BigInt(nth % 2) * BigInt(revision) }),
      )
    }
    const before = memoryBytes()
    const value = Buffer.alloc(MEBIBYTE, 'x')
    for (let nth = 0; nth < 20; nth++) await served.store.put('unread', value)
    await othersAreServed()
    // The store itself keeps what was written: each value, in the log and in its caches.
    expect(memoryBytes() - before).toBeLessThan((20 * 6 + 64) * MEBIBYTE)
    stream.destroy()
  })

  test('of answers is not sent more of them than it has asked for, and others go on', async () => {
    const before = memoryBytes()
    const stopped = connectHttp2(`http://${served.target}`, { settings: { initialWindowSize: 0 } })
    stopped.on('error', () => undefined)
    const range = KVService.range.requestSerialize(messageOf(KVService.range, { key: Buffer.from('unread') }))
    for (let nth = 0; nth < 50; nth++) {
      const stream = stopped.request({
        ':method': 'POST',
        ':path': RANGE,
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      stream.on('error', () => undefined)
      stream.end(grpcMessage(range))
    }
    for (let nth = 0; nth < 20; nth++) await othersAreServed()
    expect(memoryBytes() - before).toBeLessThan(300 * MEBIBYTE)
    stopped.destroy()
  })
})

describe('A connection', () => {
  test('of which there are a thousand leaves the others served', async () => {
    const crowd = await Promise.all(Array.from({ length: 1000 }, () => RawHttp2.connect(served.target)))
    await othersAreServed()
    for (const raw of crowd) raw.destroy()
    await Promise.all(crowd.map(({ closed }) => closed))
  })

  const floods: Readonly<Record<string, (raw: RawHttp2) => Promise<void>>> = {
    pings: (raw) => raw.send(many(50_000, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)))),
    settings: (raw) => raw.send(many(50_000, () => frame(FRAME.settings, 0, 0))),
    'streams that are reset at once': (raw) =>
      raw.send(
        many(20_000, (nth) =>
          Buffer.concat([
            frame(FRAME.headers, FLAG.endHeaders, 2 * nth + 1, callHeaders(WATCH)),
            frame(FRAME.resetStream, 0, 2 * nth + 1, Buffer.of(0, 0, 0, constants.NGHTTP2_CANCEL)),
          ]),
        ),
      ),
    'empty pieces of data': async (raw) => {
      await raw.send([frame(FRAME.headers, FLAG.endHeaders, 1, callHeaders(WATCH))])
      await raw.send(many(50_000, () => frame(FRAME.data, 0, 1)))
    },
    'empty pieces of headers': async (raw) => {
      await raw.send([frame(FRAME.headers, 0, 1, callHeaders(WATCH))])
      await raw.send(many(50_000, () => frame(FRAME.continuation, 0, 1)))
    },
    'windows of one byte': async (raw) => {
      await raw.send([frame(FRAME.headers, FLAG.endHeaders, 1, callHeaders(WATCH))])
      await raw.send(many(50_000, () => frame(FRAME.windowUpdate, 0, 1, Buffer.of(0, 0, 0, 1))))
    },
    'priorities of streams': (raw) =>
      raw.send(many(50_000, (nth) => frame(FRAME.priority, 0, 2 * nth + 1, Buffer.of(0, 0, 0, 0, 16)))),
    'bytes that are no frames': (raw) => raw.send(many(1000, () => Buffer.alloc(1000, 0xff))),
  }

  test.each(Object.entries(floods))('that is a flood of %s costs the others little', async (_name, flood) => {
    const before = memoryBytes()
    const raw = await RawHttp2.connect(served.target)
    const flooding = flood(raw)
    await othersAreServed()
    await flooding
    await othersAreServed()
    expect(memoryBytes() - before).toBeLessThan(128 * MEBIBYTE)
    raw.destroy()
    await raw.closed
  })
})
