/**
 * What Jepsen writes down of its register workload, as a history for the register model: the log of a run, or its
 * `history.edn` with one map a line.
 *
 *     INFO  jepsen.util - 0	:invoke	:write	3
 *     INFO  jepsen.util - 1	:fail	:cas	[3 0]
 *     {:process 0, :type :invoke, :f :write, :value 3}
 *     {:process 0, :type :info, :f :write, :value 3, :error :timed-out}
 *
 * `:fail` is a call without effect; for a compare-and-set it also says that the compare did not hold, which is told as an
 * answer, unless it says another reason. `:info` ends with an unknown outcome, and of a read tells nothing.
 */
import { kind as kindOf } from '../../api/check-fields.js'
import { History } from './history.js'
import type { Call } from './call.js'
import { isEdn, readEdnLine, readLogLine, type Fail } from './jepsen-line.js'
import { excerpt, malformedLine } from './json-lines.js'
import type { RegisterInput, RegisterOutput, RegisterValue } from './register-model.js'

const KINDS = ['read', 'write', 'cas']

/**
 * Lines that are none of the workload's (of the log, of the nemesis) are passed over. Throws SyntaxError for those that are
 * and say nonsense, and for a text in which there are none.
 */
export function importJepsen(text: string): History<RegisterInput, RegisterOutput> {
  if (typeof text !== 'string') throw new TypeError(`importJepsen() takes the text of a file, not ${kindOf(text)}`)
  const history = new History<RegisterInput, RegisterOutput>()
  const open = new Map<string, Call<RegisterInput, RegisterOutput>>()
  const read = isEdn(text) ? readEdnLine : readLogLine
  text.split('\n').forEach((source, at) => {
    const fail: Fail = (expected) => {
      throw malformedLine(at + 1, `${expected}, not ${excerpt(source)}`)
    }
    const line = read(source, fail)
    if (line === undefined) return
    const { client, type, kind, value, error } = line
    if (!KINDS.includes(kind)) return fail(':read, :write or :cas')
    if (type === 'invoke') {
      if (open.has(client)) fail(`the end of the call that client ${client} has under way`)
      open.set(client, history.invoke(client, inputOf(kind, value) ?? fail(`the value of a :${kind}`)))
      return
    }
    const call = open.get(client)
    if (call?.input.type !== kind) return fail(`the end of a call that client ${client} has under way`)
    open.delete(client)
    switch (type) {
      case 'ok': {
        const output = outputOf(kind, value)
        if (output === undefined) return fail(`what a :${kind} gave`)
        history.end(call, { outcome: 'ok', output })
        return
      }
      case 'fail':
        if (kind === 'cas' && error === undefined) history.end(call, { outcome: 'ok', output: { swapped: false } })
        else history.end(call, { outcome: 'refused', reason: error ?? value })
        return
      case 'info':
        history.end(call, { outcome: 'unknown', reason: error ?? value })
        return
      default:
        fail(':invoke, :ok, :fail or :info')
    }
  })
  if (history.calls.length === 0) throw nothingFound(text)
  return history
}

/** No calls are explained by every order of them: a check of nothing would hold. */
function nothingFound(text: string): SyntaxError {
  const found = text.trim() === '' ? 'nothing' : excerpt(text.trim().split('\n', 1)[0])
  return new SyntaxError(
    'importJepsen() reads calls of the register workload, as lines `INFO  jepsen.util - 0 :invoke :write 3` of a log ' +
      `or \`{:process 0, :type :invoke, :f :write, :value 3}\` of history.edn. There are none: the text begins with ${found}`,
  )
}

function inputOf(kind: string, value: string): RegisterInput | undefined {
  if (kind === 'read') return { type: 'read' }
  if (kind === 'write') {
    const written = valueOf(value)
    return written === undefined ? undefined : { type: 'write', value: written }
  }
  const [, from = '', to = ''] = /^\[\s*([^\s,]+)[\s,]+([^\s,]+?)\s*\]$/.exec(value) ?? []
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
  // Two numbers that become one would hide what was read.
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN
  return Number.isSafeInteger(value) ? value : undefined
}
