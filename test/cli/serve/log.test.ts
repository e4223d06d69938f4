/** Lines of the log, as programs read them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { logOutputsOf } from '../../../src/cli/serve/log-outputs.js'
import { ServerLog } from '../../../src/cli/serve/log.js'

function log(format: 'json' | 'console', level: 'debug' | 'warn' = 'debug') {
  const lines: string[] = []
  const settings = {
    format,
    level,
    wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 67),
    write: (line: string) => void lines.push(line),
  }
  return { lines, log: new ServerLog(settings) }
}

test('a line is one object of JSON, in the fields of etcd', () => {
  const { lines, log: written } = log('json')
  written.named('member').info('leader\nchanged', { leader: 'a', level: 7, none: undefined })
  expect(lines).toEqual([
    '{"level":"info","ts":"2026-01-02T03:04:05.067Z","caller":"member","msg":"leader\\nchanged","leader":"a","level_":7}\n',
  ])
})

test('or text, one line all the same', () => {
  const { lines, log: written } = log('console')
  written.named('member').warn('a\nb', { x: 1 })
  written.named('member').warn('c')
  expect(lines).toEqual([
    '2026-01-02T03:04:05.067Z\twarn\tmember\ta\\nb\t{"x":1}\n',
    '2026-01-02T03:04:05.067Z\twarn\tmember\tc\n',
  ])
})

test('what weighs less than the level is left out', () => {
  const { lines, log: written } = log('json', 'warn')
  const logger = written.named('x')
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level)
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['warn', 'error'])
})

test('lines go to every output, and files are appended to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-log-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'log')
  const written = { out: '', err: '' }
  const streams = {
    out: (text: string) => void (written.out += text),
    err: (text: string) => void (written.err += text),
  }
  for (const line of ['1\n', '2\n']) {
    const outputs = logOutputsOf(['stdout', path, 'default'], streams)
    outputs.write(line)
    await outputs.close()
    await outputs.close()
  }
  expect({ ...written, file: readFileSync(path, 'utf8') }).toEqual({ out: '1\n2\n', err: '1\n2\n', file: '1\n2\n' })
  expect(() => logOutputsOf([join(folder, 'no', 'log')], streams)).toThrow('--log-outputs: ')
})
