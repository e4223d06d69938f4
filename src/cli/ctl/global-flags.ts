/** The flags that every command has which asks a cluster: etcdctl's. Each has a variable, too: `ETCDCTL_ENDPOINTS`. */
import type { CtlFlag } from './ctl-flag.js'

export const GLOBAL_FLAGS: readonly CtlFlag[] = [
  {
    name: 'endpoints',
    type: 'list',
    fallback: '127.0.0.1:2379',
    summary: 'where members listen to clients, with commas between them',
  },
  { name: 'write-out', short: 'w', type: 'text', fallback: 'simple', summary: 'simple, json, fields or table' },
  { name: 'hex', type: 'boolean', summary: 'prints keys and values in hexadecimal' },
  { name: 'user', type: 'text', summary: 'name[:password] of who calls; without a password it is asked for' },
  { name: 'password', type: 'text', summary: 'the password of --user' },
  { name: 'auth-jwt-token', type: 'text', summary: 'token of who calls, in place of a user' },
  { name: 'cacert', type: 'text', summary: 'file with the authorities that issue the certificates of servers' },
  { name: 'cert', type: 'text', summary: 'file with the certificate that is shown to servers' },
  { name: 'key', type: 'text', summary: 'file with its private key' },
  { name: 'insecure-skip-tls-verify', type: 'boolean', summary: 'takes any certificate: for tests' },
  { name: 'insecure-transport', type: 'boolean', fallback: 'true', summary: 'without TLS where no scheme says with' },
  { name: 'dial-timeout', type: 'duration', fallback: '2s', summary: 'how long a server may take to answer at all' },
  { name: 'command-timeout', type: 'duration', fallback: '5s', summary: 'how long a command may take that is brief' },
  { name: 'keepalive-time', type: 'duration', fallback: '2s', summary: 'taken, and without effect' },
  { name: 'keepalive-timeout', type: 'duration', fallback: '6s', summary: 'taken, and without effect' },
  { name: 'max-request-bytes', type: 'integer', summary: 'taken, and without effect: the server has its own limit' },
  { name: 'max-recv-bytes', type: 'integer', summary: 'taken, and without effect' },
  { name: 'insecure-discovery', type: 'boolean', fallback: 'true', summary: 'taken, and without effect' },
  { name: 'debug', type: 'boolean', summary: 'tells errors with where they come from' },
]

export function variableOf({ name }: CtlFlag): string {
  return `ETCDCTL_${name.toUpperCase().replaceAll('-', '_')}`
}
