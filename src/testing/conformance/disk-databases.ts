/** What storage needs of a database while it is open: batches, reads, ranges. */
import { DURABLE } from '../../storage/database-options.js'
import { check, equal } from './check.js'
import { bytes, contentOf, describeKey, textOf, writeDurably, type DiskTests } from './disk-world.js'

/** As a record of the state may be: a value of the largest request. */
const LARGE_BYTES = 2 * 1024 * 1024
/** Each byte alone, and what sorts around it. */
const EDGES = [
  '\0',
  '\0\0',
  '\0\xff',
  'a',
  'a\0',
  'a\0\xff',
  'a\x7f',
  'a\x80',
  'a\xff',
  'a\xff\xff',
  'b',
  '\x7f',
  '\x80',
]

export const databaseTests: DiskTests = {
  'reads nothing where nothing was written': async (world) => {
    const database = await world.database()
    equal(await database.getMany(['a', 'b']), [undefined, undefined], 'records of an empty database')
    equal(await database.get('a'), undefined, 'a record of an empty database')
    equal(database.getSync('a'), undefined, 'a record read synchronously from an empty database')
    equal(await contentOf(database), [], 'content of an empty database')
    equal(await database.keys({ limit: 1 }).all(), [], 'keys of an empty database')
  },

  'reads what was written, in every way there is to read': async (world) => {
    const database = await world.database()
    await writeDurably(database, ['a', bytes('1')], ['b', bytes('2')], ['a', bytes('3')])
    equal((await database.getMany(['b', 'x', 'a'])).map(textOf), ['2', undefined, '3'], 'several records')
    equal(textOf(await database.get('a')), '3', 'one record')
    equal(textOf(database.getSync('a')), '3', 'one record, read synchronously')
    equal(await contentOf(database), ['a=3', 'b=2'], 'content')
    equal(await database.keys({ limit: 1 }).all(), ['a'], 'the first key')
  },

  'sees a write in the moment in which it is told': async (world) => {
    const database = await world.database()
    for (let nth = 0; nth < 20; nth++) {
      await writeDurably(database, ['key', bytes(`${nth}`)])
      equal(textOf(database.getSync('key')), `${nth}`, 'the record that was just written')
      const [found] = await database.getMany(['key'])
      equal(textOf(found), `${nth}`, 'the same, asked for in a group')
    }
  },

  'writes a batch whole': async (world) => {
    const database = await world.database()
    await writeDurably(database, ['a', bytes('1')], ['b', bytes('1')], ['c', bytes('1')])
    let done = false
    const written = writeDurably(database, ['a', bytes('2')], ['b', undefined], ['c', bytes('2')], ['d', bytes('2')])
    const told = written.finally(() => (done = true))
    // Before, in the middle and after: whatever a view sees of the batch, it sees all of it.
    const views = [contentOf(database), contentOf(database, {}, 1)]
    while (!done) {
      views.push(contentOf(database))
      await database.getMany(['a'])
    }
    await told
    const [before, after] = ['a=1,b=1,c=1', 'a=2,c=2,d=2']
    for (const view of await Promise.all(views)) {
      check([before, after].includes(view.join()), `a view shows half a batch: ${view.join()}`)
    }
    equal((await contentOf(database)).join(), after, 'content after the batch')
  },

  'takes the changes of a batch in their order': async (world) => {
    const database = await world.database()
    await writeDurably(database, ['a', bytes('1')], ['a', undefined], ['b', undefined], ['b', bytes('2')])
    await database.batch(
      [
        { type: 'del', key: 'c' },
        { type: 'put', key: 'c', value: bytes('3') },
        { type: 'put', key: 'd', value: bytes('4') },
        { type: 'del', key: 'd' },
      ],
      DURABLE,
    )
    equal(await contentOf(database), ['b=2', 'c=3'], 'content')
  },

  'shows nothing of a batch that is gathered, or given up': async (world) => {
    const database = await world.database()
    const batch = database.batch().put('a', bytes('1'))
    equal(database.getSync('a'), undefined, 'a record of a batch that is not written')
    equal(await contentOf(database), [], 'content beside a batch that is not written')
    await batch.close()
    equal(await contentOf(database), [], 'content after a batch that was given up')
  },

  'deletes what is there, and what is not': async (world) => {
    const database = await world.database()
    await writeDurably(database, ['a', bytes('1')])
    await writeDurably(database, ['a', undefined], ['b', undefined])
    equal(database.getSync('a'), undefined, 'a deleted record')
    equal(await contentOf(database), [], 'content')
  },

  'gives every byte back, in keys and in values': async (world) => {
    const database = await world.database()
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const keys = Array.from(all, (byte) => String.fromCharCode(byte))
    await writeDurably(database, ...keys.map((key, byte) => [key, all.subarray(0, byte)] as const))
    const found = await database.getMany(keys)
    keys.forEach((key, byte) => {
      equal(textOf(found[byte]), textOf(all.subarray(0, byte)), `the value under ${describeKey(key)}`)
      equal(textOf(database.getSync(key)), textOf(all.subarray(0, byte)), `the same, read synchronously`)
      check(found[byte] instanceof Uint8Array, `the value under ${describeKey(key)} is no Uint8Array`)
    })
    const listed = await database.keys().all()
    equal(listed.map(describeKey), keys.map(describeKey), 'keys of one byte, in order')
  },

  'keeps keys in the order of their bytes': async (world) => {
    const database = await world.database()
    await writeDurably(database, ...[...EDGES].reverse().map((key) => [key, bytes('x')] as const))
    const ordered = EDGES.toSorted((left, right) => Buffer.compare(bytes(left), bytes(right)))
    equal((await database.keys().all()).map(describeKey), ordered.map(describeKey), 'keys')
    for (const start of EDGES) {
      for (const end of EDGES) {
        const expected = ordered.filter((key) => key >= start && key < end)
        const found = await database.keys({ gte: start, lt: end }).all()
        equal(found.map(describeKey), expected.map(describeKey), `from ${describeKey(start)} to ${describeKey(end)}`)
      }
    }
  },

  'keeps to the bounds and the limit of a range': async (world) => {
    const database = await world.database()
    await writeDurably(database, ...[...'abcdefghij'].map((key) => [key, bytes(key)] as const))
    equal((await contentOf(database, { gte: 'c', lt: 'f' })).join(), 'c=c,d=d,e=e', 'from c to before f')
    equal((await contentOf(database, { lt: 'c' })).join(), 'a=a,b=b', 'to before c')
    equal((await contentOf(database, { gte: 'h' })).join(), 'h=h,i=i,j=j', 'from h on')
    equal((await contentOf(database, { gte: 'ca', lt: 'cz' })).join(), '', 'a range between two keys')
    equal((await contentOf(database, { gte: 'x' })).join(), '', 'a range behind the last key')
    equal((await database.keys({ limit: 3 }).all()).join(), 'a,b,c', 'the first three keys')
    equal((await database.keys({ gte: 'c', limit: 1 }).all()).join(), 'c', 'the first key from c on')
  },

  'reads on where it left off, however much is asked for at a time': async (world) => {
    const database = await world.database()
    const keys = Array.from({ length: 100 }, (_, at) => `k${String(at).padStart(3, '0')}`)
    await writeDurably(database, ...keys.map((key) => [key, bytes('x')] as const))
    for (const chunk of [1, 7, 100, 1000]) {
      equal((await contentOf(database, {}, chunk)).length, 100, `records read ${chunk} at a time`)
    }
  },

  'stays at its moment while others write': async (world) => {
    const database = await world.database()
    await writeDurably(database, ...[...'abcdefgh'].map((key) => [key, bytes('old')] as const))
    const iterator = database.iterator({})
    const many = database.getMany(['a', 'z'])
    const changes = [...'bdfh'].map((key) => [key, undefined] as const)
    await writeDurably(database, ...changes, ['a', bytes('new')], ['e', bytes('new')], ['ee', bytes('new')])
    const found = await iterator.nextv(3)
    await writeDurably(database, ['g', bytes('newer')], ['h', bytes('newer')], ['z', bytes('new')])
    for (let pairs = found; pairs.length > 0; found.push(...pairs)) pairs = await iterator.nextv(3)
    await iterator.close()
    const expected = [...'abcdefgh'].map((key) => `${key}=old`)
    equal(
      found.map(([key, value]) => `${key}=${String(textOf(value))}`),
      expected,
      'what an iterator shows that was made before the changes',
    )
    const [a] = await many
    check(['old', 'new'].includes(String(textOf(a))), `a read beside a write gave ${String(textOf(a))}`)
    equal((await contentOf(database)).join(), 'a=new,c=old,e=new,ee=new,g=newer,h=newer,z=new', 'content afterwards')
  },

  'gives a large value back, and many': async (world) => {
    const database = await world.database()
    const large = Buffer.alloc(LARGE_BYTES, 'large value ')
    await writeDurably(database, ['large', large], ['larger', Buffer.concat([large, large])])
    check(large.equals(database.getSync('large') ?? new Uint8Array()), 'a value of 2 MiB came back changed')
    const [found] = await database.getMany(['larger'])
    equal(found?.byteLength, 2 * LARGE_BYTES, 'bytes of a value of 4 MiB')
    const keys = Array.from({ length: 3000 }, (_, at) => `m${String(at).padStart(4, '0')}`)
    await writeDurably(database, ...keys.map((key) => [key, bytes(key)] as const))
    const many = await database.getMany(keys)
    equal(many.map(textOf), keys, 'three thousand values of one batch')
  },

  'keeps its databases apart': async (world) => {
    const opened = await world.acquire()
    const log = await opened.open('log')
    const state = await opened.open('state')
    await Promise.all([
      writeDurably(log, ['a', bytes('log')], ['b', bytes('log')]),
      writeDurably(state, ['a', bytes('state')]),
    ])
    await writeDurably(log, ['b', undefined])
    equal(await contentOf(log), ['a=log'], 'content of the log')
    equal(await contentOf(state), ['a=state'], 'content of the state')
  },
}
