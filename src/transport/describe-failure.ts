import { tlsCause } from './tls-causes.js'

/** Why a connection failed, in one line for log and report. */
export function describeFailure(reason: Error): string {
  const code = (reason as Error & { code?: unknown }).code
  // A name with several addresses fails with one error for all of them, whose text is empty.
  const text = reason instanceof AggregateError ? reason.errors.map(String).join(', ') : reason.message
  const cause = tlsCause(reason)
  // OpenSSL's own words end with a line break, after files of its source.
  if (cause !== undefined) return `${String(code)}: ${cause}`
  return typeof code === 'string' && !text.includes(code) ? `${code}: ${text}` : text
}
