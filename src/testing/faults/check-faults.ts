/** Faults that were spelt out are checked before a world is made: one with a misspelt node would else never happen, and nobody know. */
import { kind } from '../../api/check-fields.js'
import type { DiskPart, Rot } from '../sim/sim-disk.js'
import { DECISIONS } from '../swarm/expected.js'
import { membersNeededFor } from './draw.js'
import { FAULT_TYPES, type Fault, type FaultKind, type FaultType } from './fault.js'

type What = 'node' | 'nodes' | 'groups' | 'milliseconds' | 'amount' | 'any number' | readonly string[]

/** As records, for the compiler to miss none. */
const ROTS: Readonly<Record<Rot, true>> = { 'torn-tail': true, hole: true, 'bit-flip': true, unopenable: true }
const DISK_PARTS: Readonly<Record<DiskPart, true>> = { log: true, state: true, 'high-water': true }

/** The fields of each type of fault but `type` and `atMs`. */
const FIELDS: {
  readonly [T in FaultType]: Readonly<Record<Exclude<keyof Extract<FaultKind, { type: T }>, 'type'>, What>>
} = {
  crash: { member: 'node', disk: ['process', 'power'], downMs: 'milliseconds' },
  'crash-loop': { member: 'node', times: 'amount', everyMs: 'milliseconds' },
  'crash-at': { member: 'node', event: Object.keys(DECISIONS), downMs: 'milliseconds' },
  restart: { member: 'node', downMs: 'milliseconds' },
  'rolling-restart': { downMs: 'milliseconds', pauseMs: 'milliseconds' },
  'old-version': { member: 'node', forMs: 'milliseconds' },
  pause: { member: 'node', forMs: 'milliseconds' },
  lag: { member: 'node', lateMs: 'milliseconds', forMs: 'milliseconds' },
  'clock-drift': { member: 'node', perMillion: 'any number', forMs: 'milliseconds' },
  'clock-freeze': { member: 'node', forMs: 'milliseconds' },
  'wall-jump': { member: 'node', byMs: 'any number' },
  'wall-swing': { member: 'node', byMs: 'any number', periodMs: 'milliseconds', forMs: 'milliseconds' },
  cut: { from: 'node', to: 'node', forMs: 'milliseconds' },
  'cut-one-way': { from: 'node', to: 'node', forMs: 'milliseconds' },
  partition: { groups: 'groups', forMs: 'milliseconds' },
  ring: { forMs: 'milliseconds' },
  clog: { from: 'node', to: 'node', forMs: 'milliseconds' },
  swizzle: { members: 'nodes', stepMs: 'milliseconds' },
  'slow-link': { from: 'node', to: 'node', bytesPerSecond: 'amount', forMs: 'milliseconds' },
  reset: { from: 'node', to: 'node' },
  'bit-flips': { from: 'node', to: 'node', perMillion: 'amount', forMs: 'milliseconds' },
  'disk-slow': { member: 'node', factor: 'amount', forMs: 'milliseconds' },
  'disk-hang': { member: 'node', forMs: 'milliseconds' },
  'sync-failure': { member: 'node', downMs: 'milliseconds' },
  'disk-full': { member: 'node', forMs: 'milliseconds' },
  'disk-low': { member: 'node', forMs: 'milliseconds' },
  'disk-rot': {
    member: 'node',
    rot: Object.keys(ROTS),
    part: Object.keys(DISK_PARTS),
    downMs: 'milliseconds',
  },
  'state-rot': { member: 'node', rot: ['hole', 'bit-flip'] },
  'disk-wipe': { member: 'node', downMs: 'milliseconds' },
}

