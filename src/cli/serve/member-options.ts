/** From flags to what `open()` takes, all but which cluster it is. */
import { isLoopback } from '../../transport/address.js'
import type { OpenOptions } from '../../store/options.js'
import type { TlsOptions } from '../../transport/tls-options.js'
import { authOf } from './auth-token.js'
import { autoCompactionOf } from './auto-compaction.js'
import type { Values } from './flags.js'
import { isSecure } from './url.js'

/** Throws SettingError. */
export function memberOptionsOf(values: Values, readFile: (path: string) => string): OpenOptions {
  const quota = values['quota-backend-bytes']
  const checkIntervalMs = values['corrupt-check-time']
  const autoCompaction = autoCompactionOf(values)
  return {
    dataDir: dataDirOf(values),
    heartbeatIntervalMs: values['heartbeat-interval'],
    electionTimeoutMs: values['election-timeout'],
    auth: authOf(values, readFile),
    quotaBytes: quota < 0 ? Infinity : quota,
    ...(autoCompaction === undefined ? {} : { autoCompaction }),
    ...(checkIntervalMs > 0 ? { checkIntervalMs } : {}),
    ...securityOf(values),
  }
}

export function dataDirOf(values: Values): string {
  return values['data-dir'] === '' ? `${values.name}.etcd` : values['data-dir']
}

/** With http:// URLs whoever starts the member has said that it is to be without TLS. */
function securityOf(values: Values): Pick<OpenOptions, 'tls' | 'insecure'> {
  const [url] = values['listen-peer-urls']
  if (url === undefined || !isSecure(url)) return { insecure: true }
  const names = [...values['peer-cert-allowed-cn'], ...values['peer-cert-allowed-hostname']]
  const tls: TlsOptions = {
    certFile: values['peer-cert-file'],
    keyFile: values['peer-key-file'],
    caFile: values['peer-trusted-ca-file'],
    ...(names.length > 0 ? { allowedNames: names } : {}),
  }
  return { tls }
}

/** Whether members speak to each other in the clear where others may listen. */
export function isExposed(values: Values): boolean {
  return values['listen-peer-urls'].some((url) => !isSecure(url) && !isLoopback(url.host))
}
