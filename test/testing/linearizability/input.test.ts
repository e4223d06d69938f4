/** Calls and arguments of another shape than they are meant: each is refused by name, and none is taken for a verdict. */
import { describe, expect, test } from 'vitest'
import {
  check,
  History,
  importJepsen,
  keyValueModel,
  record,
  registerModel,
  type CheckOptions,
  type Ending,
  type Model,
  type RecordOptions,
} from 'quorate/testing'
import type { Store } from '../../../src/api/store.js'

type AnyModel = Model<unknown>

describe('a call of another shape than its model takes', () => {
  const register = registerModel as AnyModel
  const values = keyValueModel as AnyModel
  const cas = { type: 'cas', expected: 1, value: 2 }
  test.each<[AnyModel, unknown, unknown, string]>([
    [register, { type: 'read' }, 3, 'call 0 of a: the output of a read is { value }, not number'],
    [register, { type: 'read' }, null, 'the output of a read is { value }, not null'],
    [register, { type: 'read' }, {}, 'the value of a read is a number, text or null, not undefined'],
    [register, { type: 'read' }, { value: [1] }, 'the value of a read is a number, text or null, not an array'],
    [register, { type: 'write' }, {}, 'the value of a write is a number, text or null, not undefined'],
    [register, cas, true, 'the output of a cas is { swapped }, not boolean'],
    [register, cas, {}, 'swapped of a cas is true or false, not undefined'],
    [register, { type: 'cas', value: 2 }, {}, 'the expected value of a cas is a number, text or null, not undefined'],
    [register, { type: 'get' }, {}, 'the type of an input is read, write, cas, not "get"'],
    [register, 'read', {}, 'the input of a register is { type: "read" }, for example, not string'],
    [values, { type: 'get', key: 'a' }, 'x', 'the output of a get is { value }, not string'],
    [values, { type: 'get' }, { value: '' }, 'the key of a get is text, not undefined'],
    [values, { type: 'put', key: 'a', value: 1 }, {}, 'the value of a put is text, not number'],
  ])('%# is refused', (model, input, output, message) => {
    const history = new History()
    history.end(history.invoke('a', input), { outcome: 'ok', output })
    expect(() => check(history, model)).toThrow(message)
    expect(() => check(history, model)).toThrow(TypeError)
  })

  test('may have no output where nothing is told', () => {
    const history = new History()
    history.end(history.invoke('a', { type: 'write', value: 1 }), { outcome: 'ok', output: undefined })
    history.invoke('a', { type: 'read' })
    history.end(history.invoke('b', { type: 'read' }), { outcome: 'refused' })
    expect(check(history, register).verdict).toBe('ok')
  })
})

describe('an argument that is none', () => {
  const history = new History<never, never>()
  const end = (ending: unknown): void => {
    const own = new History()
    own.end(own.invoke('a', 1), ending as Ending)
  }
  const recorded = (store: unknown, options: unknown): unknown => record(store as Store, options as RecordOptions)
  const checked = (of: unknown, model: unknown, options?: unknown): unknown =>
    check(of as History, model as AnyModel, options as CheckOptions)
  const store = { environment: {}, put: () => undefined }

  test.each<[string, () => unknown]>([
    ["outcome must be 'ok', 'refused' or 'unknown', not \"okay\"", () => end({ outcome: 'okay' })],
    ["outcome must be 'ok', 'refused' or 'unknown', not \"pending\"", () => end({ outcome: 'pending' })],
    ['the ending of a call takes no ouput (did you mean output?)', () => end({ outcome: 'ok', ouput: 1 })],
    ['end() takes how the call ended, { outcome, ... }, not undefined', () => end(undefined)],
    [
      'end() takes the call that invoke() gave, not undefined',
      () => new History().end(undefined as never, {} as never),
    ],
    ['check() takes no steps (did you mean stepsMax?)', () => checked(history, registerModel, { steps: 3 })],
    ['check() takes a plain object of', () => checked(history, registerModel, null)],
    ['check() takes a History first, not undefined', () => checked(undefined, registerModel)],
    ['check() takes a History first, not an array', () => checked([], registerModel)],
    [
      'check() takes a model second, with init() and step(), as registerModel, not undefined',
      () => checked(history, undefined),
    ],
    ['importJepsen() takes the text of a file, not undefined', () => importJepsen(undefined as never)],
    ['fromJsonLines() takes text, not undefined', () => History.fromJsonLines(undefined as never)],
    ['record() takes a store first, not undefined', () => recorded(undefined, { history, client: 'a' })],
    ['record() takes { history, client } second, not undefined', () => recorded(store, undefined)],
    ['history must be a History, not undefined', () => recorded(store, { client: 'a' })],
    ['client must be a string, not number', () => recorded(store, { history, client: 1 })],
    ['record() takes no name', () => recorded(store, { history, client: 'a', name: 'b' })],
  ])('is refused: %s', (message, action) => {
    expect(action).toThrow(message)
    expect(action).toThrow(TypeError)
  })
})
