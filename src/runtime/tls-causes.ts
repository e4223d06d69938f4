/** What lies behind the codes of failed TLS handshakes, in words for whoever has to mend it. */

/** Those of certificates, by the code that Node gives them. */
const CERTIFICATE_CAUSES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate, or that of its authority, has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: or is a clock wrong?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is that of another host: a wrong address, or `serverName` is missing',
}

const HANDSHAKE_CAUSES: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: it may have been started without `tls`',
  ERR_SSL_HTTP_REQUEST: 'it speaks HTTP, and no TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks no TLS 1.2 or later',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it takes no version of TLS that is spoken here',
  ERR_SSL_NO_SHARED_CIPHER: 'there is no cipher that both take',
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE', 'INVALID_CA'],
])

/** Undefined: a code that is none of these says what there is to say. */
export function certificateCause(code: string): string | undefined {
  return UNTRUSTED.has(code) ? 'its certificate is not from an authority in our `ca`' : CERTIFICATE_CAUSES[code]
}

/** The same for what Node throws at either end. */
export function tlsCause(error: Error): string | undefined {
  const code = (error as Error & { code?: unknown }).code
  if (typeof code !== 'string') return undefined
  // Node has no codes of its own for these.
  if (code === 'ECONNRESET' && error.message === 'socket hang up') {
    return 'it hung up within the TLS handshake: it may not believe our certificate'
  }
  if (code === 'ECONNRESET' && error.message.includes('before secure TLS connection')) {
    return 'it hung up within the TLS handshake: it may have been started without `tls`'
  }
  // What comes instead of TLS is met by Node in the middle of a write sometimes.
  if (code === 'EPROTO' && error.message.includes('wrong version number')) {
    return HANDSHAKE_CAUSES['ERR_SSL_WRONG_VERSION_NUMBER']
  }
  return certificateCause(code) ?? HANDSHAKE_CAUSES[code]
}
