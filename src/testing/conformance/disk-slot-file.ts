/** What storage needs of the high-water file: made whole or not at all, overwritten in place without waiting. */
import type { Disk } from '../../storage/disk.js'
import { equal } from './check.js'
import { bytes, textOf, type DiskTests } from './disk-world.js'

export const slotFileTests: DiskTests = {
  'has no slot file before one is made, and makes none by looking': async (world) => {
    equal(await world.harness.disk().peek('high-water'), undefined, 'the file, looked at on an empty disk')
    const opened = await world.acquire()
    const file = await opened.slots()
    equal(await file.read(), undefined, 'the file before it is made')
    await opened.close()
    equal(await world.harness.disk().peek('high-water'), undefined, 'the file that nobody made')
  },

  'makes a slot file, and overwrites parts of it': async (world) => {
    const opened = await world.acquire()
    const file = await opened.slots()
    await file.create(bytes('0123456789'))
    equal(textOf(await file.read()), '0123456789', 'the file that was made')
    file.writeSync(bytes('AB'), 2)
    file.writeSync(bytes('C'), 9)
    equal(textOf(await file.read()), '01AB45678C', 'the file that was written to')
    await file.sync()
    equal(textOf(await file.read()), '01AB45678C', 'the file that was synced')
    file.writeSync(bytes('yz'), 2)
    await file.sync()
    await file.sync()
    equal(textOf(await file.read()), '01yz45678C', 'the file that was synced again')
  },

  'keeps what it was given, whatever becomes of that': async (world) => {
    const file = await (await world.acquire()).slots()
    const content = bytes('0123')
    await file.create(content)
    content.fill(0x78)
    const written = bytes('AB')
    file.writeSync(written, 0)
    written.fill(0x78)
    await file.sync()
    equal(textOf(await file.read()), 'AB23', 'the file')
  },

  'makes a slot file in the place of another one': async (world) => {
    const opened = await world.acquire()
    const file = await opened.slots()
    await file.create(bytes('the first one'))
    file.writeSync(bytes('X'), 0)
    await file.create(bytes('other'))
    equal(textOf(await file.read()), 'other', 'the file that was made last')
    file.writeSync(bytes('O'), 0)
    equal(textOf(await file.read()), 'Other', 'the file that was made last, written to')
    await opened.close()
    if (opened.disk.permanent)
      equal(textOf(await world.harness.disk().peek('high-water')), 'Other', 'the file, looked at')
  },

  'has the slot file when it is opened again': async (world) => {
    const opened = await world.acquire()
    const file = await opened.slots()
    await file.create(bytes('0123'))
    file.writeSync(bytes('AB'), 1)
    await opened.close()
    if (!opened.disk.permanent) return
    equal(textOf(await world.harness.disk().peek('high-water')), '0AB3', 'the file, looked at')
    const again = await world.acquire()
    const found = await again.slots()
    equal(textOf(await found.read()), '0AB3', 'the file')
    found.writeSync(bytes('C'), 3)
    equal(textOf(await found.read()), '0ABC', 'the file, written to again')
  },

  'has what was synced of the slot file when the process is gone': async (world) => {
    if (!world.harness.disk().permanent) return
    const file = await (await world.acquire()).slots()
    await file.create(bytes('0123'))
    await leaves(await world.afterDeath(), '0123')
    file.writeSync(bytes('AB'), 1)
    await file.sync()
    await leaves(await world.afterDeath(), '0AB3')
  },

  'has what was written to the slot file when the process is gone': async (world) => {
    if (!world.harness.disk().permanent) return
    const file = await (await world.acquire()).slots()
    await file.create(bytes('0123'))
    file.writeSync(bytes('AB'), 1)
    await leaves(await world.afterDeath(), '0AB3')
  },

  'has what was synced of the slot file when the power was gone': async (world) => {
    const file = await (await world.acquire()).slots()
    await file.create(bytes('0123'))
    file.writeSync(bytes('AB'), 1)
    await file.sync()
    const left = await world.afterPowerLoss()
    if (left !== undefined) await leaves(left, '0AB3')
  },
}

async function leaves(left: Disk, expected: string): Promise<void> {
  equal(textOf(await left.peek('high-water')), expected, 'what is left of the file')
}
