/**
 * What the values mean together, by etcd's rules: told before anything is opened, bound or written. What depends on what is in
 * the data directory is decided in cluster-plan.ts.
 */
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import type { FlagName, Values } from './flags.js'
import { SettingError } from './setting-error.js'
import { canBeListenedOn, isSecure, isUnix, textsOf, type Url } from './url.js'
import type { Given, Note } from './values.js'

const ELECTION_TIMEOUT_MS_MAX = 50_000
const HEARTBEATS_PER_ELECTION = 5
const LISTENING = ['listen-peer-urls', 'listen-client-urls', 'listen-client-http-urls', 'listen-metrics-urls'] as const
const ADVERTISED = ['initial-advertise-peer-urls', 'advertise-client-urls'] as const

/** Throws {@link SettingError}; returns what deserves a line in the log. */
export function checkValues({ values, given }: Given): readonly Note[] {
  if (values.name === '') throw new SettingError('--name must not be empty')
  checkTimes(values)
  for (const flag of LISTENING) checkListening(flag, values[flag])
  for (const flag of ADVERTISED) checkNotEmpty(flag, values[flag])
  checkNotEmpty('listen-peer-urls', values['listen-peer-urls'])
  checkNotEmpty('listen-client-urls', values['listen-client-urls'])
  if (given.has('listen-client-urls') && !given.has('advertise-client-urls')) {
    throw new SettingError(
      '--advertise-client-urls is required where --listen-client-urls is given: clients are told it, and must be able to reach it',
    )
  }
  if (given.has('initial-cluster') && values['discovery-srv'] !== '') {
    throw new SettingError('--initial-cluster and --discovery-srv both say who the first members are: give one of them')
  }
  checkPeers(values)
  checkMost('max-txn-ops', values['max-txn-ops'], LIMITS.transactionOperationsMax)
  checkMost('max-request-bytes', values['max-request-bytes'], LIMITS.requestBytesMax)
  return [...clientTlsNotes(values), ...peerTlsNotes(values)]
}

function checkTimes(values: Values): void {
  const { 'heartbeat-interval': heartbeatMs, 'election-timeout': electionMs } = values
  if (electionMs < HEARTBEATS_PER_ELECTION * heartbeatMs) {
    throw new SettingError(
      `--election-timeout (${electionMs} ms) must be at least ${HEARTBEATS_PER_ELECTION} times --heartbeat-interval ` +
        `(${heartbeatMs} ms): a few late heartbeats would unseat a healthy leader`,
    )
  }
  if (electionMs > ELECTION_TIMEOUT_MS_MAX) {
    throw new SettingError(`--election-timeout (${electionMs} ms) must be at most ${ELECTION_TIMEOUT_MS_MAX} ms`)
  }
}

/** What the cluster can take is the same for all of its members, and not set for one of them. */
function checkMost(flag: FlagName, value: number, most: number): void {
  if (value <= most) return
  throw new SettingError(`--${flag} is at most ${most} here, not ${value}: see docs/LIMITS.md`)
}

function checkListening(flag: FlagName, urls: readonly Url[]): void {
  const name = urls.find((url) => !canBeListenedOn(url))
  if (name === undefined) return
  throw new SettingError(
    `--${flag} has ${name.text}: listen on an IP address of this machine, 0.0.0.0, [::] or localhost; a name like ` +
      `${quote(name.host)} belongs in the URLs that are advertised`,
  )
}

function checkNotEmpty(flag: FlagName, urls: readonly Url[]): void {
  if (urls.length === 0) throw new SettingError(`--${flag} must not be empty`)
}

/** A member has one address towards the others. */
function checkPeers(values: Values): void {
  const listening = values['listen-peer-urls']
  const advertised = values['initial-advertise-peer-urls']
  const socket = [...listening, ...advertised].find(isUnix)
  if (socket !== undefined) throw new SettingError(`members reach each other over TCP, not over ${socket.text}`)
  if (advertised.length > 1) {
    throw new SettingError(
      `--initial-advertise-peer-urls has ${advertised.length} URLs, and a member has one address here: give the one that all ` +
        `others can reach, not ${textsOf(advertised).join(', ')}`,
    )
  }
  const schemes = new Set([...listening, ...advertised].map(isSecure))
  if (schemes.size > 1) {
    throw new SettingError('--listen-peer-urls and --initial-advertise-peer-urls must be of one scheme, http or https')
  }
}

function clientTlsNotes(values: Values): Note[] {
  const { 'cert-file': cert, 'key-file': key, 'trusted-ca-file': ca } = values
  checkPair('cert-file', cert, 'key-file', key)
  if (values['client-cert-auth'] && ca === '') {
    throw new SettingError(
      '--client-cert-auth needs --trusted-ca-file: the authorities whose certificates clients may show',
    )
  }
  const { 'client-cert-allowed-cn': names, 'client-cert-allowed-hostname': hosts } = values
  if (names.length > 0 && hosts.length > 0) {
    throw new SettingError('--client-cert-allowed-cn and --client-cert-allowed-hostname exclude each other')
  }
  if (hosts.length > 1) throw new SettingError('--client-cert-allowed-hostname takes one name here')
  for (const flag of ['client-cert-allowed-cn', 'client-cert-allowed-hostname', 'client-crl-file'] as const) {
    if (values[flag].length > 0 && ca === '') throw new SettingError(`--${flag} needs --trusted-ca-file`)
  }
  const { 'tls-min-version': least, 'tls-max-version': most } = values
  if (least === 'TLS1.3' && most === 'TLS1.2') throw new SettingError('--tls-min-version is above --tls-max-version')
  if (least === 'TLS1.3' && values['cipher-suites'].length > 0) {
    throw new SettingError('--cipher-suites is for TLS 1.2, and --tls-min-version excludes that')
  }
  const listening = [
    ...values['listen-client-urls'],
    ...values['listen-client-http-urls'],
    ...values['listen-metrics-urls'],
  ]
  const secure = listening.find(isSecure)
  if (secure !== undefined && cert === '') {
    throw new SettingError(`${secure.text} needs --cert-file and --key-file`)
  }
  if (secure !== undefined || cert === '') return []
  return [{ level: 'warn', text: '--cert-file is not used: no client URL begins with https://' }]
}

function peerTlsNotes(values: Values): Note[] {
  const { 'peer-cert-file': cert, 'peer-key-file': key, 'peer-trusted-ca-file': ca } = values
  checkPair('peer-cert-file', cert, 'peer-key-file', key)
  const [url] = values['listen-peer-urls']
  if (url === undefined) return []
  if (!isSecure(url)) {
    return cert === ''
      ? []
      : [{ level: 'warn', text: '--peer-cert-file is not used: --listen-peer-urls begins with http://' }]
  }
  if (cert === '')
    throw new SettingError(`${url.text} needs --peer-cert-file, --peer-key-file and --peer-trusted-ca-file`)
  if (ca === '') {
    throw new SettingError(
      '--peer-trusted-ca-file is needed where members speak TLS: both ends of each connection show a certificate of the ' +
        "cluster's own authority, which is how members are known",
    )
  }
  if (values['peer-client-cert-auth']) return []
  return [{ level: 'info', text: 'other members must show a certificate, also without --peer-client-cert-auth' }]
}

function checkPair(cert: FlagName, certFile: string, key: FlagName, keyFile: string): void {
  if ((certFile === '') === (keyFile === '')) return
  const [given, missing] = certFile === '' ? [key, cert] : [cert, key]
  throw new SettingError(`--${given} is given without --${missing}`)
}
