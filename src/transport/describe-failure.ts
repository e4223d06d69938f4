import { tlsCause } from '../runtime/tls-causes.js'

/** Why a connection failed, in one line for log and report; `plain`: one of HTTP that was to have no TLS. */
export function describeFailure(reason: Error, plain = false): string {
  const code = (reason as Error & { code?: unknown }).code
  // A name with several addresses fails with one error for all of them, whose text is empty.
  const text = reason instanceof AggregateError ? reason.errors.map(String).join(', ') : reason.message
  const cause = plain ? plainCause(reason) : tlsCause(reason)
  // OpenSSL's own words end with a line break, after files of its source.
  if (cause !== undefined) return `${String(code)}: ${cause}`
  return typeof code === 'string' && !text.includes(code) ? `${code}: ${text}` : text
}

function plainCause({ message }: Error): string | undefined {
  if (message !== 'socket hang up') return undefined
  return 'it hung up without an answer: it may have ended just then, or speak no HTTP, or expect TLS'
}
