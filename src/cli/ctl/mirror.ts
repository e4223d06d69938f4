/**
 * make-mirror: copies keys to another cluster, first those that are there, then what happens to them.
 *
 * Always: what is written in one transaction there is written in one transaction here, unless that has too many operations.
 */
import { isStoreError } from '../../base/errors.js'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import {
  Event_EventType as EventType,
  RangeRequest,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  TxnRequest,
  WatchCreateRequest,
  type Event,
  type KeyValue,
  type RequestOp,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import { checkOperands } from './operands.js'
import { prefixEndOf } from './selected-keys.js'
import { Watching } from './watching.js'

export const MAKE_MIRROR: CtlCommand = {
  flags: [
    { name: 'prefix', type: 'text', summary: 'of the keys that are copied; default: all' },
    { name: 'rev', type: 'integer', summary: 'only what happens from this revision on; 0: what is there, too' },
    {
      name: 'max-txn-ops',
      type: 'integer',
      fallback: '128',
      summary: 'how many operations a transaction there may have',
    },
    { name: 'dest-prefix', type: 'text', summary: 'stands there in place of --prefix' },
    { name: 'no-dest-prefix', type: 'boolean', summary: 'nothing stands there in place of --prefix' },
    { name: 'dest-user', type: 'text', summary: 'name[:password] of who writes there' },
    { name: 'dest-password', type: 'text', summary: 'the password of --dest-user' },
    { name: 'dest-cacert', type: 'text', summary: 'as --cacert, for there' },
    { name: 'dest-cert', type: 'text', summary: 'as --cert, for there' },
    { name: 'dest-key', type: 'text', summary: 'as --key, for there' },
    {
      name: 'dest-insecure-transport',
      type: 'boolean',
      fallback: 'true',
      summary: 'as --insecure-transport, for there',
    },
  ],
  description: 'Goes on until a signal comes; every 30 s it prints how many keys were written or deleted.',
  async run(context) {
    checkOperands(context, 'make-mirror takes one destination argument', 1)
    const [from, to] = prefixesOf(context)
    const transactionOperationsMax = Number(context.integer('max-txn-ops'))
    if (transactionOperationsMax < 1) throw badArguments('--max-txn-ops is at least 1')
    const source = await context.reached()
    const destination = await context.connect({
      endpoints: [...context.operands],
      tls: context.tlsOf('dest-'),
      auth: await context.authOf('dest-'),
    })
    const signal = context.takeInterrupts()
    const mirror = new Mirror({ source, destination, from, to, transactionOperationsMax, signal })
    const stop = everyHalfMinute(context, () => {
      context.line(String(mirror.copied))
    })
    try {
      await mirror.run(context.integer('rev'))
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      stop()
    }
    context.endInterrupted()
  },
}

/** What keys begin with here, and there. */
function prefixesOf(context: Context): readonly [Buffer, Buffer] {
  const [prefix, given] = [context.text('prefix'), context.text('dest-prefix')]
  const none = context.is('no-dest-prefix')
  if (given !== '' && none) {
    throw badArguments('`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one.')
  }
  return [Buffer.from(prefix), Buffer.from(none ? '' : given === '' ? prefix : given)]
}

function everyHalfMinute(context: Context, action: () => void): () => void {
  const { timers } = context.environment
  let cancel = timers.after(TELL_MS, tell)
  function tell(): void {
    action()
    cancel = timers.after(TELL_MS, tell)
  }
  return () => {
    cancel()
  }
}

const TELL_MS = 30_000
const PAGE = 1000n
const AGAIN_MS = 500
const PASSING: readonly string[] = ['UNREACHABLE', 'NO_LEADER', 'TIMEOUT', 'TOO_MANY_REQUESTS']

interface MirrorParts {
  readonly source: EtcdClient
  readonly destination: EtcdClient
  readonly from: Buffer
  readonly to: Buffer
  readonly transactionOperationsMax: number
  readonly signal: AbortSignal
}

class Mirror {
  readonly #parts: MirrorParts
  #copied = 0

  constructor(parts: MirrorParts) {
    this.#parts = parts
  }

  /** Keys that were written or deleted. */
  get copied(): number {
    return this.#copied
  }

  /** Resolves when the signal aborts. */
  async run(startRevision: bigint): Promise<void> {
    const { source, signal } = this.#parts
    const revision = startRevision > 0n ? startRevision : (await this.#copyAll()) + 1n
    const request = WatchCreateRequest.create({ ...this.#range(), start_revision: revision })
    for await (const { canceled, compact_revision, cancel_reason, events } of new Watching(
      source,
      request,
      signal,
    ).responses()) {
      if (canceled) {
        const compacted = 'etcdserver: mvcc: required revision has been compacted'
        throw new CtlError(CTL_EXIT.failed, compact_revision > 0n ? compacted : cancel_reason)
      }
      for (const group of byRevision(events)) await this.#apply(group)
    }
  }

  /** What is there now, page by page, all of one revision, which it resolves with. */
  async #copyAll(): Promise<bigint> {
    const { source, from, signal } = this.#parts
    let revision = 0n
    let { key, range_end } = this.#range()
    for (;;) {
      const request = RangeRequest.create({
        ...{ key, range_end, revision, limit: PAGE },
        ...{ sort_target: SortTarget.KEY, sort_order: SortOrder.ASCEND },
      })
      const { kvs, header, more } = await source.kv.range(request, { signal })
      if (revision === 0n) revision = header?.revision ?? 0n
      await this.#write(kvs.map((kv) => this.#put(kv)))
      const last = kvs.at(-1)
      if (!more || last === undefined) return revision
      key = Buffer.concat([last.key, Buffer.of(0)])
      if (from.length === 0) range_end = Buffer.of(0)
    }
  }

  async #apply(events: readonly Event[]): Promise<void> {
    const operations = events.flatMap(({ type, kv }) => {
      if (kv === undefined) return []
      return [type === EventType.DELETE ? this.#delete(kv) : this.#put(kv)]
    })
    await this.#write(operations)
  }

  /** No key stands twice among them. */
  async #write(operations: readonly RequestOp[]): Promise<void> {
    const { destination, transactionOperationsMax, signal } = this.#parts
    for (let at = 0; at < operations.length;) {
      const success = operations.slice(at, at + transactionOperationsMax)
      try {
        await destination.kv.txn(TxnRequest.create({ success }), { signal })
      } catch (error) {
        if (signal.aborted || !isStoreError(error) || !PASSING.includes(error.code)) throw error
        // It is the same however often it is done.
        await destination.waiting.pause(AGAIN_MS, signal)
        continue
      }
      at += success.length
      this.#copied += success.length
    }
  }

  #put({ key, value }: KeyValue): RequestOp {
    const request = {
      key: this.#keyThere(key),
      value,
      lease: 0n,
      prev_kv: false,
      ignore_value: false,
      ignore_lease: false,
    }
    return { request: { $case: 'request_put', value: request } }
  }

  #delete({ key }: KeyValue): RequestOp {
    const request = { key: this.#keyThere(key), range_end: Buffer.alloc(0), prev_kv: false }
    return { request: { $case: 'request_delete_range', value: request } }
  }

  #keyThere(key: Buffer): Buffer {
    const { from, to } = this.#parts
    return Buffer.concat([to, key.subarray(from.length)])
  }

  #range(): { key: Buffer; range_end: Buffer } {
    const { from } = this.#parts
    return from.length === 0
      ? { key: Buffer.of(0), range_end: Buffer.of(0) }
      : { key: from, range_end: prefixEndOf(from) }
  }
}

/** Events of one transaction are of one revision, and follow each other. */
function byRevision(events: readonly Event[]): Event[][] {
  const groups: Event[][] = []
  for (const event of events) {
    const group = groups.at(-1)
    if (group?.[0]?.kv?.mod_revision === event.kv?.mod_revision && group !== undefined) group.push(event)
    else groups.push([event])
  }
  return groups
}
