/** The words of a command line: what is understood, and what is told of those that are not. */
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.js'
import type { Command } from '../../src/cli/command.js'
import { run } from '../../src/cli/run.js'
import { quorate } from './command-line.js'

describe('help', () => {
  test('lists every command', async () => {
    for (const word of ['--help', '-h', 'help']) {
      const { code, out, err } = await quorate(word)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      for (const { name } of COMMANDS) expect(out).toContain(`  ${name}`)
    }
  })

  test('of a command names all its flags, whatever else is missing, and fits on a terminal', async () => {
    for (const { name, ...command } of COMMANDS) {
      const { code, out } = await quorate(...name.split(' '), '--help')
      expect(code).toBe(0)
      for (const flag of 'flags' in command ? command.flags : []) expect(out).toContain(`--${flag.name}`)
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(110)
    }
  })

  test('of a group lists its commands', async () => {
    const { code, out } = await quorate('snapshot', '--help')
    expect(code).toBe(0)
    expect(out).toContain('snapshot status')
    expect(out).not.toContain('  inspect')
  })

  test('tells the version', async () => {
    expect(await quorate('--version')).toEqual({ code: 0, out: 'quorate 1.2.3\n', err: '' })
  })
})

test('an error that nobody expected is one line, with its stack only where that is asked for', async () => {
  const written: string[] = []
  const terminal = { out: () => undefined, err: (text: string) => void written.push(text), signal: AbortSignal.any([]) }
  const broken: Command = {
    ...{ name: 'broken', summary: '', description: '', operands: [], flags: [] },
    run: () => Promise.reject(new TypeError('no such\n  thing')),
  }
  for (const debug of [false, true]) {
    expect(await run({ words: ['broken'], terminal, version: '1', commands: [broken], debug })).toBe(1)
  }
  expect(written[0]).toBe('quorate: unexpected: TypeError: no such thing (QUORATE_DEBUG=1 tells where)\n')
  expect(written[1]).toMatch(/^quorate: TypeError: no such\n {2}thing\n +at /)
})

describe('a command line that makes no sense ends with 2 and says why', () => {
  const refused: readonly (readonly [string, string[], RegExp])[] = [
    ['nothing', [], /usage: quorate COMMAND/],
    ['an unknown command', ['snapshots'], /no command 'snapshots'/],
    ['half a command', ['snapshot'], /no command 'snapshot'.*snapshot status/],
    ['a misspelt command', ['snapshot', 'stats'], /did you mean snapshot status\?/],
    ['an unknown flag', ['snapshot', 'status', 'f', '--verbose'], /no flag '--verbose'/],
    ['a misspelt flag', ['snapshot', 'restore', 'f', '--datadir', 'd'], /did you mean data-dir\?/],
    ['a missing operand', ['snapshot', 'status'], /FILE is missing/],
    ['an empty operand', ['snapshot', 'status', ''], /FILE is empty/],
    ['an operand too many', ['snapshot', 'status', 'f', 'g'], /'g' is one word too many/],
    ['a missing flag', ['snapshot', 'restore', 'f', '--data-dir', 'd'], /--cluster-token is missing/],
    ['a flag without its value', ['snapshot', 'restore', 'f', '--data-dir'], /--data-dir needs a value, DIR/],
    [
      'a flag in the place of a value',
      ['snapshot', 'restore', 'f', '--data-dir', '--name'],
      /--data-dir needs a value/,
    ],
    ['an empty value', ['snapshot', 'restore', 'f', '--data-dir='], /--data-dir needs a value/],
    ['a value too many', ['snapshot', 'status', 'f', '--json=yes'], /--json takes no value/],
    ['a flag twice', ['snapshot', 'status', 'f', '-w', 'json', '--write-out=json'], /given twice/],
    ['an unknown format', ['snapshot', 'status', 'f', '-w', 'xml'], /simple, table or json/],
    ['two formats', ['snapshot', 'status', 'f', '-w', 'table', '--json'], /contradict/],
  ]
  test.each(refused)('%s', async (_, words, text) => {
    const { code, out, err } = await quorate(...words)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(text)
  })

  test('what was typed cannot drive the terminal', async () => {
    const { err } = await quorate('\x1b[2J')
    expect(err).not.toContain('\x1b')
  })
})
