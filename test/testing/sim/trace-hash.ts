/**
 * The trace hashes of some small runs with every kind of fault that the world itself knows: run by another Node, they say
 * whether a seed means the same there.
 *
 *     node --import tsx test/testing/sim/trace-hash.ts 1 2 3
 */
import { fileURLToPath } from 'node:url'
import { SimWorld } from '../../../src/testing/sim/world.js'

const FAULTS = {
  delayMsMin: 1,
  delayMsHalf: 3,
  lossPerMillion: 20_000,
  spikePerMillion: 10_000,
  spikeMs: 100,
  reorderPerMillion: 20_000,
  reorderMsMax: 30,
  duplicatePerMillion: 20_000,
  duplicateMsMax: 50,
  flipPerMillion: 2_000,
}

export async function traceHash(seed: number): Promise<string> {
  const world = new SimWorld({ seed, open: { electionTimeoutMs: 300, stateBufferBytesMax: 2000 } })
  const [a, b, c] = world.places
  if (a === undefined || b === undefined || c === undefined) throw new Error('three places')
  for (const place of world.places) world.start(place)
  world.network.setFaults(FAULTS)
  a.clock.drift(20_000)
  b.clock.swingWall(3000, 700)
  for (let round = 0; round < 60; round++) {
    for (const { store } of world.places) {
      store?.put(`k${round % 5}`, `${round}`).catch(() => undefined)
      store?.range(`k${round % 3}`).catch(() => undefined)
    }
    if (round === 20) world.crash(b, 'power')
    if (round === 25) world.start(b)
    if (round === 30) world.lag(c, 70)
    if (round === 35) world.pause(a)
    if (round === 45) world.resume(a)
    await world.run(() => false, 100)
  }
  world.network.healAll()
  await world.run(() => false, 3000)
  const states = world.statuses().map(({ name, appliedIndex, digest }) => `${name} ${appliedIndex} ${digest}`)
  return [world.trace.hash, ...states].join(', ')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const seed of process.argv.slice(2)) console.log(await traceHash(Number(seed)))
}
