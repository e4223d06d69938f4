import { describe, expect, test } from 'vitest'
import { History, importJepsen } from 'quorate/testing'

describe('a history as JSON lines', () => {
  test('comes back as it was, calls without an end included', () => {
    const history = new History()
    const write = history.invoke('a', { type: 'write', value: 1 }, 10)
    const read = history.invoke('b', { type: 'read' }, 11)
    history.end(read, { outcome: 'ok', output: { value: null } }, 12)
    history.end(write, { outcome: 'unknown', reason: 'TIMEOUT: the deadline passed' }, 13)
    history.end(history.invoke('b', { type: 'read' }), { outcome: 'refused' })
    history.invoke('a', { type: 'read' }, 14)

    const copy = History.fromJsonLines(history.toJsonLines())
    expect(copy.calls).toEqual(history.calls)
    expect(copy.toJsonLines()).toBe(history.toJsonLines())
  })

  const begin = '{"client":"a","type":"invoke","call":0,"input":1}\n'
  test.each([
    ['nonsense', 'line 1 of the history: expected a JSON object, not nonsense'],
    ['[1]', 'line 1 of the history: expected a JSON object, not [1]'],
    ['\n{"type":"invoke"}', 'line 2 of the history: expected "client" to be text, not nothing'],
    ['{"client":"a","type":"invoke","call":-1}', 'expected "call" to be a whole number from 0 on, not -1'],
    ['{"client":"a","type":"ok","call":0}', 'expected a call that has begun and not ended; call 0 is none'],
    [`${begin}{"client":"a","type":"okay","call":0}`, 'expected "type" to be "invoke", "ok", "refused" or "unknown"'],
    [`${begin}{"client":"b","type":"ok","call":0}`, 'line 2 of the history: expected the client that began call 0'],
    [begin + begin, 'line 2 of the history: expected a call that was not begun before; call 0 was'],
    [`${begin}{"client":"a","type":"ok","call":0,"atMs":"soon"}`, 'expected "atMs" to be a number, not "soon"'],
  ])('names the line that is wrong, and what was expected: %s', (text, message) => {
    expect(() => History.fromJsonLines(text)).toThrow(SyntaxError)
    expect(() => History.fromJsonLines(text)).toThrow(message)
  })
})

test('a call ends once, and in its own history', () => {
  const history = new History()
  const call = history.invoke('a', 1)
  history.end(call, { outcome: 'ok', output: 2 })
  expect(() => {
    history.end(call, { outcome: 'ok', output: 3 })
  }).toThrow('call 0 of a has ended before')
  expect(() => {
    new History().end(call, { outcome: 'ok', output: 2 })
  }).toThrow('call 0 is not one of this history')
})

describe('a log of Jepsen', () => {
  test('is read, and other lines of it passed over', () => {
    const { calls } = importJepsen(
      [
        'INFO  jepsen.core - Worker 0 starting',
        'INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]',
        'INFO  jepsen.util - 1\t:invoke\t:read\tnil',
        'INFO  jepsen.util - 1\t:ok\t:read\t3',
        'INFO  jepsen.util - 0\t:fail\t:cas\t[1 2]',
        'INFO  jepsen.util - 2\t:invoke\t:write\t4',
        'INFO  jepsen.util - 2\t:info\t:write\t:timed-out',
      ].join('\n'),
    )
    expect(calls).toMatchObject([
      { client: '0', input: { type: 'cas', expected: 1, value: 2 }, outcome: 'ok', output: { swapped: false } },
      { client: '1', input: { type: 'read' }, outcome: 'ok', output: { value: 3 } },
      { client: '2', input: { type: 'write', value: 4 }, outcome: 'unknown', reason: ':timed-out' },
    ])
  })

  test.each([
    ['INFO  jepsen.util - 0\t:invoke\t:append\t3', 'line 1 of the history: expected :read, :write or :cas'],
    ['INFO  jepsen.util - 0\t:invoke\t:write\tnonsense', 'expected the value of a :write'],
    ['INFO  jepsen.util - 0\t:ok\t:write\t3', 'expected the end of a call that client 0 has under way'],
    ['\nINFO  jepsen.util - 0 what?', 'line 2 of the history: expected client, type, operation and value'],
  ])('names the line that is wrong: %s', (text, message) => {
    expect(() => importJepsen(text)).toThrow(message)
  })
})

