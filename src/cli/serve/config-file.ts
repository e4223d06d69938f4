/**
 * `--config-file`: all flags by their names in YAML or JSON, the ones of TLS in two sections. Where there is one it alone
 * counts, as with etcd. Durations may be numbers, which are nanoseconds, or texts as on the command line.
 *
 * Stricter than etcd, which passes over what it does not know: a misspelt `client-cert-auth` must not open the door.
 */
import { parse } from 'yaml'
import { kind } from '../../api/check-fields.js'
import { UsageError } from '../command.js'
import { FLAG_NAMES, flagNamed, rowOf, type FlagName } from './flags.js'
import { nearest } from './nearest.js'

/** Fields of each section, and the flags that they are. */
const SECTIONS: Readonly<Record<string, Readonly<Record<string, FlagName>>>> = {
  'client-transport-security': {
    'cert-file': 'cert-file',
    'key-file': 'key-file',
    'client-cert-file': 'client-cert-file',
    'client-key-file': 'client-key-file',
    'client-cert-auth': 'client-cert-auth',
    'trusted-ca-file': 'trusted-ca-file',
    'auto-tls': 'auto-tls',
    'allowed-cn': 'client-cert-allowed-cn',
    'allowed-cns': 'client-cert-allowed-cn',
    'allowed-hostname': 'client-cert-allowed-hostname',
    'allowed-hostnames': 'client-cert-allowed-hostname',
    'crl-file': 'client-crl-file',
  },
  'peer-transport-security': {
    'cert-file': 'peer-cert-file',
    'key-file': 'peer-key-file',
    'client-cert-file': 'peer-client-cert-file',
    'client-key-file': 'peer-client-key-file',
    'client-cert-auth': 'peer-client-cert-auth',
    'trusted-ca-file': 'peer-trusted-ca-file',
    'auto-tls': 'peer-auto-tls',
    'allowed-cn': 'peer-cert-allowed-cn',
    'allowed-cns': 'peer-cert-allowed-cn',
    'allowed-hostname': 'peer-cert-allowed-hostname',
    'allowed-hostnames': 'peer-cert-allowed-hostname',
    'crl-file': 'peer-crl-file',
    'skip-client-san-verification': 'peer-skip-client-san-verification',
  },
}

/** Flags that only a command line has. */
const NOT_IN_FILES: readonly FlagName[] = ['config-file', 'version', 'help']

/** Throws {@link UsageError}. `path` is what the file is called in it. */
export function configOf(content: string, path: string): ReadonlyMap<FlagName, string> {
  let parsed: unknown
  try {
    parsed = parse(content, { maxAliasCount: 0 })
  } catch (error) {
    throw new UsageError(`${path} is neither YAML nor JSON: ${(error as Error).message.split('\n')[0] ?? ''}`)
  }
  if (parsed === null || parsed === undefined) return new Map()
  const flags = new Map<FlagName, string>()
  for (const [field, value] of fieldsOf(parsed, path)) {
    const section = Object.hasOwn(SECTIONS, field) ? SECTIONS[field] : undefined
    if (section === undefined) take(flags, nameOf(field, path), value, field)
    else takeSection(flags, section, value, `${field} in ${path}`)
  }
  return flags
}

function takeSection(
  flags: Map<FlagName, string>,
  section: Readonly<Record<string, FlagName>>,
  content: unknown,
  where: string,
): void {
  if (content === null) return
  for (const [field, value] of fieldsOf(content, where)) {
    const name = Object.hasOwn(section, field) ? section[field] : undefined
    if (name !== undefined) take(flags, name, value, `${field} of ${where}`)
    else throw new UsageError(`${where} takes no ${field}${nearest(field, Object.keys(section))}`)
  }
}

function nameOf(field: string, path: string): FlagName {
  const name = flagNamed(field)
  if (name !== undefined && !NOT_IN_FILES.includes(name)) return name
  throw new UsageError(
    `${path} has ${field}, which is none of the settings${nearest(field, [...FLAG_NAMES, ...Object.keys(SECTIONS)])}`,
  )
}

function fieldsOf(value: unknown, where: string): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value)
  throw new UsageError(`${where} must be fields with their values, not ${kind(value)}`)
}

/** Nothing is told of the value: it may be a password. */
function take(flags: Map<FlagName, string>, name: FlagName, value: unknown, where: string): void {
  if (value === null || value === undefined) return
  flags.set(name, textOf(name, value, where))
}

function textOf(name: FlagName, value: unknown, where: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return rowOf(name).kind === 'DURATION' ? `${nanosecondsOf(value)}ns` : String(value)
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(',')
  throw new UsageError(`${where} must be a text, a number, true, false or a list of texts, not ${kind(value)}`)
}

/** Without an exponent, whatever their size. */
function nanosecondsOf(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : value.toFixed(0)
}
