/** From flags to what `serveEtcd()` takes. */
import type { ServeEtcdOptions } from '../../etcd/server/options.js'
import type { EtcdTlsOptions } from '../../etcd/server/tls-options.js'
import { cipherSuitesOf } from './cipher-suites.js'
import type { Values } from './flags.js'
import { isSecure, textsOf } from './url.js'

const TLS_VERSIONS = { 'TLS1.2': 'TLSv1.2', 'TLS1.3': 'TLSv1.3', '': undefined } as const

/** What grpc-js takes for never. */
const KEEP_ALIVE_NEVER_MS = 2 ** 31 - 1

/** Throws SettingError. */
export function serverOptionsOf(values: Values): ServeEtcdOptions {
  const listening = [...values['listen-client-urls'], ...values['listen-client-http-urls']]
  const tls = clientTlsOf(values)
  return {
    listenClientUrls: [...new Set(textsOf(listening))],
    advertiseClientUrls: textsOf(values['advertise-client-urls']),
    listenMetricsUrls: textsOf(values['listen-metrics-urls']),
    ...([...listening, ...values['listen-metrics-urls']].some(isSecure) ? { tls } : {}),
    enableGrpcGateway: values['enable-grpc-gateway'],
    cors: values.cors,
    hostWhitelist: values['host-whitelist'],
    metrics: values.metrics,
    requestBytesMax: values['max-request-bytes'],
    concurrentStreamsMax: values['max-concurrent-streams'],
    transactionOperationsMax: values['max-txn-ops'],
    peerScheme: values['initial-advertise-peer-urls'].some(isSecure) ? 'https' : 'http',
    learnersMax: values['max-learners'],
    watchProgressNotifyIntervalMs: values['watch-progress-notify-interval'],
    keepAliveIntervalMs: millisecondsOf(values['grpc-keepalive-interval']),
    keepAliveTimeoutMs: millisecondsOf(values['grpc-keepalive-timeout']),
  }
}

/** As with etcd, clients must show a certificate where there is an authority for it; whose it is counts with --client-cert-auth. */
function clientTlsOf(values: Values): EtcdTlsOptions {
  const ciphers = cipherSuitesOf(values['cipher-suites'])
  const maxVersion = TLS_VERSIONS[values['tls-max-version']]
  const ca = values['trusted-ca-file']
  const crl = values['client-crl-file']
  const [allowedHostname] = values['client-cert-allowed-hostname']
  const commonNames = values['client-cert-allowed-cn']
  return {
    certFile: values['cert-file'],
    keyFile: values['key-file'],
    clientCertAuth: values['client-cert-auth'],
    minVersion: TLS_VERSIONS[values['tls-min-version']] ?? 'TLSv1.2',
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(ca === '' ? {} : { trustedCaFile: ca }),
    ...(crl === '' ? {} : { crlFile: crl }),
    ...(allowedHostname === undefined ? {} : { allowedHostname }),
    ...(commonNames.length === 0 ? {} : { allowedNames: commonNames }),
  }
}

/** 0 is never. */
function millisecondsOf(durationMs: number): number {
  return durationMs === 0 ? KEEP_ALIVE_NEVER_MS : Math.max(1, Math.min(KEEP_ALIVE_NEVER_MS, Math.round(durationMs)))
}
