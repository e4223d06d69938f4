/**
 * What Quorate tells whoever traces it: spans, each with a beginning, an end and a few facts.
 *
 * A port, since what is pure must not know who listens: the real one publishes to `node:diagnostics_channel`
 * (runtime/diagnostics-spans.ts).
 *
 * Always: while nobody listens nothing is built, and a call costs one look. Always: a span never carries a value, a key of
 * the data or a secret. Names of locks and elections it does: they are of the program, as keys of the data may be of its
 * users.
 */
import { isStoreError, type ErrorCode } from './errors.js'

/** What a span ends with that failed. */
interface Ended {
  /** Of the error; undefined when all went well, and for an error that is none of the store's. */
  code?: ErrorCode | undefined
  /** As whoever called was told; its message may name a key. */
  error?: unknown
}

/** A write, from the call to its outcome, on the member that was asked. */
export interface ProposeSpan extends Ended {
  /** The name of the member. */
  readonly member: string
  /** What is asked for: `put`, `delete`, `transaction`, `compact`, `lease-grant`, `lease-revoke`, `auth` and the like. */
  readonly kind: string
  /** Of a transaction those in both branches, with those of the transactions inside; else 1. */
  readonly operations: number
  /** Of all keys and values. */
  readonly bytes: number
  outcome?: 'ok' | 'refused' | 'unknown' | undefined
  /** Of the store after it. */
  revision?: number | undefined
}

export type SelectionKind = 'key' | 'prefix' | 'range' | 'all'

/** `get()` and `range()`. */
export interface ReadSpan extends Ended {
  readonly member: string
  readonly selection: SelectionKind
  readonly consistency: 'linearizable' | 'local'
  /** Keys that were handed out. */
  items?: number | undefined
  /** Keys that there are, also beyond the limit. */
  count?: number | undefined
  /** Of the store when it was read. */
  revision?: number | undefined
}

/** One command of the log, applied by one member: synchronous. */
export interface ApplySpan extends Ended {
  readonly member: string
  readonly index: number
  readonly term: number
  /** As of {@link ProposeSpan}; undefined where nothing was done: it was refused (`code`), or had been applied before. */
  kind?: string | undefined
  /** What watchers see of it. */
  events?: number | undefined
  revision?: number | undefined
}

/** A watch, from where it is opened to its end. */
export interface WatchSpan extends Ended {
  readonly member: string
  readonly selection: SelectionKind
  /** 0: from the next revision on. */
  readonly startRevision: number
  /** That its consumer has taken so far. */
  events: number
  /** Everything up to here was taken. */
  revision?: number | undefined
}

/** A lock or a leadership, from the first try to its end. */
export interface HoldSpan extends Ended {
  /** Of the lock or the election. */
  readonly name: string
  /** `waiting` → `held` → `released` or `lost`; `waiting` → `given-up`. */
  state: 'waiting' | 'held' | 'released' | 'lost' | 'given-up'
  /** The fencing token, once it is held. */
  token?: number | undefined
}

/** What is told of one kind of span. */
export interface SpanChannel<Span> {
  /** Whether anybody listens. */
  readonly hasSubscribers: boolean
  /** Tells that it begins, and does the part of it that is synchronous: what is called there, and goes on from there, is within the span. */
  run<Result>(span: Span, work: () => Result): Result
  /** It failed: `span.error`. */
  failed(span: Span): void
  /** What was waited for is there. */
  asyncStart(span: Span): void
  /** It is over. */
  asyncEnd(span: Span): void
}

export interface Spans {
  readonly propose: SpanChannel<ProposeSpan>
  readonly read: SpanChannel<ReadSpan>
  readonly apply: SpanChannel<ApplySpan>
  readonly watch: SpanChannel<WatchSpan>
  readonly lock: SpanChannel<HoldSpan>
  readonly election: SpanChannel<HoldSpan>
}

/** Makes a call as a span. Whoever calls this has seen that somebody listens. */
export async function traced<Span extends Ended, Result>(
  channel: SpanChannel<Span>,
  span: Span,
  call: () => Promise<Result>,
  done: (result: Result) => void,
): Promise<Result> {
  try {
    const result = await channel.run(span, call)
    done(result)
    return result
  } catch (error) {
    fail(channel, span, error)
    throw error
  } finally {
    channel.asyncStart(span)
    channel.asyncEnd(span)
  }
}

/** The same for what is done at once. */
export function tracedNow<Span extends Ended, Result>(
  channel: SpanChannel<Span>,
  span: Span,
  work: () => Result,
  done: (result: Result) => void,
): Result {
  return channel.run(span, () => {
    try {
      const result = work()
      done(result)
      return result
    } catch (error) {
      fail(channel, span, error)
      throw error
    }
  })
}

/** Tells of the error that ends a span. */
export function fail<Span extends Ended>(channel: SpanChannel<Span>, span: Span, error: unknown): void {
  span.error = error
  if (isStoreError(error)) span.code = error.code
  channel.failed(span)
}
