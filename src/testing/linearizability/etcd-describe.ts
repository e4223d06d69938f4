/** Calls and answers of a store in words. */
import { assertNever } from '../../base/assert.js'
import { keyText } from '../../base/bytes.js'
import type {
  EtcdCompare,
  EtcdInput,
  EtcdKeyValue,
  EtcdOperation,
  EtcdOutput,
  EtcdRange,
  EtcdResult,
} from './etcd-calls.js'
import type { EtcdState, Version } from './etcd-state.js'

export function describeInput(input: EtcdInput): string {
  switch (input.type) {
    case 'put':
    case 'delete':
    case 'txn':
      return describeOperation(input)
    case 'range':
      return `${describeOperation(input)}${input.local === true ? ' locally' : ''}`
    case 'get':
      return `get ${keyText(input.key)}${at(input.revision)}${input.local === true ? ' locally' : ''}`
    case 'compact':
      return `compact before ${input.revision}`
    case 'grant':
      return `grant a lease${input.lease === undefined ? '' : ` ${input.lease}`}`
    case 'revoke':
      return `revoke lease ${input.lease}`
    case 'keep-alive':
      return `renew lease ${input.lease}`
    case 'time-to-live':
      return `time left of lease ${input.lease}${input.keys === true ? ' and its keys' : ''}`
    case 'leases':
      return `list the leases${input.local === true ? ' locally' : ''}`
    case 'expire':
      return `the time of lease ${input.lease} is over`
    default:
      return assertNever(input, 'input of a store')
  }
}

export function describeOutput(output: EtcdOutput): string {
  switch (output.type) {
    case 'get':
      return output.found === undefined ? 'nothing' : describeKeyValue(output.found)
    case 'grant':
      return `lease ${output.lease}`
    case 'time-to-live':
      return `${output.exists ? 'it has some' : 'it has ended'}${describeKeys(output.keys)}`
    case 'leases':
      return `leases ${output.leases.join(', ') || 'none'}`
    case 'done':
      return 'done'
    case 'put':
    case 'range':
    case 'delete':
    case 'txn':
      return `${describeResult(output)} at revision ${output.revision}`
    default:
      return assertNever(output, 'output of a store')
  }
}

export function describeResult(result: EtcdResult): string {
  switch (result.type) {
    case 'put':
      return result.previous === undefined ? 'written' : `written over ${describeKeyValue(result.previous)}`
    case 'range': {
      const { items, count, more } = result
      if (items.length === 0) return count === 0 ? 'nothing' : `${count} keys`
      return `${items.map(describeKeyValue).join(', ')}${more ? ` and more, ${count} in all` : ''}`
    }
    case 'delete':
      return `${result.deleted} deleted${result.previous.map((each) => ` ${describeKeyValue(each)}`).join(',')}`
    case 'txn':
      return `${result.succeeded ? 'held' : 'did not hold'} [${result.results.map(describeResult).join('; ')}]`
    default:
      return assertNever(result, 'result')
  }
}

const KEYS_TOLD_MAX = 40

export function describeEtcdState(state: EtcdState): string {
  const shown: string[] = []
  let count = 0
  state.keys.visit('', '\0', (version) => {
    if (version.version > 0 && ++count <= KEYS_TOLD_MAX) shown.push(describeKeyValue(version))
    return true
  })
  const rest = count > KEYS_TOLD_MAX ? ` and ${count - KEYS_TOLD_MAX} keys more` : ''
  return `revision ${state.revision}: ${shown.join(', ') || 'no keys'}${rest}`
}

export function describeChange({
  key,
  value,
  version,
  lease,
}: Pick<Version, 'key' | 'value' | 'version' | 'lease'>): string {
  if (version === 0) return `delete ${keyText(key)}`
  return `put ${keyText(key)} ${short(value)}${lease === undefined ? '' : ` under lease ${lease}`}`
}

function describeOperation(operation: EtcdOperation): string {
  switch (operation.type) {
    case 'put': {
      const { key, value, lease, ignoreValue } = operation
      return `put ${keyText(key)} ${ignoreValue === true ? 'as it is' : short(value)}${lease === undefined ? '' : ` under lease ${lease}`}`
    }
    case 'range': {
      const { key, end, revision, limit } = operation
      return `read ${selection(key, end)}${at(revision)}${limit === undefined ? '' : `, at most ${limit}`}${shape(operation)}`
    }
    case 'delete':
      return `delete ${selection(operation.key, operation.end)}`
    case 'txn': {
      const { compare, success, failure } = operation
      const guards = compare.map(describeCompare).join(' and ') || 'always'
      return `if ${guards} [${success.map(describeOperation).join('; ')}] else [${failure.map(describeOperation).join('; ')}]`
    }
    default:
      return assertNever(operation, 'operation')
  }
}

function shape({ sort, minMod, maxMod, minCreate, maxCreate, countOnly, keysOnly }: EtcdRange): string {
  const bound = (what: string, least: number | undefined, most: number | undefined): string =>
    least === undefined && most === undefined ? '' : `, ${what} from ${least ?? 0} to ${most ?? 'the latest'}`
  const sorted = sort === undefined ? '' : `, by ${sort.by}${sort.descending === true ? ' backwards' : ''}`
  const what = countOnly === true ? ', only their number' : keysOnly === true ? ', without values' : ''
  return `${sorted}${bound('written', minMod, maxMod)}${bound('created', minCreate, maxCreate)}${what}`
}

function describeKeys(keys: readonly string[] | undefined): string {
  return keys === undefined ? '' : `, keys ${keys.map((key) => keyText(key)).join(', ') || 'none'}`
}

function describeCompare({ key, end, target, relation, value }: EtcdCompare): string {
  return `${target} of ${selection(key, end)} ${relation} ${typeof value === 'string' ? short(value) : value}`
}

function describeKeyValue({ key, value, mod, version, lease }: EtcdKeyValue): string {
  return `${keyText(key)}=${short(value)} (revision ${mod}, version ${version}${lease === undefined ? '' : `, lease ${lease}`})`
}

function selection(key: string, end: string | undefined): string {
  if (end === undefined) return keyText(key)
  if (end === '\0') return key === '\0' ? 'all keys' : `keys from ${keyText(key)}`
  return `keys from ${keyText(key)} to ${keyText(end)}`
}

function at(revision: number | undefined): string {
  return revision === undefined ? '' : ` at revision ${revision}`
}

const VALUE_LENGTH_MAX = 24

function short(value: string): string {
  const text = keyText(value)
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)}...`
}
