/** The transport that an example makes for threads passes what every transport must do, and is short. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { portsBetween } from '../../examples/08-message-port/ports.js'
import { threadNetwork } from '../../examples/08-message-port/message-port-transport.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { transportConformance } from '../../src/testing/conformance/transport.js'

const { timers } = systemEnvironment()

describe('the transport over message ports', () => {
  transportConformance({
    test,
    harness: () => {
      const ends = portsBetween(['a', 'b', 'c', 'd'])
      const networks = new Map(ends.map(({ name, to }) => [name, threadNetwork(name, to, timers)]))
      const unused = [...networks.keys()]
      return {
        transport: (name = unused.shift() ?? '') => (networks.get(name) as ReturnType<typeof threadNetwork>)(),
        timers,
        dispose: () => {
          for (const { to } of ends) for (const port of to.values()) port.close()
        },
      }
    },
  })

  test('has less than 80 lines', () => {
    const file = new URL('../../examples/08-message-port/message-port-transport.ts', import.meta.url)
    expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThan(80)
  })
})
