/** Responses that say no more than that something was done. */
import type { ResponseHeader } from '../../../etcd/generated/rpc.js'
import type { Context } from '../context.js'
import { headerFields } from './fields.js'
import { print } from './responses.js'

/** @param line what `-w simple` says. */
export function printDone(
  context: Context,
  message: { readonly header: ResponseHeader | undefined },
  line: string,
): void {
  print(context, { message, simple: () => `${line}\n`, fields: () => headerFields(message.header) })
}
