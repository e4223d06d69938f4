/**
 * Certificates for tests and examples, made on the spot: an authority, and what it issues. Nothing here is for production.
 *
 * Only what these need of X.509: version 3, keys on P-256, names of hosts, and who may issue. Node can read certificates but
 * not write them; a library for it would bring a dozen packages for these hundred lines.
 */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'

export interface Certificate {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

export interface CertificateRequest {
  /** Common name. Default 'member'. */
  readonly name?: string
  /** Names and IP addresses that it is valid for. Default: 127.0.0.1, ::1 and localhost. */
  readonly hosts?: readonly string[]
  /** Days as YYYYMMDD. Default: valid from 2020 to 2049. */
  readonly from?: string
  readonly until?: string
  /** Encrypts the key. */
  readonly passphrase?: string
}

export interface Authority {
  /** PEM, for `ca`. */
  readonly cert: string
  issue(request?: CertificateRequest): Certificate
}

const LOCAL_HOSTS = ['127.0.0.1', '::1', 'localhost']
const FROM = '20200101'
const UNTIL = '20491231'

/** A new one each time, whatever its name. */
export function certificateAuthority(name = 'test authority'): Authority {
  const keys = newKeys()
  const extensions = [
    extension(OID.basicConstraints, true, sequence(BOOLEAN_TRUE)),
    extension(OID.keyUsage, true, bits(0x06, 1)),
  ]
  const to = { name, key: keys.publicKey, from: FROM, until: UNTIL }
  const cert = certificate({ ...to, issuer: name, issuerKey: keys.privateKey, extensions })
  return {
    cert,
    issue: (request = {}) => issue(name, keys.privateKey, request),
  }
}

function issue(issuer: string, issuerKey: KeyObject, request: CertificateRequest): Certificate {
  const { name = 'member', hosts = LOCAL_HOSTS, from = FROM, until = UNTIL, passphrase } = request
  const { publicKey, privateKey } = newKeys()
  const extensions = [
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.keyUsage, true, bits(0x80, 7)),
    extension(OID.extendedKeyUsage, false, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    ...(hosts.length > 0 ? [extension(OID.subjectAltName, false, sequence(...hosts.map(hostName)))] : []),
  ]
  const cert = certificate({ name, key: publicKey, issuer, issuerKey, from, until, extensions })
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }) as string }
}

interface Contents {
  readonly name: string
  readonly key: KeyObject
  readonly issuer: string
  readonly issuerKey: KeyObject
  readonly from: string
  readonly until: string
  readonly extensions: readonly Buffer[]
}

function certificate({ name, key, issuer, issuerKey, from, until, extensions }: Contents): string {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256))
  const serial = randomBytes(16)
  serial[0] = 0x40 | ((serial[0] as number) & 0x3f)
  const toBeSigned = sequence(
    element(0xa0, element(0x02, Buffer.of(2))),
    element(0x02, serial),
    algorithm,
    distinguishedName(issuer),
    sequence(time(from, '000000'), time(until, '235959')),
    distinguishedName(name),
    key.export({ type: 'spki', format: 'der' }),
    element(
      0xa3,
      sequence(
        ...extensions,
        // Tells authorities of the same name apart.
        extension(OID.subjectKeyId, false, element(0x04, fingerprint(key))),
        extension(OID.authorityKeyId, false, sequence(element(0x80, fingerprint(createPublicKey(issuerKey))))),
      ),
    ),
  )
  const whole = sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, issuerKey)))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function newKeys() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function fingerprint(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
}

/** As numbers, dotted. */
const OID = {
  commonName: '2.5.4.3',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const

const BOOLEAN_TRUE = element(0x01, Buffer.of(0xff))

/** DER: a tag, the length of what follows, and it. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const sized = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...sized]), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts)
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  const inSevens = (value: number): number[] => {
    const sevens = [value & 0x7f]
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) sevens.unshift(0x80 | (rest & 0x7f))
    return sevens
  }
  return element(0x06, Buffer.from([first * 40 + second, ...others.flatMap(inSevens)]))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(element(0x31, sequence(objectId(OID.commonName), element(0x0c, Buffer.from(commonName)))))
}

function time(day: string, seconds: string): Buffer {
  return element(0x17, Buffer.from(`${day.slice(2)}${seconds}Z`))
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [BOOLEAN_TRUE] : []), element(0x04, value))
}

function bitString(bytes: Buffer): Buffer {
  return element(0x03, Buffer.of(0), bytes)
}

/** One byte of flags, the lowest of which are not used. */
function bits(flags: number, unused: number): Buffer {
  return element(0x03, Buffer.of(unused, flags))
}

function hostName(host: string): Buffer {
  if (isIP(host) === 0) return element(0x82, Buffer.from(host))
  return element(0x87, isIPv4(host) ? Buffer.from(host.split('.').map(Number)) : addressBytes(host))
}

/** Of IPv6. */
function addressBytes(host: string): Buffer {
  const [before = '', after = ''] = host.split('::')
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number(`0x${group}`)))
  const [head, tail] = [groups(before), groups(after)]
  const all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}