describe('a history.edn of Jepsen', () => {
  test('is read, in whatever order its fields come, and what the nemesis did is passed over', () => {
    const { calls } = importJepsen(
      [
        '{:type :info, :f :start, :process :nemesis, :time 1, :value {:isolated #{"n1" "n2"}}}',
        '{:process 0, :type :invoke, :f :cas, :value [1 2], :index 0}',
        '#jepsen.history.Op{:index 1, :time 5, :type :invoke, :process 1, :f :read, :value nil}',
        '{:value -3 :f :read :type :ok :process 1 :note "a } in , text"}',
        '{:process 1, :type :invoke, :f :cas, :value [1, 2]}',
        '{:process 1, :type :fail, :f :cas, :value [1 2], :error :no-leader}',
        '{:process 0, :type :fail, :f :cas, :value [1 2]}',
        '{:process 2, :type :invoke, :f :write, :value 4}',
        '{:process 2, :type :info, :f :write, :value 4, :error [:timed-out "after 5 s"]}',
        '',
      ].join('\r\n'),
    )
    expect(calls).toMatchObject([
      { client: '0', input: { type: 'cas', expected: 1, value: 2 }, outcome: 'ok', output: { swapped: false } },
      { client: '1', input: { type: 'read' }, outcome: 'ok', output: { value: -3 } },
      { client: '1', input: { type: 'cas' }, outcome: 'refused', reason: ':no-leader' },
      { client: '2', input: { type: 'write', value: 4 }, outcome: 'unknown', reason: '[:timed-out "after 5 s"]' },
    ])
  })

  const begin = '{:process 0, :type :invoke, :f :write, :value 3}\n'
  test.each([
    ['{:process 0, :type :invoke, :f :append, :value 3}', 'line 1 of the history: expected :read, :write or :cas'],
    ['{:process 0, :type :invoke, :f :write, :value x}', 'expected the value of a :write'],
    ['{:process 0, :type :invoke, :f :write, :value 9007199254740993}', 'expected the value of a :write'],
    ['{:process 0, :type :ok, :f :write, :value 3}', 'expected the end of a call that client 0 has under way'],
    [`${begin}{:process 0, :type :okay, :f :write, :value 3}`, 'line 2 of the history: expected :invoke, :ok, :fail'],
    [`${begin}nonsense`, 'line 2 of the history: expected one map {...}, not nonsense'],
    ['{:process 0, :f :write, :value 3}', 'expected a map with :type'],
    ['{:process x, :type :ok, :f :write}', 'expected :process to be a number or a name such as :nemesis'],
    ['{:process 0, :process 1}', 'expected :process once'],
    ['{:process 0, :type}', 'expected a value after :type'],
    ['{:process 0, 1 2}', 'expected a keyword before each value, where 1 is'],
    ['{:process 0, :value [1 2}', 'expected a ] at the end of what was begun'],
    ['{:process 0, :value 1]}', 'expected no ] there'],
  ])('names the line that is wrong: %s', (text, message) => {
    expect(() => importJepsen(text)).toThrow(message)
    expect(() => importJepsen(text)).toThrow(SyntaxError)
  })
})

test.each([
  ['', 'There are none: the text begins with nothing'],
  ['2026-01-01 something else\n', 'There are none: the text begins with 2026-01-01 something else'],
  ['{:process :nemesis, :type :info, :f :start}', 'There are none: the text begins with {:process :nemesis'],
])('a text without a call of Jepsen is no history: %j', (text, message) => {
  expect(() => importJepsen(text)).toThrow(message)
  expect(() => importJepsen(text)).toThrow(SyntaxError)
})
