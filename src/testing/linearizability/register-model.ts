/** One register: read, write, compare and set. It begins as null. */
import { assertNever } from '../../base/assert.js'
import { kind } from '../../api/check-fields.js'
import { UNKNOWN, type Model } from './model.js'
import { fieldsOf, typeOf } from './shape.js'

export type RegisterValue = number | string | null

export type RegisterInput =
  | { readonly type: 'read' }
  | { readonly type: 'write'; readonly value: RegisterValue }
  | { readonly type: 'cas'; readonly expected: RegisterValue; readonly value: RegisterValue }

/** Of a read what it read, of a compare-and-set whether it set, of a write nothing. */
export interface RegisterOutput {
  readonly value?: RegisterValue
  readonly swapped?: boolean
}

export const registerModel: Model<RegisterValue, RegisterInput, RegisterOutput> = {
  name: 'register',
  init: () => null,
  step: (state, input, output) => {
    switch (input.type) {
      case 'read':
        return output === UNKNOWN || output.value === state ? state : undefined
      case 'write':
        return input.value
      case 'cas': {
        const holds = state === input.expected
        if (output !== UNKNOWN && output.swapped !== holds) return undefined
        return holds ? input.value : state
      }
      default:
        return assertNever(input, 'input of a register')
    }
  },
  checkShape: (input, output) => {
    const given = fieldsOf(input, 'the input of a register', '{ type: "read" }, for example')
    const type = typeOf(given, ['read', 'write', 'cas'])
    if (type !== 'read') checkValue(given['value'], `the value of a ${type}`)
    if (type === 'cas') checkValue(given['expected'], 'the expected value of a cas')
    if (output === UNKNOWN) return
    if (type === 'read')
      checkValue(fieldsOf(output, 'the output of a read', '{ value }')['value'], 'the value of a read')
    if (type === 'cas' && typeof fieldsOf(output, 'the output of a cas', '{ swapped }')['swapped'] !== 'boolean') {
      throw new TypeError(`swapped of a cas is true or false, not ${kind(output.swapped)}`)
    }
  },
  describe: (input, output) => {
    const known = output === UNKNOWN ? undefined : output
    switch (input.type) {
      case 'read':
        return `read → ${known === undefined ? '?' : String(known.value)}`
      case 'write':
        return `write ${input.value}${known === undefined ? ' → ?' : ''}`
      case 'cas': {
        const result = known === undefined ? '?' : known.swapped === true ? 'set' : 'not set'
        return `set ${input.value} if ${input.expected} → ${result}`
      }
      default:
        return assertNever(input, 'input of a register')
    }
  },
  describeState: (state) => String(state),
}

/** Objects would be compared by identity, and be equal to nothing. */
function checkValue(value: unknown, what: string): void {
  if (value === null || typeof value === 'number' || typeof value === 'string') return
  throw new TypeError(`${what} is a number, text or null, not ${kind(value)}`)
}
