/** `--initial-cluster`: the members that a cluster begins with, by name, each with one URL. */
import { quote } from '../../base/quote.js'
import { SettingError } from './setting-error.js'
import { addressOf, isSecure, isUnix, urlOf, type Url } from './url.js'
import { ValueError } from './value-error.js'

/** Throws {@link SettingError}. A member with several URLs, as etcd takes it, is dialled at the first. */
export function initialClusterOf(pairs: readonly string[]): ReadonlyMap<string, Url> {
  const members = new Map<string, Url>()
  const addresses = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(0, at))
    if (name === '') {
      throw new SettingError(`--initial-cluster is name=url,name=url, and ${quote(pair)} in it has no name`)
    }
    const url = peerUrlOf(pair.slice(at + 1), name)
    const other = addresses.get(addressOf(url))
    if (other !== undefined) {
      throw new SettingError(`--initial-cluster has ${url.text} twice, of ${quote(other)} and of ${quote(name)}`)
    }
    addresses.set(addressOf(url), name)
    if (!members.has(name)) members.set(name, url)
  }
  const secure = [...members.values()].map(isSecure)
  if (secure.includes(true) && secure.includes(false)) {
    throw new SettingError(
      '--initial-cluster mixes http and https: all members of a cluster speak TLS to each other, or none',
    )
  }
  return members
}

function peerUrlOf(text: string, name: string): Url {
  try {
    const url = urlOf(text)
    if (!isUnix(url)) return url
  } catch (error) {
    if (error instanceof ValueError) {
      throw new SettingError(`--initial-cluster, of member ${quote(name)}: ${error.message}`)
    }
    throw error
  }
  throw new SettingError(`--initial-cluster, of member ${quote(name)}: members reach each other over TCP, not ${text}`)
}
