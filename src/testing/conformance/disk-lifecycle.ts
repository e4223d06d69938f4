/** What storage needs of a disk as a whole: opening, closing, and what is left of a process that ends. */
import { DURABLE } from '../../storage/database-options.js'
import type { Disk } from '../../storage/disk.js'
import { check, equal, failureOf, rejectsWith } from './check.js'
import { bytes, contentOf, writeDurably, type DiskTests, type DiskWorld } from './disk-world.js'

/** Instants at which a process ends that is writing one batch. */
const DEATHS_MAX = 8

export const lifecycleTests: DiskTests = {
  'has what was written when it is opened again, or nothing where it forgets': async (world) => {
    const { permanent } = world.harness.disk()
    let expected: readonly string[] = []
    for (let life = 1; life <= 3; life++) {
      const opened = await world.acquire()
      const log = await opened.open('log')
      const state = await opened.open('state')
      equal(await contentOf(log), expected, `the log in life ${life}`)
      equal(await contentOf(state), expected, `the state in life ${life}`)
      await writeDurably(log, [`k${life}`, bytes(`${life}`)])
      await writeDurably(state, [`k${life}`, bytes(`${life}`)])
      if (permanent) expected = [...expected, `k${life}=${life}`]
      await opened.close()
    }
  },

  'has every durable batch, whole, when the process is gone': async (world) => {
    if (!world.harness.disk().permanent) return
    await survives(world, () => world.afterDeath())
  },

  'has every durable batch, whole, when the power was gone': async (world) => {
    await survives(world, () => world.afterPowerLoss())
  },

  'has a batch that was under way whole, or not at all, when the process is gone': async (world) => {
    if (!world.harness.disk().permanent) return
    const database = await world.database()
    await writeDurably(database, ['a', bytes('1')], ['b', bytes('1')])
    const keys = Array.from({ length: 50 }, (_, at) => `k${at}`)
    let done = false
    const written = writeDurably(database, ['a', bytes('2')], ...keys.map((key) => [key, bytes('2')] as const))
    const told = written.finally(() => (done = true))
    const left = [await world.afterDeath()]
    // A read takes a moment: the process ends at several.
    while (!done && left.length < DEATHS_MAX) {
      await database.getMany(['a'])
      left.push(await world.afterDeath())
    }
    await told
    for (const disk of left) {
      const opened = await world.acquire(disk)
      const found = await contentOf(await opened.open('state'))
      const whole = found.length === 52 && found[0] === 'a=2'
      check(whole || found.join() === 'a=1,b=1', `a part of the batch is there: ${found.join()}`)
      await opened.close()
    }
  },

  'is taken by one at a time': async (world) => {
    const first = await world.acquire()
    const database = await first.open('state')
    const error = await rejectsWith(
      'DATA_DIR_IN_USE',
      () => world.harness.disk().acquire({ create: true }),
      'acquiring',
    )
    check(error.message.length > 0, 'the refusal says nothing')
    await writeDurably(database, ['a', bytes('the first one goes on')])
    await first.close()
    const second = await world.acquire()
    if (second.disk.permanent)
      equal((await contentOf(await second.open('state'))).length, 1, 'records of the first one')
    await second.close()
    await (await world.acquire()).close()
  },

  'does not make what is gone, where it was told not to': async (world) => {
    const disk = world.harness.disk()
    if (!disk.permanent) return
    await (await world.acquire(disk)).close()
    const opened = await world.acquire(world.harness.disk(), false)
    await rejectsWith('DATA_DAMAGED', () => opened.open('log', false), 'opening a database that is not there')
    await opened.close()
  },

  'finds the databases that were made, and not those that were discarded': async (world) => {
    const opened = await world.acquire()
    if (!opened.disk.permanent) return
    equal(await opened.disk.databases(), [], 'databases of an empty disk')
    await writeDurably(await opened.open('log'), ['a', bytes('log')])
    const state = await opened.open('state')
    await writeDurably(state, ['a', bytes('old')], ['b', bytes('old')])
    await writeDurably(await opened.open('state-2'), ['a', bytes('other')])
    equal([...(await opened.disk.databases())].sort(), ['log', 'state', 'state-2'], 'databases that were made')
    await state.close()
    await opened.disk.discardDatabase('state')
    equal([...(await opened.disk.databases())].sort(), ['log', 'state-2'], 'databases after one was discarded')
    await opened.close()
    const again = await world.acquire()
    equal([...(await again.disk.databases())].sort(), ['log', 'state-2'], 'databases when the disk is opened again')
    await rejectsWith('DATA_DAMAGED', () => again.open('state', false), 'opening what was discarded')
    equal(await contentOf(await again.open('state')), [], 'a database in the place of one that was discarded')
    equal(await contentOf(await again.open('state-2')), ['a=other'], 'the one beside it')
    await again.close()
  },

  'discards what is not there without a word': async (world) => {
    const opened = await world.acquire()
    await opened.disk.discardDatabase('state-2')
    const database = await opened.open('state-2')
    equal(await contentOf(database), [], 'a database that was never there')
    await database.close()
    await opened.disk.discardDatabase('state-2')
    await opened.disk.discardDatabase('state-2')
    await opened.close()
  },

  'says where it is, and what it takes': async (world) => {
    const opened = await world.acquire()
    check(opened.disk.location.length > 0, 'the disk does not say where it is')
    const database = await opened.open('state')
    await writeDurably(database, ['a', Buffer.alloc(100_000, 'x')])
    const size = await opened.disk.sizeBytes?.()
    check(size === undefined || size >= 0, `the disk takes ${size} bytes`)
  },

  'closes a database once, and again': async (world) => {
    const opened = await world.acquire()
    const database = await opened.open('state')
    await Promise.all([database.close(), database.close()])
    await database.close()
    await opened.close()
  },

  'finishes what is under way before a close, or refuses it': async (world) => {
    const opened = await world.acquire()
    const database = await opened.open('state')
    const written = failureOf(() => writeDurably(database, ['a', bytes('1')], ['b', bytes('1')]))
    const read = failureOf(() => database.getMany(['a']))
    await opened.close()
    const [writeFailure] = await Promise.all([written, read])
    if (!opened.disk.permanent) return
    const found = await contentOf(await (await world.acquire()).open('state'))
    const expected = writeFailure === undefined ? ['a=1,b=1'] : ['a=1,b=1', '']
    check(expected.includes(found.join()), `after a write that ended with ${String(writeFailure)}: ${found.join()}`)
  },

  'refuses everything after the close': async (world) => {
    const opened = await world.acquire()
    const database = await opened.open('state')
    await writeDurably(database, ['a', bytes('1')])
    const iterator = database.iterator({})
    const batch = database.batch().put('b', bytes('2'))
    await opened.close()
    const refused: Readonly<Record<string, () => unknown>> = {
      'a group of reads': () => database.getMany(['a']),
      'a synchronous read': () => database.getSync('a'),
      'an iterator that was open': () => iterator.nextv(1),
      'a batch that was begun': () => batch.write(DURABLE),
      'a batch': () => writeDurably(database, ['c', bytes('3')]),
    }
    for (const [what, action] of Object.entries(refused)) {
      const { code } = ((await failureOf(action)) ?? {}) as { code?: string }
      check(CLOSED.has(code ?? ''), `${what} after the close ended with ${String(code)}`)
    }
  },
}

/** What storage takes for "closed". */
const CLOSED = new Set(['LEVEL_DATABASE_NOT_OPEN', 'LEVEL_ITERATOR_NOT_OPEN', 'LEVEL_BATCH_NOT_OPEN'])

async function survives(world: DiskWorld, end: () => Promise<Disk | undefined>): Promise<void> {
  const opened = await world.acquire()
  const log = await opened.open('log')
  const state = await opened.open('state')
  const expected: string[] = []
  for (let nth = 10; nth < 40; nth++) {
    await writeDurably(log, [`k${nth}`, bytes('log')], [`k${nth - 1}`, undefined])
    await writeDurably(state, [`k${nth}a`, bytes('1')], [`k${nth}b`, bytes('2')])
    expected.push(`k${nth}a=1`, `k${nth}b=2`)
  }
  const left = await end()
  if (left === undefined) return
  const found = await world.acquire(left, false)
  equal(await contentOf(await found.open('log', false)), ['k39=log'], 'what is left of the log')
  equal(await contentOf(await found.open('state', false)), expected, 'what is left of the state')
  await found.close()
}
