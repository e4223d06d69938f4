/** Values by key: get, put, append. A key without a value is as one with the empty one. Keys are checked one by one. */
import { assertNever } from '../../base/assert.js'
import { UNKNOWN, type Model } from './model.js'
import { checkText, fieldsOf, typeOf } from './shape.js'

export type KeyValueInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'append'; readonly key: string; readonly value: string }

/** Of a get what it got. */
export interface KeyValueOutput {
  readonly value?: string
}

export const keyValueModel: Model<string, KeyValueInput, KeyValueOutput> = {
  name: 'key-value',
  key: ({ key }) => key,
  init: () => '',
  step: (state, input, output) => {
    switch (input.type) {
      case 'get':
        return output === UNKNOWN || output.value === state ? state : undefined
      case 'put':
        return input.value
      case 'append':
        return state + input.value
      default:
        return assertNever(input, 'input of a key-value store')
    }
  },
  checkShape: (input, output) => {
    const given = fieldsOf(input, 'the input of a key-value store', '{ type: "get", key: "a" }, for example')
    const type = typeOf(given, ['get', 'put', 'append'])
    checkText(given['key'], `the key of a ${type}`)
    if (type !== 'get') checkText(given['value'], `the value of a ${type}`)
    else if (output !== UNKNOWN)
      checkText(fieldsOf(output, 'the output of a get', '{ value }')['value'], 'the value of a get')
  },
  describe: (input, output) => {
    const unknown = output === UNKNOWN ? ' → ?' : ''
    switch (input.type) {
      case 'get':
        return `get ${input.key} → ${output === UNKNOWN ? '?' : JSON.stringify(output.value)}`
      case 'put':
        return `put ${input.key} ${JSON.stringify(input.value)}${unknown}`
      case 'append':
        return `append ${input.key} ${JSON.stringify(input.value)}${unknown}`
      default:
        return assertNever(input, 'input of a key-value store')
    }
  },
  describeState: (state) => JSON.stringify(state),
}
