/** docs/CLI.md has every command and every flag that all of them have, as the program knows them. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.js'
import { CTL_EXIT } from '../../src/cli/ctl/ctl-error.js'
import { GLOBAL_FLAGS } from '../../src/cli/ctl/global-flags.js'

const rows = readFileSync(new URL('../../docs/CLI.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.replaceAll('\\|', '|').trim()),
  )
const behind = (title: string): string[][] => {
  const from = rows.findIndex(([first]) => first === title) + 2
  const length = rows.slice(from).findIndex((row) => row[1]?.startsWith('-') === true)
  return rows.slice(from, length < 0 ? undefined : from + length - 1)
}

test('the table of commands is that of the program', () => {
  const expected = COMMANDS.map(({ name, operands, summary }) => [`\`${[name, ...operands].join(' ')}\``, summary])
  expect(behind('command')).toEqual(expected)
})

test('the table of flags is that of the program', () => {
  const expected = GLOBAL_FLAGS.map(({ name, short, fallback, summary }) => [
    `\`--${name}\`${short === undefined ? '' : `, \`-${short}\``}`,
    fallback === undefined ? '' : `\`${fallback}\``,
    summary,
  ])
  expect(behind('flag')).toEqual(expected)
})

test('every exit code of a command that asks a cluster is explained', () => {
  const told = behind('code').map(([code]) => code)
  const { notWritten: _, ...used } = CTL_EXIT
  expect(told).toEqual(expect.arrayContaining(Object.values(used).map(String)))
})
