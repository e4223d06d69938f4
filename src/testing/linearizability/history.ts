/**
 * What every client was told, in the order in which it happened: what a checker judges.
 *
 * Always: calls are only appended, and each ends once. Always: of two moments of the history the earlier has the smaller
 * number.
 */
import { checkFields, kind } from '../../api/check-fields.js'
import type { Call, CallEnd, Ending } from './call.js'
import { readJsonLines, writeJsonLines } from './json-lines.js'

interface OpenCall<Input, Output> extends Call<Input, Output> {
  outcome: CallEnd
  output: Output | undefined
  reason: string | undefined
  returned: number
  returnedMs: number | undefined
}

/**
 * @example
 * const history = new History()
 * const call = history.invoke('client 1', { type: 'read' })
 * history.end(call, { outcome: 'ok', output: { value: await register.read() } })
 * console.log(check(history, registerModel).verdict)
 */
export class History<Input = unknown, Output = unknown> {
  readonly #calls: OpenCall<Input, Output>[] = []
  #moments = 0

  get calls(): readonly Call<Input, Output>[] {
    return this.#calls
  }

  /** A call begins. `nowMs` is for people. */
  invoke(client: string, input: Input, nowMs?: number): Call<Input, Output> {
    if (typeof client !== 'string') throw new TypeError(`client must be a string, not ${typeof client}`)
    const call: OpenCall<Input, Output> = {
      index: this.#calls.length,
      client,
      input,
      outcome: 'pending',
      output: undefined,
      reason: undefined,
      invoked: this.#moments++,
      returned: Infinity,
      invokedMs: nowMs,
      returnedMs: undefined,
    }
    this.#calls.push(call)
    return call
  }

  /** A call ends. Throws RangeError for a call of another history, or one that has ended, TypeError for no such ending. */
  end(call: Call<Input, Output>, ending: Ending<Output>, nowMs?: number): void {
    if (typeof call !== 'object' || call === null) {
      throw new TypeError(`end() takes the call that invoke() gave, not ${kind(call)}`)
    }
    checkEnding(ending)
    const open = this.#calls[call.index]
    if (open === undefined || open !== call) throw new RangeError(`call ${call.index} is not one of this history`)
    if (open.outcome !== 'pending') throw new RangeError(`call ${call.index} of ${call.client} has ended before`)
    open.outcome = ending.outcome
    if (ending.outcome === 'ok') open.output = ending.output
    else open.reason = ending.reason
    open.returned = this.#moments++
    open.returnedMs = nowMs
  }

  /**
   * One line of JSON for each call and each answer, in their order: {@link History.fromJsonLines} reads it. Inputs and
   * outputs must be what JSON can hold.
   */
  toJsonLines(): string {
    return writeJsonLines(this.#calls)
  }

  /** Throws SyntaxError naming the line that is wrong and what was expected there. */
  static fromJsonLines<Input = unknown, Output = unknown>(text: string): History<Input, Output> {
    if (typeof text !== 'string') throw new TypeError(`fromJsonLines() takes text, not ${kind(text)}`)
    const history = new History<Input, Output>()
    readJsonLines(text, {
      invoke: (client, input, nowMs) => history.invoke(client, input as Input, nowMs),
      end: (call, ending, nowMs) => {
        history.end(call as Call<Input, Output>, ending as Ending<Output>, nowMs)
      },
    })
    return history
  }
}

const ENDING_FIELDS = { outcome: true, output: true, reason: true }

/** A misspelt outcome would be a call of which nobody knows, and so allow everything. */
function checkEnding(ending: Ending): void {
  if (ending === undefined) throw new TypeError('end() takes how the call ended, { outcome, ... }, not undefined')
  checkFields(ending, ENDING_FIELDS, 'the ending of a call')
  const { outcome } = ending
  if (outcome !== 'ok' && outcome !== 'refused' && outcome !== 'unknown') {
    throw new TypeError(`outcome must be 'ok', 'refused' or 'unknown', not ${JSON.stringify(outcome)}`)
  }
}
