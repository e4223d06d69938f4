/** Snapshots as bytes and as files: nothing but exactly what was written is taken for one. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isStoreError, StoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { Writer } from '../../src/base/codec.js'
import { crc32 } from '../../src/base/checksum.js'
import type { Pair } from '../../src/storage/merged-view.js'
import { SnapshotEncoder } from '../../src/storage/snapshot-encoder.js'
import { readFilePieces, writeSnapshotFile } from '../../src/storage/snapshot-file.js'
import type { SnapshotHeader } from '../../src/storage/snapshot-format.js'
import { readSnapshot } from '../../src/storage/snapshot-reader.js'
import { codeOfAsync } from '../code-of.js'

const HEADER: SnapshotHeader = {
  ...{ clusterId: 1, memberId: 2, name: 'a', createdAtMs: 1_700_000_000_000 },
  ...{ position: { index: 7, term: 2 }, revision: 5, compactRevision: 3 },
  digest: { high: 0x12345678, low: 0x090a0b0c },
}
const RECORDS: readonly Pair[] = ['a', 'b', 'c', 'd'].map((key) => [key, Buffer.from(key.repeat(20))])

/** One record in each block. */
function piecesOf(records: readonly Pair[], blockBytes = 1): Uint8Array[] {
  const encoder = new SnapshotEncoder(HEADER, blockBytes)
  const pieces = [encoder.begin()]
  for (const [key, record] of records) {
    encoder.add(key, record)
    if (encoder.full) pieces.push(encoder.block())
  }
  return [...pieces, encoder.end()]
}

async function* streamOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}

async function read(...pieces: readonly Uint8Array[]) {
  const records: Pair[] = []
  const content = await readSnapshot(streamOf(...pieces), 'x', {
    records: async (more) => {
      records.push(...more)
    },
  })
  return { content, records: records.map(([key, record]) => [key, Buffer.from(record).toString()]) }
}

async function damageOf(...pieces: readonly Uint8Array[]): Promise<string> {
  const error: unknown = await read(...pieces).catch((reason: unknown) => reason)
  if (!isStoreError(error, 'SNAPSHOT_DAMAGED')) throw new Error(`SNAPSHOT_DAMAGED is expected, not ${String(error)}`)
  return error.message
}

describe('a snapshot', () => {
  test('gives back what was put in, in whatever pieces its bytes come', async () => {
    const record = fc.tuple(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 5 }), fc.uint8Array())
    const records = fc.uniqueArray(record, { selector: ([key]) => key, maxLength: 20 })
    const cuts = fc.array(fc.nat({ max: 2000 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(records, fc.integer({ min: 1, max: 100 }), cuts, async (unsorted, blockBytes, at) => {
        const given = [...unsorted].sort(([a], [b]) => (a < b ? -1 : 1))
        const whole = Buffer.concat(piecesOf(given, blockBytes))
        const ends = [...at.filter((cut) => cut < whole.byteLength).sort((a, b) => a - b), whole.byteLength]
        const pieces = ends.map((end, nth) => whole.subarray(ends[nth - 1] ?? 0, end))
        const { content, records: found } = await read(...pieces)
        expect(found).toEqual(given.map(([key, bytes]) => [key, Buffer.from(bytes).toString()]))
        expect(content.header).toEqual(HEADER)
        expect([content.bytes, content.records]).toEqual([whole.byteLength, given.length])
      }),
    )
  })

  test('with any one bit flipped is recognised, and where', async () => {
    const whole = Buffer.concat(piecesOf(RECORDS.slice(0, 2)))
    for (let bit = 0; bit < whole.byteLength * 8; bit++) {
      const flipped = Buffer.from(whole)
      flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7))
      expect([bit, await damageOf(flipped)]).toEqual([bit, expect.stringMatching(/block \d at byte \d+|begin|first/)])
    }
  })

  test('is whole with the SHA-256 behind it with which clients of etcd save it, and none but that', async () => {
    const whole = Buffer.concat(piecesOf(RECORDS.slice(0, 2)))
    const padded = Buffer.concat([whole], Math.ceil(whole.byteLength / 512) * 512)
    const sealed = Buffer.concat([padded, createHash('sha256').update(padded).digest()])
    expect(sealed.byteLength % 512).toBe(32)
    const plain = await read(whole)
    for (const saved of [padded, sealed]) {
      const { content, records } = await read(saved)
      expect([content.bytes, content.hash, records]).toEqual([saved.byteLength, plain.content.hash, plain.records])
    }
    for (let bit = whole.byteLength * 8; bit < sealed.byteLength * 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await damageOf(flipped)).toMatch(/behind its end|SHA-256 behind it/)
    }
    for (let length = whole.byteLength + 1; length < sealed.byteLength; length++) {
      if (length !== padded.byteLength) expect(await damageOf(sealed.subarray(0, length))).toContain('behind its end')
    }
    expect(await damageOf(sealed, Buffer.alloc(1))).toContain('behind its end')
  })

  test('cut anywhere is recognised, and so are bytes behind its end', async () => {
    const whole = Buffer.concat(piecesOf(RECORDS))
    for (let length = 0; length < whole.byteLength; length++) {
      expect(await damageOf(whole.subarray(0, length))).toMatch(/ends|cut short|begin/)
    }
    expect(await damageOf(whole, Buffer.from('x'))).toContain(`bytes behind its end at byte ${whole.byteLength}`)
    expect(await damageOf(whole, whole)).toContain('bytes behind its end')
  })

  test('with a block missing, repeated or in another place is recognised', async () => {
    const [begin, a, b, c, d, end] = piecesOf(RECORDS) as [
      ...[Uint8Array, Uint8Array, Uint8Array],
      ...[Uint8Array, Uint8Array, Uint8Array],
    ]
    expect(await damageOf(begin, a, c, d, end)).toContain('block 2 at byte')
    expect(await damageOf(begin, a, b, c, end)).toContain('it has number 5, so that blocks are missing')
    expect(await damageOf(begin, a, a, b, c, d, end)).toContain('it has number 1')
    expect(await damageOf(begin, b, a, c, d, end)).toContain('it has number 2')
    expect(await damageOf(a, b, c, d, end)).toContain('does not begin')
    const other = piecesOf(RECORDS.map(([key, record]) => [key, Buffer.from(record).reverse().fill('y')]))
    expect(await damageOf(begin, a, other[2] as Uint8Array, c, d, end)).toContain(
      'the hash of the whole is another one',
    )
  })

  test('of a later format is refused as such', async () => {
    const preamble = new Writer().raw(Buffer.from('QUOSNAP\0')).uint32(2)
    const [begin = new Uint8Array(), ...rest] = piecesOf(RECORDS)
    const later = preamble.uint32(crc32(preamble.written())).finish()
    expect(await codeOfAsync(() => read(later, begin.subarray(16), ...rest))).toBe('FORMAT_TOO_NEW')
  })

  test('cannot make its reader allocate what it announces', async () => {
    const frame = new Writer()
      .uint8(2)
      .uint32(1)
      .uint32(LIMITS.snapshotBlockBytesMax + 1)
    const announced = frame.uint32(crc32(frame.written())).finish()
    expect(await damageOf(piecesOf([])[0] as Uint8Array, announced)).toContain('announces')
  })

  test('is closed by its reader where it turns out to be damaged', async () => {
    let closed = false
    async function* source() {
      try {
        for (;;) yield Buffer.from('no snapshot, without an end')
      } finally {
        closed = true
      }
    }
    expect(await codeOfAsync(() => readSnapshot(source(), 'x'))).toBe('SNAPSHOT_DAMAGED')
    expect(closed).toBe(true)
  })
})

