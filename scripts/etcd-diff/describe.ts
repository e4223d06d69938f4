/** Programmes and answers as text that a reader can take in: what is as usual or equal is left out, what is long is cut. */
import { isDeepStrictEqual } from 'node:util'
import type { Answers } from './answers.js'
import type { Operation } from './operation.js'

const TEXT_MAX = 60
const OPERATION_TEXT_MAX = 4_000
const DIFFERENCES_MAX = 10

export function describeOperation(operation: Operation): string {
  const text = JSON.stringify(operation, (_name, value: unknown) => (isUsual(value) ? undefined : shortened(value)))
  return text.length <= OPERATION_TEXT_MAX ? text : `${text.slice(0, OPERATION_TEXT_MAX)}…`
}

/** The places in which they differ. */
export function describeAnswers({ at, theirs, ours }: Answers): string {
  const places = [...differences('', theirs, ours)]
  const shown = places.slice(0, DIFFERENCES_MAX)
  if (places.length > shown.length) shown.push(`  and in ${places.length - shown.length} other places`)
  return [`  at revision ${at.revision}, compacted at ${at.compactRevision}`, ...shown].join('\n')
}

function* differences(place: string, theirs: unknown, ours: unknown): Generator<string> {
  if (isDeepStrictEqual(theirs, ours)) return
  if (!isObject(theirs) || !isObject(ours)) {
    yield `  ${place}\n    etcd: ${describe(theirs)}\n    ours: ${describe(ours)}`
    return
  }
  for (const name of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    yield* differences(`${place}.${name}`, theirs[name], ours[name])
  }
}

function describe(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value, (_name, each: unknown) => shortened(each))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function shortened(value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= TEXT_MAX) return value
  return `${value.slice(0, TEXT_MAX / 2)}… (${value.length} bytes)`
}

function isUsual(value: unknown): boolean {
  if (value === false || value === 0 || value === 'NONE' || value === 'KEY') return true
  if (!isObject(value)) return false
  return value['base'] === 'zero' && value['plus'] === 0
}
