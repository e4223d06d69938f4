/**
 * The cases that etcd-io/raft keeps of its own quorum arithmetic (Apache-2.0), where they are present beside the
 * repository: form `command arguments`, a line `----`, the expected output, a blank line.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { jointVote, reachedByJointMajority } from '../../../src/raft/quorum/joint.js'
import { majorityVote, reachedByMajority } from '../../../src/raft/quorum/majority.js'

const folder = fileURLToPath(new URL('../../../../shared/testdata/quorum', import.meta.url))
const present = existsSync(folder)

interface Case {
  readonly command: string
  readonly voters: readonly number[]
  readonly outgoing: readonly number[] | undefined
  /** By voter, in the order in which they are first named. */
  readonly values: ReadonlyMap<number, string>
  readonly expected: string
}

function casesOf(file: string): [string, Case][] {
  const lines = readFileSync(`${folder}/${file}`, 'utf8').split('\n')
  const cases: [string, Case][] = []
  lines.forEach((line, at) => {
    if (!/^(committed|vote)\b/.test(line)) return
    const start = lines.indexOf('----', at) + 1
    const end = lines.indexOf('', start)
    const output = lines.slice(start, end === -1 ? undefined : end)
    cases.push([`${file}:${at + 1} ${line}`, parse(line, output)])
  })
  return cases
}

function parse(line: string, output: readonly string[]): Case {
  const listOf = (name: string): string[] | undefined =>
    new RegExp(`\\b${name}=\\(([^)]*)\\)`)
      .exec(line)?.[1]
      ?.split(',')
      .map((item) => item.trim())
  const voters = (listOf('cfg') ?? []).map(Number)
  const outgoing = line.includes('cfgj=zero') ? [] : listOf('cfgj')?.map(Number)
  const named = [...new Set([...voters, ...(outgoing ?? [])])]
  const inputs = listOf('idx') ?? listOf('votes') ?? []
  expect(inputs.length, line).toBe(named.length)
  const values = new Map(named.map((voter, at) => [voter, inputs[at] ?? '_']))
  // The last line; the picture of an empty majority has none of its own.
  const expected = output.at(-1)?.replace('<empty majority quorum>', '') ?? ''
  return { command: line.split(' ')[0] ?? '', voters, outgoing, values, expected }
}

function outcomeOf({ command, voters, outgoing, values }: Case): string {
  if (command === 'committed') {
    const reachedBy = (voter: number): number | undefined => {
      const value = values.get(voter)
      return value === undefined || value === '_' ? undefined : Number(value)
    }
    const index =
      outgoing === undefined
        ? reachedByMajority(voters, reachedBy)
        : reachedByJointMajority({ incoming: voters, outgoing }, reachedBy)
    return index === Infinity ? '∞' : `${index}`
  }
  const voteOf = (voter: number): boolean | undefined => ({ y: true, n: false })[values.get(voter) ?? '_']
  const result =
    outgoing === undefined ? majorityVote(voters, voteOf) : jointVote({ incoming: voters, outgoing }, voteOf)
  return { won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' }[result]
}

describe.skipIf(!present)('the cases recorded by etcd-io/raft', () => {
  const cases = present ? readdirSync(folder).sort().flatMap(casesOf) : []

  it('are all here', () => {
    expect(cases.length).toBe(127)
  })

  it.each(cases)('%s', (_name, recorded) => {
    expect(outcomeOf(recorded)).toBe(recorded.expected)
  })
})

if (!present) console.log(`skipped: the recorded cases of etcd-io/raft are not at ${folder}`)
