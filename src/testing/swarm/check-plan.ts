/**
 * A plan that was written or edited by hand is checked before it runs: what is misspelt or left out would else be a fault
 * that never happens, and a run that holds.
 *
 * Not here: what the operations hold besides what all have.
 */
import { checkFields, kind } from '../../api/check-fields.js'
import { BUGGIFY_POINTS } from '../../base/buggify.js'
import { checkFaults } from '../faults/check-faults.js'
import { checkNetworkFaults } from '../sim/network-faults.js'
import { OPERATIONS, STEPS } from './expected.js'
import type { Plan, PlanSettings } from './plan.js'

const PLAN: Readonly<Record<keyof Plan, true>> = {
  seed: true,
  members: true,
  spares: true,
  settings: true,
  network: true,
  buggify: true,
  faults: true,
  operations: true,
  safetyMs: true,
}

const SETTINGS: Readonly<Record<keyof PlanSettings, true>> = {
  electionTimeoutMs: true,
  heartbeatIntervalMs: true,
  stateBufferBytesMax: true,
  logRetainBytes: true,
  leaseCheckpointIntervalMs: true,
  quotaBytes: true,
  autoCompactionMs: true,
  diskTimeoutMs: true,
}

/** What a plan may leave to `open()`. */
const LEFT_OUT: readonly (keyof PlanSettings)[] = [
  'leaseCheckpointIntervalMs',
  'quotaBytes',
  'autoCompactionMs',
  'diskTimeoutMs',
]

/** Throws TypeError or RangeError that names the field of the plan. Faults and operations after its time are left out of a run. */
export function checkPlan(plan: Plan): void {
  if (plan === undefined) throw new TypeError('a plan must be an object, not undefined')
  checkFields(plan, PLAN, 'a plan')
  for (const field of Object.keys(PLAN) as (keyof Plan)[]) {
    if (plan[field] === undefined && field !== 'spares')
      throw new TypeError(`a plan has ${Object.keys(PLAN).join(', ')}: ${field} is missing`)
  }
  const { seed, members, spares = [], settings, network, buggify, faults, operations, safetyMs } = plan
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed must be a whole number, not ${String(seed)}`)
  names('members', members)
  names('spares', spares)
  const both = spares.find((name) => members.includes(name))
  if (both !== undefined) throw new RangeError(`spares names ${both}, who is one of the members`)
  const everybody = [...members, ...spares]
  if (members.length === 0) throw new RangeError('members must have one name at least')
  checkFields(settings, SETTINGS, 'settings')
  for (const name of Object.keys(SETTINGS) as (keyof PlanSettings)[]) {
    if (LEFT_OUT.includes(name) && settings[name] === undefined) continue
    number(`settings.${name}`, settings[name])
  }
  checkNetworkFaults(network)
  list('buggify', buggify, (point, at) => {
    if (!Object.hasOwn(BUGGIFY_POINTS, String(point))) {
      throw new RangeError(`buggify[${at}]: there is no rare way ${JSON.stringify(point)}`)
    }
  })
  number('safetyMs', safetyMs)
  checkFaults(faults, everybody, Infinity)
  list('operations', operations, (operation, at) => checkOperation(`operations[${at}]`, operation, everybody))
}

function checkOperation(where: string, operation: unknown, members: readonly string[]): void {
  if (typeof operation !== 'object' || operation === null) {
    throw new TypeError(`${where} must be an object, not ${kind(operation)}`)
  }
  const { id, atMs, client, member, timeoutMs, type, step } = operation as Readonly<Record<string, unknown>>
  if (!Object.hasOwn(OPERATIONS, String(type))) {
    throw new RangeError(
      `${where}.type: there is no operation ${JSON.stringify(type)}, only ${Object.keys(OPERATIONS).join(', ')}`,
    )
  }
  for (const [name, value] of Object.entries({ id, atMs, client, timeoutMs })) number(`${where}.${name}`, value)
  if (!members.includes(member as string)) {
    throw new RangeError(`${where}.member: there is no member ${JSON.stringify(member)}, only ${members.join(', ')}`)
  }
  if (type === 'change-members') checkStep(`${where}.step`, step, members)
}

function checkStep(where: string, given: unknown, members: readonly string[]): void {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${where} must be an object, not ${kind(given)}`)
  const { step, name, by } = given as Readonly<Record<string, unknown>>
  if (!Object.hasOwn(STEPS, String(step))) {
    throw new RangeError(
      `${where}.step: there is no step ${JSON.stringify(step)}, only ${Object.keys(STEPS).join(', ')}`,
    )
  }
  for (const [field, value] of Object.entries({ name, by })) {
    if (value === undefined || members.includes(value as string)) continue
    throw new RangeError(`${where}.${field}: there is no member ${JSON.stringify(value)}, only ${members.join(', ')}`)
  }
}

function names(where: string, given: readonly string[]): void {
  list(where, given, (name, at) => {
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(`${where}[${at}] must be a name, not ${JSON.stringify(name)}`)
    }
    if (given.indexOf(name) !== at) throw new RangeError(`${where} names ${name} twice`)
  })
}

function list(where: string, value: readonly unknown[], check: (each: unknown, at: number) => void): void {
  if (!Array.isArray(value)) throw new TypeError(`${where} must be an array, not ${kind(value)}`)
  for (const [at, each] of (value as readonly unknown[]).entries()) check(each, at)
}

function number(where: string, value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`${where} must be a number, not ${kind(value)}`)
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${where} must be finite and 0 or more, not ${value}`)
}