/** Throws TypeError unless all are types of faults, RangeError for one that cannot happen to so few nodes. */
export function checkFaultTypes(types: unknown, nodeCount: number): void {
  if (!Array.isArray(types) || types.length === 0) {
    const given = Array.isArray(types) ? 'an empty one' : kind(types)
    throw new TypeError(`faults.kinds must be 'all' or an array of types of faults, not ${given}`)
  }
  for (const each of types as unknown[]) {
    const type = checkType(each, 'faults.kinds')
    const needed = membersNeededFor(type)
    if (nodeCount < needed) {
      throw new RangeError(
        `faults.kinds: a ${type} needs at least ${needed} nodes, and would never happen to ${nodeCount}`,
      )
    }
  }
}

/**
 * Throws TypeError or RangeError that names the fault and its field.
 *
 * @param forMs the end of the run; Infinity where a fault after it is no mistake.
 */
export function checkFaults(faults: readonly Fault[], nodes: readonly string[], forMs: number): void {
  if (!Array.isArray(faults)) throw new TypeError(`faults must be an array, not ${kind(faults)}`)
  for (const [at, fault] of (faults as readonly Fault[]).entries()) {
    const where = `faults[${at}]`
    if (typeof fault !== 'object' || fault === null)
      throw new TypeError(`${where} must be an object, not ${kind(fault)}`)
    const fields: Readonly<Record<string, What>> = FIELDS[checkType(fault.type, `${where}.type`)]
    const given = fault as unknown as Readonly<Record<string, unknown>>
    checkField(`${where}.atMs`, fault.atMs, 'milliseconds', nodes)
    if (fault.atMs >= forMs) {
      throw new RangeError(`${where}.atMs is ${fault.atMs}: it would never happen in a run of forMs ${forMs}`)
    }
    for (const [field, what] of Object.entries(fields)) checkField(`${where}.${field}`, given[field], what, nodes)
    if ('from' in fault && fault.from === fault.to) {
      throw new RangeError(`${where}: ${fault.type} is between two nodes, and from and to are both ${fault.from}`)
    }
    for (const field of Object.keys(given)) {
      if (field === 'type' || field === 'atMs' || Object.hasOwn(fields, field)) continue
      throw new TypeError(`${where}: ${fault.type} takes no ${field}, only atMs, ${Object.keys(fields).join(', ')}`)
    }
  }
}

function checkType(type: unknown, where: string): FaultType {
  const types = Object.keys(FAULT_TYPES) as FaultType[]
  const found = types.find((each) => each === type)
  if (found === undefined) {
    throw new TypeError(`${where}: there is no fault ${JSON.stringify(type)}, only ${types.join(', ')}`)
  }
  return found
}

function checkField(where: string, value: unknown, what: What, nodes: readonly string[]): void {
  if (Array.isArray(what)) {
    if (!what.includes(value))
      throw new TypeError(`${where} must be one of ${what.join(', ')}, not ${JSON.stringify(value)}`)
    return
  }
  switch (what) {
    case 'node':
      return checkNode(where, value, nodes)
    case 'nodes':
      return checkList(where, value, (each, at) => checkNode(`${where}[${at}]`, each, nodes))
    case 'groups':
      return checkList(where, value, (each, at) => checkField(`${where}[${at}]`, each, 'nodes', nodes))
    case 'milliseconds':
    case 'amount':
    case 'any number':
      if (typeof value !== 'number') throw new TypeError(`${where} must be a number, not ${kind(value)}`)
      if (!Number.isFinite(value) || (what !== 'any number' && value < 0)) {
        throw new RangeError(`${where} must be finite${what === 'any number' ? '' : ' and 0 or more'}, not ${value}`)
      }
  }
}

function checkNode(where: string, value: unknown, nodes: readonly string[]): void {
  if (nodes.includes(value as string)) return
  throw new RangeError(`${where}: there is no node ${JSON.stringify(value)}, only ${nodes.join(', ')}`)
}

function checkList(where: string, value: unknown, check: (each: unknown, at: number) => void): void {
  if (!Array.isArray(value)) throw new TypeError(`${where} must be an array, not ${kind(value)}`)
  for (const [at, each] of (value as unknown[]).entries()) check(each, at)
}
