/** The responses of KV, in the formats that etcdctl has for them. */
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
} from '../../../etcd/generated/rpc.js'
import { assertNever } from '../../../base/assert.js'
import type { Context } from '../context.js'
import { CTL_EXIT, CtlError } from '../ctl-error.js'
import { fieldLines, headerFields, keyValueFields, type Field } from './fields.js'
import { goJson } from './go-json.js'
import { keyValueLines, type SimpleOptions } from './simple.js'

/** A response of one kind, and how it is told. */
export interface Printable {
  /** For `-w json`, where that is the message as it stands. */
  readonly message?: object
  /** In place of it: one line, without its end. */
  readonly json?: () => string
  readonly simple: () => string
  /** Undefined: this kind is not told so. */
  readonly fields?: () => readonly Field[]
  readonly table?: () => string
}

/** Throws {@link CtlError} for a format that this kind of response has not. */
export function print({ format, terminal }: Context, { message, json, simple, fields, table }: Printable): void {
  switch (format) {
    case 'simple':
      terminal.out(simple())
      return
    case 'json':
      terminal.out(`${json === undefined ? goJson(message) : json()}\n`)
      return
    case 'fields':
      if (fields === undefined) break
      terminal.out(fieldLines(fields()))
      return
    case 'table':
      if (table === undefined) break
      terminal.out(table())
      return
    default:
      assertNever(format, 'format')
  }
  throw new CtlError(CTL_EXIT.unsupported, `${format} not supported as output format`)
}

export function putPrintable(message: PutResponse, options: SimpleOptions): Printable {
  const { header, prev_kv } = message
  return {
    message,
    simple: () => `OK\n${keyValueLines(prev_kv === undefined ? [] : [prev_kv], options)}`,
    fields: () => [...headerFields(header), ...(prev_kv === undefined ? [] : keyValueFields(prev_kv, 'Prev'))],
  }
}

export function rangePrintable(message: RangeResponse, options: SimpleOptions): Printable {
  const { header, kvs, more, count } = message
  return {
    message,
    simple: () => keyValueLines(kvs, options),
    fields: () => [
      ...headerFields(header),
      ...kvs.flatMap((each) => keyValueFields(each)),
      ['More', more],
      ['Count', count],
    ],
  }
}

export function deletePrintable(message: DeleteRangeResponse, options: SimpleOptions): Printable {
  const { header, deleted, prev_kvs } = message
  return {
    message,
    simple: () => `${deleted}\n${keyValueLines(prev_kvs, options)}`,
    fields: () => [
      ...headerFields(header),
      ['Deleted', deleted],
      ...prev_kvs.flatMap((each) => keyValueFields(each, 'Prev')),
    ],
  }
}

export function transactionPrintable(message: TxnResponse, options: SimpleOptions): Printable {
  const { header, succeeded, responses } = message
  const all = responses.map((response) => operationPrintable(response, options))
  return {
    message,
    simple: () => `${succeeded ? 'SUCCESS' : 'FAILURE'}\n${all.map((each) => `\n${each?.simple() ?? ''}`).join('')}`,
    fields: () => [...headerFields(header), ['Succeeded', succeeded], ...all.flatMap((each) => each?.fields?.() ?? [])],
  }
}

function operationPrintable({ response }: ResponseOp, options: SimpleOptions): Printable | undefined {
  if (response === undefined) return undefined
  switch (response.$case) {
    case 'response_put':
      return putPrintable(response.value, options)
    case 'response_range':
      return rangePrintable(response.value, options)
    case 'response_delete_range':
      return deletePrintable(response.value, options)
    case 'response_txn':
      return transactionPrintable(response.value, options)
    default:
      return assertNever(response, 'response')
  }
}