describe('a file of a snapshot', () => {
  let folder: string
  let files = 0
  const fresh = (): string => join(folder, `${++files}.snapshot`)
  const options = { overwrite: false, suffix: '1' }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quorate-snapshot-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is for its owner alone, whole, and alone', async () => {
    const path = fresh()
    const content = await writeSnapshotFile(path, streamOf(...piecesOf(RECORDS)), options)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readSnapshot(readFilePieces(path), path)).toEqual(content)
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('replaces another one only where that was asked for', async () => {
    const path = fresh()
    await writeFile(path, 'mine')
    expect(await codeOfAsync(() => writeSnapshotFile(path, streamOf(...piecesOf(RECORDS)), options))).toBe(
      'ALREADY_EXISTS',
    )
    expect(await readFile(path, 'utf8')).toBe('mine')
    await writeSnapshotFile(path, streamOf(...piecesOf(RECORDS)), { ...options, overwrite: true })
    expect((await readSnapshot(readFilePieces(path), path)).records).toBe(RECORDS.length)
  })

  test('never replaces what is no regular file: a link, a socket, a folder', async () => {
    const [link, socket, directory] = [fresh(), fresh(), fresh()]
    await symlink(fresh(), link)
    const server = createServer().listen(socket)
    await once(server, 'listening')
    await mkdir(directory)
    for (const path of [link, socket, directory]) {
      const { ino } = await lstat(path)
      const writing = writeSnapshotFile(path, streamOf(...piecesOf(RECORDS)), { ...options, overwrite: true })
      await expect(writing).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
      await expect(writing).rejects.toThrow(/no regular file/)
      expect((await lstat(path)).ino).toBe(ino)
    }
    server.close()
  })

  test('does not replace one that came there while it was written', async () => {
    const path = fresh()
    async function* source() {
      await writeFile(path, 'theirs')
      yield* piecesOf(RECORDS)
    }
    expect(await codeOfAsync(() => writeSnapshotFile(path, source(), options))).toBe('ALREADY_EXISTS')
    expect(await readFile(path, 'utf8')).toBe('theirs')
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('has no name while it is written, which is all that a crash would leave', async () => {
    const path = fresh()
    const [begin = new Uint8Array(), ...rest] = piecesOf(RECORDS)
    let during: string[] = []
    async function* source() {
      yield begin
      during = (await readdir(folder)).filter((name) => path.includes(name.slice(0, 8)))
      yield* rest
    }
    await writeSnapshotFile(path, source(), options)
    expect(during).toEqual([`${files}.snapshot.1.part`])
  })

  test.each([
    ['fails', 'CLOSED', piecesOf(RECORDS).slice(0, 1), new StoreError('CLOSED', 'the store is closed')],
    ['is cut', 'SNAPSHOT_DAMAGED', piecesOf(RECORDS).slice(0, 3), undefined],
  ] as const)('is not there when what it is written from %s', async (_how, code, pieces, failure) => {
    const path = fresh()
    async function* source() {
      yield* pieces
      if (failure !== undefined) throw failure
    }
    expect(await codeOfAsync(() => writeSnapshotFile(path, source(), options))).toBe(code)
    expect((await readdir(folder)).filter((name) => name.startsWith(`${files}.`))).toEqual([])
  })

  test('that cannot be read or written is named', async () => {
    const missing = join(folder, 'missing', 'x')
    await expect(readSnapshot(readFilePieces(missing), missing)).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await expect(writeSnapshotFile(missing, streamOf(...piecesOf([])), options)).rejects.toThrow(missing)
  })
})
