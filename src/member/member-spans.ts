/** The spans of a member: what it proposes, what it applies, its watches. The port says what they are (base/spans.ts). */
import { assertNever } from '../base/assert.js'
import { FROM_KEY_ON, prefixEnd, type Key } from '../base/bytes.js'
import { isStoreError, type ErrorCode } from '../base/errors.js'
import {
  traced,
  tracedNow,
  type ApplySpan,
  type ProposeSpan,
  type SelectionKind,
  type Spans,
  type WatchSpan,
} from '../base/spans.js'
import type { Request } from '../machine/command.js'
import type { Applied } from '../machine/outcome.js'
import type { Operation, Revision } from '../mvcc/types.js'
import type { Proposed } from './proposals.js'

/** A watch that somebody traces. */
export interface OpenWatchSpan {
  delivered(events: number): void
  ended(revision: Revision, code: ErrorCode | undefined): void
}

export class MemberSpans {
  readonly #member: string
  readonly #spans: Spans | undefined

  constructor(member: string, spans: Spans | undefined) {
    this.#member = member
    this.#spans = spans
  }

  propose(request: Request, call: () => Promise<Proposed>): Promise<Proposed> {
    const channel = this.#spans?.propose
    if (channel?.hasSubscribers !== true) return call()
    const span: ProposeSpan = { member: this.#member, kind: request.type, ...sizeOf(request) }
    const told = async (): Promise<Proposed> => {
      try {
        return await call()
      } catch (error) {
        span.outcome = isStoreError(error) ? error.outcome : 'unknown'
        throw error
      }
    }
    return traced(channel, span, told, ({ revision }) => {
      span.outcome = 'ok'
      span.revision = revision
    })
  }

  apply(index: number, term: number, work: () => Applied): Applied {
    const channel = this.#spans?.apply
    if (channel?.hasSubscribers !== true) return work()
    const span: ApplySpan = { member: this.#member, index, term }
    return tracedNow(channel, span, work, ({ outcome, revision, events }) => {
      if (outcome?.ok === true) span.kind = outcome.response.type
      if (outcome?.ok === false) span.code = outcome.code
      span.events = events.length
      span.revision = revision
    })
  }

  /** Undefined: nobody listens. */
  watch(range: SelectedRange, startRevision: Revision): OpenWatchSpan | undefined {
    const channel = this.#spans?.watch
    if (channel?.hasSubscribers !== true) return undefined
    const span: WatchSpan = { member: this.#member, selection: selectionOf(range), startRevision, events: 0 }
    channel.run(span, () => undefined)
    return {
      delivered: (events) => {
        span.events += events
      },
      ended: (revision, code) => {
        span.revision = revision
        span.code = code
        if (code !== undefined) channel.failed(span)
        channel.asyncStart(span)
        channel.asyncEnd(span)
      },
    }
  }
}

export interface SelectedRange {
  readonly key: Key
  readonly rangeEnd?: Key | undefined
}

export function selectionOf({ key, rangeEnd }: SelectedRange): SelectionKind {
  if (rangeEnd === undefined) return 'key'
  if (rangeEnd === FROM_KEY_ON) return key === FROM_KEY_ON ? 'all' : 'range'
  return rangeEnd === prefixEnd(key) ? 'prefix' : 'range'
}

function sizeOf(request: Request): Pick<ProposeSpan, 'operations' | 'bytes'> {
  const { type } = request
  if (type === 'put' || type === 'delete' || type === 'transaction') return sizeOfOperation(request)
  return { operations: 1, bytes: 0 }
}

function sizeOfOperation(operation: Operation): Pick<ProposeSpan, 'operations' | 'bytes'> {
  switch (operation.type) {
    case 'put':
      return { operations: 1, bytes: operation.key.length + operation.value.byteLength }
    case 'delete':
    case 'range':
      return { operations: 1, bytes: operation.key.length + (operation.rangeEnd?.length ?? 0) }
    case 'transaction': {
      const sum = { operations: 0, bytes: 0 }
      for (const { key } of operation.compare) sum.bytes += key.length
      for (const each of [...operation.success, ...operation.failure]) {
        const { operations, bytes } = sizeOfOperation(each)
        sum.operations += operations
        sum.bytes += bytes
      }
      return sum
    }
    default:
      return assertNever(operation, 'an operation')
  }
}
