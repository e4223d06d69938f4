/**
 * The linearizability checker: `npm run bench -- checker`. What the figures mean: bench/README.md.
 *
 * Recorded histories are read from beside the checkout, where they are; those with revisions are drawn from a seed, as a
 * right store would have answered. Each figure is the median of several rounds, in time of the processor, with that of the
 * garbage collector's threads.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  check,
  etcdModel,
  History,
  importJepsen,
  keyValueModel,
  registerModel,
  seededRandom,
  watchOracle,
} from 'quorate/testing'
import type { Call, EtcdInput, EtcdOutput, KeyValueInput, KeyValueOutput, Verdict } from 'quorate/testing'
import type { WatchEvent } from 'quorate'
import { KeyValue } from '../src/api/key-value.js'
import { below } from '../src/base/random.js'

const ROUNDS = 5
const folder = fileURLToPath(new URL('../../shared/testdata/linearizability', import.meta.url))

const KEY_VALUE_LINE = /^\{:process (\d+), :type :(\w+), :f :(get|put|append), :key "(.*?)", :value (?:nil|"(.*)")\}$/

function readKeyValue(text: string): History<KeyValueInput, KeyValueOutput> {
  const history = new History<KeyValueInput, KeyValueOutput>()
  const open = new Map<string, Call<KeyValueInput, KeyValueOutput>>()
  for (const line of text.split('\n')) {
    const [, client = '', type, kind, key = '', value = ''] = KEY_VALUE_LINE.exec(line) ?? []
    const call = open.get(client)
    if (type === 'invoke') open.set(client, history.invoke(client, { type: kind as 'put', key, value }))
    else if (call !== undefined) history.end(call, { outcome: 'ok', output: { value } })
  }
  return history
}

interface Drawing {
  readonly calls: number
  readonly clients: number
  readonly keys: number
  /** How many calls of a thousand have no known outcome; half of those took effect. */
  readonly unknownPerMille: number
}

/** Half reads, half writes; every call takes effect between its begin and its end, in an order drawn from the seed. */
function drawHistory({ calls, clients, keys, unknownPerMille }: Drawing): {
  readonly history: History<EtcdInput, EtcdOutput>
  readonly events: readonly WatchEvent[]
} {
  const random = seededRandom(1)
  const history = new History<EtcdInput, EtcdOutput>()
  const current = new Map<string, { value: string; create: number; mod: number; version: number }>()
  const open: { readonly call: Call<EtcdInput, EtcdOutput>; readonly unknown: boolean }[] = []
  const events: WatchEvent[] = []
  let revision = 1
  const finish = ({ call, unknown }: (typeof open)[number]): void => {
    const { input } = call
    if (unknown && below(random, 2) === 0) {
      history.end(call, { outcome: 'unknown' })
      return
    }
    let output: EtcdOutput | undefined
    if (input.type === 'put') {
      const before = current.get(input.key)
      revision++
      const version = (before?.version ?? 0) + 1
      current.set(input.key, { value: input.value, create: before?.create ?? revision, mod: revision, version })
      output = { type: 'put', revision }
      if (unknownPerMille > 0)
        events.push(eventOf(input.key, input.value, before?.create ?? revision, revision, version))
    } else if (input.type === 'range') {
      const found = current.get(input.key)
      const items = found === undefined ? [] : [{ key: input.key, ...found }]
      output = { type: 'range', items, count: items.length, more: false, revision }
    }
    if (unknown || output === undefined) history.end(call, { outcome: 'unknown' })
    else history.end(call, { outcome: 'ok', output })
  }
  for (let nth = 0; nth < calls; nth++) {
    const key = `key/${below(random, keys)}`
    const write = below(random, 2) === 0
    const input: EtcdInput = write ? { type: 'put', key, value: `v${nth}` } : { type: 'range', key }
    const call = history.invoke(`client ${nth % clients}`, input)
    open.push({ call, unknown: below(random, 1000) < unknownPerMille })
    if (open.length < clients) continue
    const [done] = open.splice(below(random, open.length), 1)
    if (done !== undefined) finish(done)
  }
  for (const each of open) finish(each)
  return { history, events }
}

function eventOf(key: string, text: string, createRevision: number, revision: number, version: number): WatchEvent {
  const value = Buffer.from(text, 'latin1')
  const keyValue = new KeyValue({ key, value, createRevision, modRevision: revision, version, lease: 0n })
  return { type: 'put', keyValue, key, revision, created: version === 1, previous: undefined }
}

interface Row {
  readonly name: string
  /** What it should take at most. */
  readonly targetMs: number
  readonly run: () => readonly Verdict[]
}

function recordedRows(): Row[] {
  if (!existsSync(folder)) {
    console.log(`skipped: the recorded histories are not at ${folder}`)
    return []
  }
  const read = (name: string, ending: string): string[] =>
    readdirSync(`${folder}/${name}`)
      .filter((file) => file.endsWith(ending))
      .map((file) => readFileSync(`${folder}/${name}/${file}`, 'utf8'))
  const registers = read('jepsen-etcd', '.log').map(importJepsen)
  const stores = read('kv', '.txt').map(readKeyValue)
  return [
    {
      name: `search, ${registers.length} register histories of Jepsen`,
      targetMs: 1500,
      run: () => registers.map((history) => check(history, registerModel)),
    },
    {
      name: `search, ${stores.length} key-value histories`,
      targetMs: 500,
      run: () => stores.map((history) => check(history, keyValueModel)),
    },
  ]
}

function drawnRow(name: string, targetMs: number, drawing: Drawing): Row {
  const { history, events } = drawHistory(drawing)
  const run = () => [check(history, etcdModel, events.length === 0 ? {} : { oracle: watchOracle(events) })]
  return { name, targetMs, run }
}

function measure({ name, targetMs, run }: Row): void {
  const times: number[] = []
  let verdicts: readonly Verdict[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    verdicts = run()
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }
  times.sort((left, right) => left - right)
  const medianMs = times[Math.floor(times.length / 2)] ?? 0
  const count = (verdict: string): number => verdicts.filter((each) => each.verdict === verdict).length
  const steps = verdicts.reduce((sum, each) => sum + each.steps, 0)
  const said = `${count('ok')} ok, ${count('illegal')} illegal, ${count('unknown')} unknown`
  const megabytes = Math.round(process.memoryUsage().rss / 1e6)
  const figures = `${medianMs.toFixed(0).padStart(6)} ms (target ${targetMs})  ${steps} steps, ${said}, ${megabytes} MB resident`
  console.log(`${name.padEnd(62)} ${figures}`)
}

const drawn = { clients: 50, keys: 1000 }
for (const row of recordedRows()) measure(row)
measure(
  drawnRow('witness, 6,000 calls, 10 % unknown, with a watch', 20, {
    ...drawn,
    calls: 6_000,
    clients: 6,
    unknownPerMille: 100,
  }),
)
measure(drawnRow('witness, 1,000,000 calls with revisions', 3000, { ...drawn, calls: 1_000_000, unknownPerMille: 0 }))
measure(
  drawnRow('witness, 1,000,000 calls, 1 % unknown, with a watch', 3000, {
    ...drawn,
    calls: 1_000_000,
    unknownPerMille: 10,
  }),
)
