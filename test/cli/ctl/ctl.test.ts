/** Commands that ask a cluster, on a served member in memory: what they print, and what they end with. */
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve, type Served } from '../../etcd/served.js'
import { quorateWith, type Ran, type RunOptions } from '../command-line.js'

let served: Served
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-ctl-'))
  served = await serve({}, { name: 'a' })
})

afterAll(async () => {
  await served.close()
  rmSync(folder, { recursive: true, force: true })
})

function ctl(...words: readonly string[]): Promise<Ran> {
  return ctlWith({}, ...words)
}

function ctlWith(options: RunOptions, ...words: readonly string[]): Promise<Ran> {
  return quorateWith({ ...options, variables: { ETCDCTL_ENDPOINTS: served.target, ...options.variables } }, ...words)
}

function done(out: string): Ran {
  return { code: 0, out, err: '' }
}

describe('keys', () => {
  test('are written, read and deleted', async () => {
    expect(await ctl('put', 'k/1', 'one')).toEqual(done('OK\n'))
    expect(await ctlWith({ input: 'line\n' }, 'put', 'k/2')).toEqual(done('OK\n'))
    expect(await ctl('get', 'k/', '--prefix')).toEqual(done('k/1\none\nk/2\nline\n\n'))
    expect(await ctl('get', '--print-value-only', 'k/1')).toEqual(done('one\n'))
    expect(await ctl('get', 'k/1', '--hex')).toEqual(done('\\x6b\\x2f\\x31\n\\x6f\\x6e\\x65\n'))
    expect((await ctl('get', 'k/1', '-w', 'json')).out).toMatch(
      /^\{"header":\{"cluster_id":\d+,"member_id":\d+,"revision":\d+,"raft_term":\d+\},"kvs":\[\{"key":"ay8x","create_revision":\d+,"mod_revision":\d+,"version":1,"value":"b25l"\}\],"count":1\}\n$/,
    )
    expect((await ctl('get', 'k/1', '-wfields')).out).toMatch(/"Key" : "k\/1"\n.*"More" : false\n"Count" : 1\n$/s)
    expect(await ctl('del', 'k/', '--prefix', '--prev-kv')).toEqual(done('2\nk/1\none\nk/2\nline\n\n'))
    expect(await ctl('get', 'k/1')).toEqual(done(''))
  })

  test('may begin with a dash behind --', async () => {
    expect(await ctl('put', '--', '-k', '--v')).toEqual(done('OK\n'))
    expect(await ctl('del', '--prev-kv', '--', '-k')).toEqual(done('1\n-k\n--v\n'))
  })

  test('flags of all commands may stand before the name of the command', async () => {
    expect(await quorateWith({}, '--endpoints', served.target, '-w', 'simple', 'del', 'none')).toEqual(done('0\n'))
    expect((await quorateWith({}, `--endpoints=${served.target}`, 'member', '-w=json', 'list')).out).toMatch(
      /^\{"header"/,
    )
  })

  test('what makes no sense ends as etcdctl does', async () => {
    const failed = (code: number, text: string) => ({ code, out: '', err: `Error: ${text}\n` })
    expect(await ctl('put')).toEqual(failed(128, 'put command needs 1 argument and input from stdin or 2 arguments'))
    expect(await ctl('put', 'x')).toMatchObject({ code: 128 })
    expect(await ctl('put', '', 'x')).toEqual(failed(1, 'etcdserver: key is not provided'))
    expect(await ctl('put', 'x', 'y', '--lease=77')).toEqual(failed(1, 'etcdserver: requested lease not found'))
    expect(await ctl('put', 'x', '--ignore-value')).toEqual(failed(1, 'etcdserver: key not found'))
    expect(await ctl('get', 'x', '--rev=100000')).toEqual(
      failed(1, 'etcdserver: mvcc: required revision is a future revision'),
    )
    expect(await ctl('get', 'x', '-w', 'nothing')).toEqual(failed(4, 'unsupported output format'))
    expect(await ctl('get', 'x', '-w', 'table')).toEqual(failed(4, 'table not supported as output format'))
    expect(await ctl('get', 'x', '--order=SIDEWAYS')).toEqual(failed(4, 'bad sort order SIDEWAYS'))
    expect(await ctl('get', 'x', '--limit=many')).toMatchObject({
      code: 1,
      err: /"--limit" flag: it is a whole number/,
    })
    expect(await ctl('get', 'x', '--no-such')).toEqual(failed(1, 'unknown flag: --no-such'))
    expect(await ctl('compaction', 'now')).toEqual(failed(1, 'strconv.ParseInt: parsing "now": invalid syntax'))
  })
})

describe('a transaction', () => {
  test('compares, and does one thing or the other', async () => {
    await ctl('put', 't', '1')
    const lines = 'value("t") = "1"\nlease("t") = "0"\n\nput t "two words"\nget t\n\nget t\n\n'
    expect(await ctlWith({ input: lines }, 'txn')).toEqual(done('SUCCESS\n\nOK\n\nt\ntwo words\n'))
    expect(await ctlWith({ input: lines }, 'txn')).toEqual(done('FAILURE\n\nt\ntwo words\n'))
    expect((await ctlWith({ input: '\n\n\n' }, 'txn', '-i')).out).toBe(
      'compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):\nSUCCESS\n',
    )
  })

  test.each([
    ['nonsense\n\n\n\n', /malformed comparison: nonsense/],
    ['\nfetch t\n\n\n', /invalid txn request: fetch t/],
    ['\nput t 1 --loose\n\n\n', /invalid txn request: unknown flag: --loose/],
    ['\nput t 1\n', /EOF: each of the three lists/],
  ])('that is %j ends with 3, and nothing is done', async (input, why) => {
    const { code, out, err } = await ctlWith({ input }, 'txn')
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(why)
  })
})

describe('a watch', () => {
  async function until(pattern: RegExp, options: RunOptions, ...words: readonly string[]): Promise<Ran> {
    const interrupting = new AbortController()
    const heard = (out: string): void => {
      if (pattern.test(out)) interrupting.abort()
    }
    return ctlWith({ ...options, heard, signal: interrupting.signal }, 'watch', ...words)
  }

  test('prints what happened since a revision', async () => {
    const from = `--rev=${served.store.status().revision + 1}`
    await ctl('put', 'w/1', 'one')
    await ctl('put', 'w/1', 'two')
    await ctl('del', 'w/1')
    expect((await until(/DELETE/, {}, 'w/', '--prefix', from)).out).toBe(
      'PUT\nw/1\none\nPUT\nw/1\ntwo\nDELETE\nw/1\n\n',
    )
    expect((await until(/"Events"/, {}, 'w/1', '-w', 'json', '--prev-kv', from)).out).toMatch(
      /^\{"Header":\{.*\},"Events":\[\{"kv".*"type":1.*\],"CompactRevision":0,"Canceled":false,"Created":false\}\n$/,
    )
    const variables = { ETCDCTL_WATCH_KEY: 'w/0', ETCDCTL_WATCH_RANGE_END: 'w/2' }
    expect((await until(/DELETE/, { variables }, '-w', 'fields', from)).out).toMatch(/"Type" : PUT\n"Key" : "w\/1"/)
  })

  test('runs a program for each event', async () => {
    const from = `--rev=${served.store.status().revision + 1}`
    await ctl('put', 'run', 'a "word"')
    const file = join(folder, 'seen')
    const script = `echo "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE" > ${file}; exit 3`
    const variables = { PATH: process.env['PATH'] ?? '' }
    const { code, err } = await ctlWith({ variables }, 'watch', 'run', from, '--', 'sh', '-c', script)
    expect(readFileSync(file, 'utf8')).toBe('"PUT" "run" "a \\"word\\""\n')
    expect(code).toBe(1)
    expect(err).toMatch(/^command \["sh".*\] error \(exit status 3\)\n$/)
  })

  test('takes several from its input', async () => {
    const from = `--rev=${served.store.status().revision + 1}`
    await ctl('put', 'i/1', 'one')
    const input = `watch i/ --prefix ${from}\nlisten\nwatch a b --prefix\n`
    const { code, out, err } = await ctlWith({ input }, 'watch', '-i')
    // The input ends, and with it the command.
    expect(code).toBe(3)
    expect(err).toMatch(/Invalid command: listen .*\nInvalid command: watch a b --prefix .*\nError: .*EOF\n/s)
    expect(out).toMatch(/^(PUT\ni\/1\none\n)?$/)
  })

  test('that the server cancels ends with 5', async () => {
    await ctl('put', 'x', 'y')
    const { revision } = served.store.status()
    await ctl('compaction', String(revision))
    expect(await ctl('watch', 'x', '--rev=1')).toEqual({
      code: 5,
      out: '',
      err:
        'watch was canceled (etcdserver: mvcc: required revision has been compacted)\n' +
        'Error: watch is canceled by the server\n',
    })
    expect(await ctl('watch')).toMatchObject({ code: 128, err: 'Error: bad number of arguments\n' })
  })
})

describe('a lease', () => {
  test('is granted, told, renewed and revoked', async () => {
    const [, id = ''] =
      /^lease ([0-9a-f]{16}) granted with TTL\(1000s\)\n$/.exec((await ctl('lease', 'grant', '1000')).out) ?? []
    await ctl('put', 'leased', 'v', `--lease=${id}`)
    expect((await ctl('lease', 'timetolive', id, '--keys')).out).toMatch(
      /^lease \w{16} granted with TTL\(1000s\), remaining\(\d+s\), attached keys\(\[leased\]\)\n$/,
    )
    expect(await ctl('lease', 'list')).toEqual(done(`found 1 leases\n${id}\n`))
    expect(await ctl('lease', 'keep-alive', id, '--once')).toEqual(done(`lease ${id} keepalived with TTL(1000)\n`))
    expect(await ctl('lease', 'revoke', id)).toEqual(done(`lease ${id} revoked\n`))
    expect(await ctl('lease', 'timetolive', id)).toEqual(done(`lease ${id} already expired\n`))
    expect((await ctl('lease', 'timetolive', id, '-w', 'json')).out).toMatch(
      /"ttl":-1,"granted-ttl":0,"keys":null\}\n$/,
    )
    expect(await ctl('lease', 'keep-alive', id)).toEqual(done(`lease ${id} expired or revoked.\n`))
    expect(await ctl('lease', 'revoke', id)).toEqual({
      ...{ code: 1, out: '', err: 'Error: failed to revoke lease (etcdserver: requested lease not found)\n' },
    })
    expect(await ctl('lease', 'revoke', 'xyz')).toMatchObject({
      code: 128,
      err: /bad lease ID arg .* expecting ID in Hex/,
    })
  })
})

describe('a lock', () => {
  const variables = { PATH: process.env['PATH'] ?? '' }

  test('is held until a signal comes, and then free', async () => {
    const interrupting = new AbortController()
    const heard = (out: string): void => {
      if (/mutex\/[0-9a-f]+\n\n$/.test(out)) interrupting.abort()
    }
    const { code } = await ctlWith({ heard, signal: interrupting.signal }, 'lock', 'mutex')
    expect(code).toBe(0)
    expect(await ctl('get', 'mutex', '--prefix')).toEqual(done(''))
    expect(await ctl('lease', 'list')).toEqual(done('found 0 leases\n'))
  })

  test('is held while a program runs, and ends with its exit code', async () => {
    const file = join(folder, 'locked')
    const script = `echo "$ETCD_LOCK_KEY $ETCD_LOCK_REV" > ${file}; exit 3`
    expect(await ctlWith({ variables }, 'lock', 'mutex', '--', 'sh', '-c', script)).toEqual({
      ...{ code: 3, out: '', err: 'Error: exit status 3\n' },
    })
    expect(readFileSync(file, 'utf8')).toMatch(/^mutex\/[0-9a-f]+ \d+\n$/)
    expect(await ctlWith({ variables }, 'lock', 'mutex', 'no-such-program')).toMatchObject({ code: 1, err: /ENOENT/ })
  })

  test('an office is held until a signal comes, and others are told by whom', async () => {
    const [standing, listening] = [new AbortController(), new AbortController()]
    const led = /office\/[0-9a-f]+\nmine\n/
    const told = new Set<string>()
    const hears = (who: string) => (text: string) => {
      if (led.test(text)) told.add(who)
      if (told.size === 2) standing.abort()
    }
    const listener = ctlWith({ signal: listening.signal, heard: hears('listener') }, 'elect', 'office', '-l')
    const leader = { signal: standing.signal, heard: hears('leader') }
    const { code, out } = await ctlWith(leader, 'elect', 'office', 'mine')
    expect(out).toMatch(led)
    expect(code).toBe(0)
    listening.abort()
    expect(await listener).toMatchObject({ code: 0, err: '' })
    expect(await ctl('elect', 'office')).toMatchObject({
      code: 128,
      err: 'Error: no proposal argument but -l not set\n',
    })
  })
})

describe('members', () => {
  test('are listed in each format', async () => {
    const { out } = await ctl('member', 'list')
    expect(out).toMatch(/^[0-9a-f]+, started, a, .*, http:\/\/127\.0\.0\.1:\d+, false\n$/)
    expect((await ctl('member', 'list', '-w', 'table')).out).toMatch(/^\+-.*\n\| +ID +\| STATUS {2}\| NAME \|/)
    expect((await ctl('member', 'list', '-w', 'fields')).out).toMatch(/"Name" : "a"\n.*"IsLearner" : false\n\n$/s)
    expect(await ctl('member', 'remove', 'xyz')).toMatchObject({ code: 128, err: /bad member ID arg/ })
    expect(await ctl('member', 'remove', '123')).toMatchObject({
      code: 1,
      err: 'Error: etcdserver: member not found\n',
    })
    expect(await ctl('member', 'add', 'b')).toMatchObject({ code: 128, err: 'Error: member peer urls not provided\n' })
    expect(await ctl('member', 'add', 'b', '--peer-urls=nonsense')).toMatchObject({
      ...{ code: 1, err: 'Error: URL scheme must be http, https, unix, or unixs: nonsense\n' },
    })
  })

  test('are asked each by itself', async () => {
    expect((await ctl('endpoint', 'health')).out).toMatch(
      /^127\.0\.0\.1:\d+ is healthy: successfully committed proposal: took = [\d.]+(ms|s|µs)\n$/,
    )
    expect((await ctl('endpoint', 'status', '--cluster', '-w', 'json')).out).toMatch(
      /^\[\{"Endpoint":"http:\/\/127.*","Status":\{"header":\{.*"version":"3\.6\.\d+","dbSize":\d+/,
    )
    const { out } = await ctl('endpoint', 'status')
    expect(out.split(', ')).toHaveLength(16)
    expect((await ctl('endpoint', 'hashkv', '-w', 'json')).out).toMatch(/"HashKV":\{.*"hash":\d+/)
    expect(await ctl('endpoint', 'hashkv', '--rev=100000')).toMatchObject({
      ...{
        code: 1,
        err: /Failed to get the hash of endpoint .*\nError: etcdserver: mvcc: required revision is a future/,
      },
    })
    expect(await ctl('move-leader', 'nobody')).toMatchObject({ code: 128 })
    expect((await ctl('defrag')).out).toMatch(/^Finished defragmenting etcd member\[127.*\]\. took .*\n$/)
    expect(await ctl('alarm', 'list')).toEqual(done(''))
    expect(await ctl('alarm', 'disarm')).toEqual(done(''))
  })

  test('a snapshot is saved over the network, and verified', async () => {
    const file = join(folder, 'saved.db')
    expect((await ctl('snapshot', 'save', file)).out).toMatch(/^Snapshot saved at .*\nServer version 3\.6\.\d+\n$/)
    expect((await quorateWith({}, 'snapshot', 'status', file)).code).toBe(0)
    const two = [`--endpoints=${served.target},${served.target}`, 'snapshot', 'save', join(folder, 'none')]
    expect(await ctl(...two)).toMatchObject({ code: 5, err: /must be requested to one selected node, not multiple/ })
    expect(existsSync(join(folder, 'none'))).toBe(false)
    expect(await ctl('snapshot', 'save')).toMatchObject({
      code: 128,
      err: 'Error: snapshot save expects one argument\n',
    })
    const { out } = await ctl('snapshot', 'save', '--help')
    expect(out).toMatch(/--data-dir, of a member that does not run.*of the member at --endpoints/s)
  })

  test('a server that is not there is told by name, with what to look at', async () => {
    const nobody = ['--endpoints=127.0.0.1:1', '--command-timeout=300ms', '--dial-timeout=300ms']
    for (const words of [
      ['get', 'x'],
      ['watch', 'x'],
      ['lock', 'x'],
    ]) {
      const { code, err } = await ctl(...words, ...nobody)
      expect(code).toBe(1)
      expect(err).toMatch(/^Error: context deadline exceeded\..*127\.0\.0\.1:1: .*ECONNREFUSED.*--endpoints/)
    }
    expect(await ctl('endpoint', 'health', ...nobody)).toMatchObject({
      ...{ code: 1, err: /127\.0\.0\.1:1 is unhealthy: failed to commit proposal: .*\nError: unhealthy cluster\n/ },
    })
    const secure = await ctl('get', 'x', `--endpoints=https://${served.target}`, '--command-timeout=500ms')
    expect(secure.code).toBe(1)
    expect(secure.err).toMatch(/TLS or neither does/)
    expect((await quorateWith({}, 'version')).out).toMatch(/^quorate version: 1\.2\.3\nAPI version: 3\.6\n$/)
  })
})

describe('a mirror', () => {
  test('copies what is there, and what happens then', async () => {
    const other = await serve()
    try {
      await ctl('put', 'm/1', 'one')
      await ctl('put', 'm/2', 'two')
      const interrupting = new AbortController()
      const copied = other.store.watch({ prefix: 'copy/' })
      const mirroring = ctlWith(
        { signal: interrupting.signal },
        ...['make-mirror', other.target, '--prefix=m/', '--dest-prefix=copy/'],
      )
      const seen: string[] = []
      const follow = async (): Promise<void> => {
        for await (const event of copied) {
          seen.push(`${event.type} ${event.key}`)
          if (seen.length === 2) await ctl('del', 'm/1')
          if (seen.length === 3) return
        }
      }
      await follow()
      interrupting.abort()
      await mirroring
      expect(seen).toEqual(['put copy/1', 'put copy/2', 'delete copy/1'])
    } finally {
      await other.close()
    }
  })
})

describe('users and roles', () => {
  test('are made, told and enforced', async () => {
    expect(await ctl('auth', 'enable')).toMatchObject({ code: 1, err: 'Error: etcdserver: root user does not exist\n' })
    expect(await ctl('user', 'add', 'root:secret')).toEqual(done('User root created\n'))
    expect(await ctlWith({ input: 'pass\npass\n' }, 'user', 'add', 'ann')).toEqual(done('User ann created\n'))
    expect(await ctlWith({ input: 'one\ntwo\n' }, 'user', 'add', 'bob')).toMatchObject({
      ...{ code: 128, err: 'Error: given passwords are different\n' },
    })
    expect(await ctlWith({ input: '\n' }, 'user', 'add', 'bob')).toMatchObject({
      code: 128,
      err: 'Error: empty password\n',
    })
    expect(await ctl('role', 'add', 'reader')).toEqual(done('Role reader created\n'))
    for (const words of [
      ['read', 'pub/', '--prefix'],
      ['readwrite', 'one'],
      ['write', 'x', '--from-key'],
      ['write', 'a', 'c'],
    ]) {
      expect(await ctl('role', 'grant-permission', 'reader', ...words)).toEqual(done('Role reader updated\n'))
    }
    expect(await ctl('role', 'grant-permission', 'reader', 'execute', 'c')).toMatchObject({
      ...{ code: 128, err: 'Error: invalid permission type: execute\n' },
    })
    const role =
      'Role reader\nKV Read:\n\tone\n\t[pub/, pub0) (prefix pub/)\nKV Write:\n\t[a, c)\n\tone\n\t[x, <open ended>\n'
    expect(await ctl('role', 'get', 'reader')).toEqual(done(role))
    expect(await ctl('role', 'revoke-permission', 'reader', 'x', '--from-key')).toEqual(
      done('Permission of range [x, <open ended> is revoked from role reader\n'),
    )
    expect(await ctl('user', 'grant-role', 'ann', 'reader')).toEqual(done('Role reader is granted to user ann\n'))
    expect(await ctl('user', 'list')).toEqual(done('ann\nroot\n'))
    expect(await ctl('user', 'get', 'ann')).toEqual(done('User: ann\nRoles: reader\n'))
    expect((await ctl('user', 'get', 'ann', '--detail')).out).toMatch(/^User: ann\n\nRole reader\nKV Read:\n/)
    expect(await ctl('auth', 'enable')).toEqual(done('Authentication Enabled\n'))

    expect((await ctl('auth', 'status')).out).toMatch(/^Authentication Status: true\nAuthRevision: \d+\n$/)
    const [root, ann] = ['--user=root:secret', '--user=ann:pass']
    try {
      expect(await ctlWith({ input: 'pass\n' }, 'get', 'pub/a', '--user=ann')).toEqual(done(''))
      expect(await ctl('get', 'private', ann)).toMatchObject({ code: 1, err: 'Error: etcdserver: permission denied\n' })
      expect(await ctl('get', 'pub/a', '--user=ann:wrong')).toEqual({
        ...{ code: 2, out: '', err: 'Error: etcdserver: authentication failed, invalid user ID or password\n' },
      })
      expect((await ctl('role', 'get', 'root', root)).out).toBe(
        'Role root\nKV Read:\n\t[, <open ended>\nKV Write:\n\t[, <open ended>\n',
      )
    } finally {
      expect(await ctl('auth', 'disable', root)).toEqual(done('Authentication Disabled\n'))
    }
  })
})
