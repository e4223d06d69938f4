/**
 * Histories of several processes put together by time. The monotonic clock of one machine is one for all its processes, and
 * network namespaces change nothing of that; what one process did and another one saw lies further apart than its steps.
 *
 * Always: where two moments are the same, calls come before answers, which allows more orders and never fewer.
 */
import { History, type Call, type Ending, type EtcdInput, type EtcdOutput } from '../../src/testing/index.js'

interface Line {
  readonly client: string
  readonly type: 'invoke' | 'ok' | 'refused' | 'unknown'
  readonly call: number
  readonly atMs: number
  readonly input?: EtcdInput
  readonly output?: EtcdOutput
  readonly reason?: string
}

/** Notes moments by the clock that all processes of this machine share, finer than the milliseconds that are enough for people. */
export class TimedHistory extends History<EtcdInput, EtcdOutput> {
  override invoke(client: string, input: EtcdInput): Call<EtcdInput, EtcdOutput> {
    return super.invoke(client, input, machineMs())
  }

  override end(call: Call<EtcdInput, EtcdOutput>, ending: Ending<EtcdOutput>): void {
    super.end(call, ending, machineMs())
  }
}

function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function mergeHistories(parts: readonly string[]): History<EtcdInput, EtcdOutput> {
  const all = parts.flatMap((lines, part) =>
    lines
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => ({ line: JSON.parse(text) as Line, part })),
  )
  const rank = ({ line }: (typeof all)[number]): number => (line.type === 'invoke' ? 0 : 1)
  all.sort((a, b) => a.line.atMs - b.line.atMs || rank(a) - rank(b))
  const merged = new History<EtcdInput, EtcdOutput>()
  const open = new Map<string, ReturnType<typeof merged.invoke>>()
  for (const each of all) {
    const { client, type, call, atMs, input, output, reason } = each.line
    const name = `${each.part} ${call}`
    if (type === 'invoke') open.set(name, merged.invoke(client, input as EtcdInput, atMs))
    else {
      const begun = open.get(name)
      if (begun === undefined) throw new Error(`${client} was answered a call that it had not made: ${call}`)
      if (type === 'ok') merged.end(begun, { outcome: 'ok', output: output as EtcdOutput }, atMs)
      else merged.end(begun, { outcome: type, reason }, atMs)
    }
  }
  return merged
}
