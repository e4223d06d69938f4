import { describe, test } from 'vitest'
import { transportConformance } from '../../src/testing/conformance/transport.js'
import { SimNetwork } from '../../src/testing/sim/sim-network.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import { tcpTransport } from '../../src/transport/tcp.js'
import { certificateAuthority } from '../certificates.js'
import { ManualTime } from './manual-time.js'

const environment = systemEnvironment()

describe('memory', () => {
  transportConformance({
    test,
    harness: () => {
      const network = new MemoryNetwork()
      let places = 0
      const transport = (address = `place-${++places}`) => network.transport(address, environment.timers)
      return { transport, timers: environment.timers }
    },
  })
})

describe('tcp', () => {
  transportConformance({
    test,
    harness: () => ({
      transport: (listen = '127.0.0.1:0') => tcpTransport({ listen, environment }),
      timers: environment.timers,
      refusesDuplicates: true,
    }),
  })
})

describe('tcp with tls', () => {
  const authority = certificateAuthority()
  const tls = { ...authority.issue(), ca: authority.cert }
  transportConformance({
    test,
    harness: () => ({
      transport: (listen = '127.0.0.1:0') => tcpTransport({ listen, environment, tls }),
      timers: environment.timers,
      refusesDuplicates: true,
    }),
  })
})

describe('simulated, without faults', () => {
  transportConformance({ test, harness: () => simulated({}) })
})

describe('simulated, with delays', () => {
  const faults = { delayMsMin: 1, delayMsHalf: 20, spikePerMillion: 1_000, spikeMs: 500, noticeMs: 1_000 }
  transportConformance({ test, harness: () => simulated(faults) })
})

function simulated(faults: ConstructorParameters<typeof SimNetwork>[0]['faults'] & object) {
  const time = new ManualTime()
  const network = new SimNetwork({ seed: 1, clock: time.clock, timers: time.timers, faults })
  let places = 0
  time.run()
  return {
    transport: (address = `place-${++places}`) => network.transport(address, time.timers),
    timers: time.timers,
    dispose: () => time.stop(),
  }
}
