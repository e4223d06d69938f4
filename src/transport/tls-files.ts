/** Reads the three texts of a TLS identity, and says whether they fit together. */
import { X509Certificate } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import type { PemSource, TlsSettings } from './tls-options.js'

/** As they were read. */
export interface TlsTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** Rejects with `TLS_INVALID`. */
export async function readTexts(settings: TlsSettings): Promise<TlsTexts> {
  const [cert, key, ca] = await Promise.all([
    textOf('certificate', settings.cert),
    textOf('key', settings.key),
    textOf('certificates of the authorities', settings.ca),
  ])
  return { cert, key, ca }
}

export function sameTexts(a: TlsTexts, b: TlsTexts): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca
}

/** When the certificate ends, as utc.ts writes it. Throws `TLS_INVALID` for texts that are no certificates, or a key that is another one's. */
export function checkTexts(texts: TlsTexts, passphrase: string | undefined): { readonly endsAt: string } {
  const { cert, key, ca } = texts
  let certificate
  try {
    certificate = new X509Certificate(cert)
  } catch (error) {
    throw invalid('the certificate is none in PEM', error)
  }
  try {
    // Read by TLS itself it would be passed over without a word.
    for (const [one] of ca.matchAll(CERTIFICATE)) void new X509Certificate(one)
    if (!new RegExp(CERTIFICATE.source).test(ca)) throw new TypeError('it holds no certificate')
  } catch (error) {
    throw invalid('what the authorities are known by is no list of certificates in PEM', error)
  }
  try {
    createSecureContext({ cert, key, ca, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (error) {
    throw invalid(
      'the key cannot be used: it is another one than that of the certificate, or its passphrase is wrong',
      error,
    )
  }
  return { endsAt: utcOf(certificate.validTo) }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Of OpenSSL's `Dec 31 23:59:59 2049 GMT`. */
function utcOf(validTo: string): string {
  const [month = '', day = '', time = '', year = ''] = validTo.split(/ +/)
  const monthText = String(MONTHS.indexOf(month) + 1).padStart(2, '0')
  return `${year}${monthText}${day.padStart(2, '0')}T${time.replaceAll(':', '')}000Z`
}

async function textOf(what: string, source: PemSource): Promise<string> {
  if ('pem' in source) return source.pem
  const { tlsFileBytesMax } = LIMITS
  try {
    const file = await open(source.file)
    try {
      const { size } = await file.stat()
      if (size > tlsFileBytesMax) throw new RangeError(`it has ${size} bytes, ${tlsFileBytesMax} are allowed`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    throw invalid(`the file of the ${what}, ${quote(source.file)}, cannot be read`, error)
  }
}

/** What OpenSSL and the file system say names no key and no passphrase. */
function invalid(what: string, error: unknown): StoreError {
  const reason = error instanceof Error ? error.message : String(error)
  return new StoreError('TLS_INVALID', `TLS cannot be used: ${what} (${reason}).`, { cause: error })
}
