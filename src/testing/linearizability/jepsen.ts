/**
 * Logs of Jepsen's register workload as histories for the register model.
 *
 *     INFO  jepsen.util - 0	:invoke	:write	3
 *     INFO  jepsen.util - 0	:ok	:write	3
 *     INFO  jepsen.util - 1	:fail	:cas	[3 0]
 *     INFO  jepsen.util - 1	:info	:write	:timed-out
 *
 * `:fail` is a call without effect; for a compare-and-set it also says that the compare did not hold, which is told as an
 * answer. `:info` ends with an unknown outcome, and of a read tells nothing.
 */
import { History } from './history.js'
import type { Call } from './call.js'
import { excerpt, malformedLine } from './json-lines.js'
import type { RegisterInput, RegisterOutput, RegisterValue } from './register-model.js'

const LINE = /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(\w+)\s+:(\w+)\s+(.*?)\s*$/
const KINDS = ['read', 'write', 'cas']

/** Lines that are none of the workload's are passed over; throws SyntaxError for those that are and say nonsense. */
export function importJepsen(text: string): History<RegisterInput, RegisterOutput> {
  const history = new History<RegisterInput, RegisterOutput>()
  const open = new Map<string, Call<RegisterInput, RegisterOutput>>()
  text.split('\n').forEach((source, at) => {
    if (!/jepsen\.util\s+-\s+\d+\s/.test(source)) return
    const fail = (expected: string): never => {
      throw malformedLine(at + 1, `${expected}, not ${excerpt(source)}`)
    }
    const [, client, type, kind, value = ''] = LINE.exec(source) ?? fail('client, type, operation and value')
    if (client === undefined || kind === undefined || !KINDS.includes(kind)) return fail(':read, :write or :cas')
    if (type === 'invoke') {
      if (open.has(client)) fail(`the end of the call that client ${client} has under way`)
      open.set(client, history.invoke(client, inputOf(kind, value) ?? fail(`the value of a :${kind}`)))
      return
    }
    const call = open.get(client)
    if (call?.input.type !== kind) return fail(`the end of a call that client ${client} has under way`)
    open.delete(client)
    switch (type ?? '') {
      case 'ok': {
        const output = outputOf(kind, value)
        if (output === undefined) return fail(`what a :${kind} gave`)
        history.end(call, { outcome: 'ok', output })
        return
      }
      case 'fail':
        if (kind === 'cas') history.end(call, { outcome: 'ok', output: { swapped: false } })
        else history.end(call, { outcome: 'refused', reason: value })
        return
      case 'info':
        history.end(call, { outcome: 'unknown', reason: value })
        return
      default:
        fail(':invoke, :ok, :fail or :info')
    }
  })
  return history
}

function inputOf(kind: string, value: string): RegisterInput | undefined {
  if (kind === 'read') return { type: 'read' }
  if (kind === 'write') {
    const written = valueOf(value)
    return written === undefined ? undefined : { type: 'write', value: written }
  }
  const [, from = '', to = ''] = /^\[(\S+) (\S+)\]$/.exec(value) ?? []
  const expected = valueOf(from)
  const next = valueOf(to)
  return expected === undefined || next === undefined ? undefined : { type: 'cas', expected, value: next }
}

function outputOf(kind: string, value: string): RegisterOutput | undefined {
  if (kind === 'write') return {}
  if (kind === 'cas') return { swapped: true }
  const read = valueOf(value)
  return read === undefined ? undefined : { value: read }
}

function valueOf(text: string): RegisterValue | undefined {
  if (text === 'nil') return null
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}
