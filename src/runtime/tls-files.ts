/** Reads the texts of a TLS identity, and says whether they fit together. */
import { X509Certificate } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { SecureContextOptions } from 'node:tls'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'

/** PEM, or where it is. */
export type PemSource = { readonly pem: string } | { readonly file: string }

export interface TlsSources {
  /** With those between it and the authority behind it. */
  readonly cert: PemSource
  readonly key: PemSource
  /** Whom others are believed by; undefined: nobody shows a certificate. */
  readonly ca: PemSource | undefined
  /** What the authorities took back; undefined: nothing. */
  readonly crl?: PemSource | undefined
}

/** As they were read; '' of what there is none. */
export interface TlsTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly crl: string
}

/** Rejects with `TLS_INVALID`. */
export async function readTexts(sources: TlsSources): Promise<TlsTexts> {
  // One after the other, so that of several that cannot be read it is always the same one that is told of.
  const cert = await textOf('certificate', sources.cert)
  const key = await textOf('key', sources.key)
  const ca = await textOf('certificates of the authorities', sources.ca)
  const crl = await textOf('list of revoked certificates', sources.crl)
  return { cert, key, ca, crl }
}

export function sameTexts(a: TlsTexts, b: TlsTexts): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca && a.crl === b.crl
}

/** As `node:tls` takes them. */
export function secureContextOf(
  { cert, key, ca, crl }: TlsTexts,
  passphrase: string | undefined,
): SecureContextOptions {
  return {
    ...{ cert, key },
    ...(ca === '' ? {} : { ca }),
    ...(crl === '' ? {} : { crl }),
    ...(passphrase === undefined ? {} : { passphrase }),
  }
}

/** When the certificate ends, as utc.ts writes it. Throws `TLS_INVALID` for texts that are no certificates, or a key that is another one's. */
export function checkTexts(texts: TlsTexts, passphrase: string | undefined): { readonly endsAt: string } {
  const { cert, ca } = texts
  let certificate
  try {
    certificate = new X509Certificate(cert)
  } catch (error) {
    throw invalid('the certificate is none in PEM', error)
  }
  try {
    // Read by TLS itself it would be passed over without a word.
    for (const [one] of ca.matchAll(CERTIFICATE)) void new X509Certificate(one)
    if (ca !== '' && !new RegExp(CERTIFICATE.source).test(ca)) throw new TypeError('it holds no certificate')
  } catch (error) {
    throw invalid('what the authorities are known by is no list of certificates in PEM', error)
  }
  try {
    createSecureContext(secureContextOf({ ...texts, crl: '' }, passphrase))
  } catch (error) {
    throw invalid(
      'the key cannot be used: it is another one than that of the certificate, or its passphrase is wrong',
      error,
    )
  }
  try {
    if (texts.crl !== '') createSecureContext({ crl: texts.crl })
  } catch (error) {
    throw invalid('the list of revoked certificates is none in PEM', error)
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

async function textOf(what: string, source: PemSource | undefined): Promise<string> {
  if (source === undefined) return ''
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
