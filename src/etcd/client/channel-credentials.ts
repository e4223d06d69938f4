/** What a connection is encrypted with. Files are read once, when the client is made. */
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import { credentials, type ChannelCredentials } from '@grpc/grpc-js'
import { StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import type { ConnectTlsOptions } from './connect-options.js'

/** Throws `TLS_INVALID`, which says what is wrong with which file, and nothing of what a key is. */
export async function secureCredentialsOf(tls: ConnectTlsOptions): Promise<ChannelCredentials> {
  const [ca, cert, key] = await Promise.all([
    pemOf(tls.ca, tls.caFile),
    pemOf(tls.cert, tls.certFile),
    pemOf(tls.key, tls.keyFile),
  ])
  const { insecureSkipVerify = false } = tls
  return credentials.createFromSecureContext(contextOf({ ca, cert, key }), { rejectUnauthorized: !insecureSkipVerify })
}

function contextOf(pem: Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>): SecureContext {
  try {
    return createSecureContext(pem)
  } catch (error) {
    // What OpenSSL says of it has no part of the key.
    throw invalid('the certificate, its key or the authorities cannot be used', error)
  }
}

async function pemOf(pem: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return pem
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw invalid(`the file ${quote(file)} cannot be read`, error)
  }
}

function invalid(what: string, cause: unknown): StoreError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreError('TLS_INVALID', `tls of connect(): ${what}: ${reason}`, { cause })
}
