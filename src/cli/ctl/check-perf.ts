/** check perf: writes for a minute as many clients, and says whether the cluster is fast enough for that. */
import { randomBytes } from 'node:crypto'
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest } from '../../etcd/generated/rpc.js'
import { LOADS, verdictOf, type Load, type Measured } from './check-verdict.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { CTL_EXIT, CtlError } from './ctl-error.js'
import { errorText } from './error-text.js'
import { prefixEndOf } from './selected-keys.js'
import { tookText } from './print/units.js'

const DURATION_MS = 60_000
const KEY_BYTES = 256
const VALUE_BYTES = 1024
/** How far apart the moments are at which due writes are begun. */
const BEAT_MS = 10

export const CHECK_PERF: CtlCommand = {
  flags: [
    { name: 'load', type: 'text', fallback: 's', summary: 's, m, l or xl' },
    { name: 'prefix', type: 'text', fallback: '/etcdctl-check-perf/', summary: 'of the keys that are written' },
    { name: 'auto-compact', type: 'boolean', summary: 'forgets the history of that afterwards' },
    { name: 'auto-defrag', type: 'boolean', summary: 'has the members defragment afterwards' },
  ],
  description:
    'Takes a minute. Loads: s 150 writes per second of 50 clients, m 1000 of 200, l 8000 of 500, xl 15000 of 1000;\n' +
    'keys of 256 bytes, values of 1024. It passes with 90 percent of them, none slower than 500 ms, a standard\n' +
    'deviation of at most 100 ms, and no error. The keys are deleted at the end.',
  async run(context) {
    const name = context.text('load')
    const load = Object.hasOwn(ALIASES, name.toLowerCase()) ? LOADS[ALIASES[name.toLowerCase()] ?? ''] : undefined
    if (load === undefined) throw new CtlError(CTL_EXIT.unsupported, `unknown load option ${name}`)
    const client = await context.reached()
    const prefix = context.text('prefix')
    const range = { key: Buffer.from(prefix), range_end: prefixEndOf(Buffer.from(prefix)) }
    const { kvs } = await client.kv.range(RangeRequest.create({ ...range, limit: 1n }))
    if (kvs.length > 0) {
      const how = `Delete with \`quorate del --prefix ${prefix}\` first`
      throw new CtlError(CTL_EXIT.invalidInput, `prefix ${JSON.stringify(prefix)} has keys. ${how}`)
    }
    const { lines, passed } = verdictOf(load, await measure(context, client, load, range.key))
    const { header, deleted } = await client.kv.deleteRange(DeleteRangeRequest.create(range), {
      timeoutMs: DURATION_MS,
    })
    if (deleted > 0n && context.is('auto-compact')) {
      await client.kv.compact(CompactionRequest.create({ revision: header?.revision ?? 0n, physical: true }), {
        timeoutMs: DURATION_MS,
      })
    }
    if (context.is('auto-defrag')) await defragment(context)
    for (const line of lines) context.line(line)
    if (!passed) throw new CtlError(CTL_EXIT.failed)
  },
}

const ALIASES: Readonly<Record<string, string>> = {
  ...{ s: 's', small: 's', m: 'm', medium: 'm', l: 'l', large: 'l', xl: 'xl', xlarge: 'xl' },
}

async function measure(context: Context, client: EtcdClient, load: Load, prefix: Buffer): Promise<Measured> {
  const { clock } = context.environment
  const { signal } = context.terminal
  const startMs = clock.monotonicMs()
  const latenciesMs: number[] = []
  const errors = new Map<string, number>()
  const underWay = new Set<Promise<void>>()
  const value = randomBytes(VALUE_BYTES)
  let begun = 0
  let toldAt = 0
  const write = async (): Promise<void> => {
    const beganMs = clock.monotonicMs()
    try {
      const key = Buffer.concat([prefix, randomBytes(KEY_BYTES)])
      await client.kv.put(PutRequest.create({ key, value }), { signal })
      latenciesMs.push(clock.monotonicMs() - beganMs)
    } catch (error) {
      const text = errorText(error)
      errors.set(text, (errors.get(text) ?? 0) + 1)
    }
  }
  for (;;) {
    const passedMs = clock.monotonicMs() - startMs
    if (passedMs >= DURATION_MS || signal.aborted) break
    const due = Math.floor((passedMs / 1000) * load.writesPerSecond)
    while (begun < due && underWay.size < load.clients) {
      begun++
      const writing = write().finally(() => underWay.delete(writing))
      underWay.add(writing)
    }
    if (passedMs - toldAt >= 10_000) {
      toldAt = passedMs
      context.terminal.err(`${Math.round(passedMs / 1000)} of ${DURATION_MS / 1000} s\n`)
    }
    await client.waiting.pause(BEAT_MS, signal)
  }
  await Promise.all(underWay)
  return { durationMs: clock.monotonicMs() - startMs, latenciesMs, errors }
}

async function defragment(context: Context): Promise<void> {
  const { clock } = context.environment
  for (const endpoint of context.list('endpoints')) {
    const startMs = clock.monotonicMs()
    await (await context.clientOf([endpoint])).maintenance.defragment({}, { timeoutMs: DURATION_MS })
    context.line(`Defragmented "${endpoint}", took ${tookText(clock.monotonicMs() - startMs)}`)
  }
}
