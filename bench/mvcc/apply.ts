/** Puts per second through the machine: new keys, then overwrites, over a backend in memory and over the store on disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { LIMITS } from '../../src/base/limits.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { openStorage } from '../../src/storage/storage.js'
import { atLeast, print, Stopwatch } from './report.js'
import { Applier, FORGETFUL, KEYS, MapBackend, shuffled } from './workload.js'

const BATCH = 5000
const NEW_KEYS = atLeast(80_000)
const OVERWRITES = atLeast(150_000)

export async function inMemory(): Promise<void> {
  // A Map of a million records costs as much as a third of the machine, so the machine is measured by itself, too.
  for (const [where, backend] of [
    ['in memory', FORGETFUL],
    ['in memory, records in a Map', new MapBackend()],
  ] as const) {
    const applier = new Applier(backend)
    for (const name of ['new keys', 'overwrites']) {
      const watch = new Stopwatch()
      for (let at = 0; at < KEYS; at += BATCH) {
        const commands = applier.puts(at, BATCH, name === 'new keys' ? shuffled : (at) => shuffled(shuffled(at)))
        watch.run(() => applier.apply(commands))
      }
      tell(`apply ${where}, ${name}`, watch, name)
    }
  }
}

export async function onDisk(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
  const storage = await openStorage(levelDisk(folder), { clusterId: 1, memberId: 1, name: 'bench' })
  const { state } = storage
  const applier = new Applier(state)
  let committing = Promise.resolve()
  for (const name of ['new keys', 'overwrites']) {
    const watch = new Stopwatch()
    for (let at = 0; at < KEYS; at += BATCH) {
      const commands = applier.puts(at, BATCH, name === 'new keys' ? shuffled : (at) => shuffled(shuffled(at)))
      await watch.wait(async () => {
        applier.apply(commands)
        if (state.stagedBytes >= LIMITS.stateBufferBytesMax) {
          await committing
          applier.machine.checkpoint()
          committing = state.commit()
        }
        await setImmediate()
      })
    }
    await watch.wait(() => committing)
    tell(`apply on disk, ${name}`, watch, name)
  }
  await storage.close()
  rmSync(folder, { recursive: true, force: true })
}

function tell(name: string, watch: Stopwatch, what: string): void {
  print(name, KEYS / watch.cpuSeconds, '/s', what === 'new keys' ? NEW_KEYS : OVERWRITES)
  print(`${name}, by the clock`, KEYS / watch.seconds, '/s')
}
