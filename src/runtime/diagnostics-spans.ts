/**
 * Spans through `node:diagnostics_channel`: a tracing channel each, `quorate:propose` and the like.
 *
 * Nothing here decides anything. What a subscriber throws Node catches, and reports as an uncaught exception of the process
 * once the turn is over: neither the call nor the other subscribers are told.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel'
import type { SpanChannel, Spans } from '../base/spans.js'

/** Runs something in the surroundings in which this was made. */
type Within = <Result>(work: () => Result) => Result

const HERE: Within = (work) => work()

export function diagnosticsSpans(): Spans {
  // A member applies what it applies in a turn that some call or other brought about: it does not belong to that one.
  const outside = AsyncLocalStorage.snapshot() as Within
  return {
    propose: new DiagnosticsChannel('quorate:propose', HERE),
    read: new DiagnosticsChannel('quorate:read', HERE),
    apply: new DiagnosticsChannel('quorate:apply', outside),
    watch: new DiagnosticsChannel('quorate:watch', HERE),
    lock: new DiagnosticsChannel('quorate:lock', HERE),
    election: new DiagnosticsChannel('quorate:election', HERE),
  }
}

/**
 * Published as by `tracePromise` of Node, but for the result: that would hand out what was read and written to whoever
 * traces. And a lock is told to be held where it is, and not with its end.
 */
class DiagnosticsChannel<Span extends object> implements SpanChannel<Span> {
  readonly #channel: TracingChannel<unknown, Span>
  readonly #within: Within

  constructor(name: string, within: Within) {
    this.#channel = tracingChannel<unknown, Span>(name)
    this.#within = within
  }

  get hasSubscribers(): boolean {
    return this.#channel.hasSubscribers
  }

  run<Result>(span: Span, work: () => Result): Result {
    const { start, end } = this.#channel
    return this.#within(() =>
      start.runStores(span, () => {
        try {
          return work()
        } finally {
          end.publish(span)
        }
      }),
    )
  }

  failed(span: Span): void {
    this.#channel.error.publish(span)
  }

  asyncStart(span: Span): void {
    this.#channel.asyncStart.publish(span)
  }

  asyncEnd(span: Span): void {
    this.#channel.asyncEnd.publish(span)
  }
}
