/** Values by key: get, put, append. A key without a value is as one with the empty one. Keys are checked one by one. */
import { assertNever } from '../../base/assert.js'
import { UNKNOWN, type Model } from './model.js'

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
