/**
 * The cases that etcd-io/raft keeps of its own configuration changes (Apache-2.0), where they are present beside the
 * repository: form `command arguments`, the changes, a line `----`, the expected configuration and the progress of each
 * member, or the error. Each file is one story. The progress is that of our own leader (followers.ts), which is no member
 * itself here, so that it has one for everybody.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { changeSimply, enterJoint, leaveJoint, type Changed } from '../../../src/raft/confchange/changer.js'
import type { ConfigurationRefusal, MemberChange } from '../../../src/raft/confchange/change.js'
import { decodeConfiguration, encodeConfiguration } from '../../../src/raft/confchange/codec.js'
import { completeConfiguration, followsSafely, type CompleteConfiguration } from '../../../src/raft/configuration.js'
import { syncFollowers, type Following } from '../../../src/raft/followers.js'

const folder = fileURLToPath(new URL('../../../../shared/testdata/confchange', import.meta.url))
const present = existsSync(folder)

interface Case {
  readonly command: string
  readonly autoLeave: boolean
  readonly changes: readonly MemberChange[]
  readonly expected: readonly string[]
}

const TYPES: Record<string, MemberChange['type']> = { v: 'voter', l: 'learner', r: 'remove', u: 'update' }

const REFUSALS: Partial<Record<ConfigurationRefusal, string>> = {
  'no-voters-left': 'removed all voters',
  'several-voters-at-once': 'more than one voter changed without entering joint config',
  'not-joint': "can't leave a non-joint config",
  'no-voters-yet': "can't make a zero-voter config joint",
}

function casesOf(file: string): Case[] {
  const blocks = readFileSync(`${folder}/${file}`, 'utf8').split('\n\n')
  return blocks.flatMap((block): Case[] => {
    const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const [head, ...rest] = lines
    if (head === undefined) return []
    const [command = '', ...args] = head.split(' ')
    const end = rest.indexOf('----')
    const changes = rest
      .slice(0, end)
      .flatMap((line) => line.split(' '))
      .map((text): MemberChange => {
        const type = TYPES[text.charAt(0)]
        if (type === undefined) throw new Error(`unknown change ${text} in ${file}`)
        return { type, id: Number(text.slice(1)) }
      })
    return [{ command, autoLeave: args.includes('autoleave=true'), changes, expected: rest.slice(end + 1) }]
  })
}

function perform(before: CompleteConfiguration, { command, changes, autoLeave }: Case): Changed {
  switch (command) {
    case 'simple':
      return changeSimply(before, changes)
    case 'enter-joint':
      return enterJoint(before, changes, autoLeave)
    case 'leave-joint':
      return leaveJoint(before)
    default:
      throw new Error(`unknown command ${command}`)
  }
}

function textOf(configuration: CompleteConfiguration, { followers }: Following): string[] {
  const list = (ids: readonly number[]): string => `(${ids.join(' ')})`
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration
  const parts = [`voters=${list(voters)}${outgoing.length > 0 ? `&&${list(outgoing)}` : ''}`]
  if (learners.length > 0) parts.push(`learners=${list(learners)}`)
  if (learnersNext.length > 0) parts.push(`learners_next=${list(learnersNext)}`)
  if (autoLeave) parts.push('autoleave')
  const states = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' }
  const progress = [...followers.values()]
    .sort((left, right) => left.id - right.id)
    .map(({ id, state, matchIndex, nextIndex }) => {
      const learner = learners.includes(id) ? ' learner' : ''
      return `${id}: ${states[state as 'probe']} match=${matchIndex} next=${nextIndex}${learner}`
    })
  return [parts.join(' '), ...progress]
}

describe.skipIf(!present)('the cases recorded by etcd-io/raft', () => {
  const files = present ? readdirSync(folder).sort() : []

  it('are all here', () => {
    expect(files.flatMap(casesOf).length).toBe(58)
  })

  it.each(files)('%s', (file) => {
    let configuration = completeConfiguration({ voters: [] })
    const following: Following = { followers: new Map(), nowMs: 0, round: 0 }
    casesOf(file).forEach((recorded, at) => {
      const name = `${file} #${at + 1}: ${recorded.command}`
      const result = perform(configuration, recorded)
      if (result.refused !== undefined) {
        const joint =
          recorded.command === 'simple' ? "can't apply simple config change in joint config" : 'config is already joint'
        const text = result.refused === 'joint' ? joint : REFUSALS[result.refused]
        expect([text], name).toEqual(recorded.expected)
        return
      }
      // Besides what is recorded: each follows safely, and survives its encoding.
      if (configuration.voters.length > 0) expect(followsSafely(configuration, result.configuration), name).toBe(true)
      configuration = result.configuration
      const data = new Uint8Array(0)
      expect(decodeConfiguration(encodeConfiguration({ configuration, data })).configuration).toEqual(configuration)
      // etcd's cases number the commands; who comes with the n-th begins there.
      const limits = { nextIndex: Math.max(at, 1), inflightAppendsMax: 1, inflightAppendBytesMax: 1 }
      syncFollowers(following, configuration, 0, limits)
      expect(textOf(configuration, following), name).toEqual(recorded.expected)
    })
  })
})

if (!present) console.log(`skipped: the recorded cases of etcd-io/raft are not at ${folder}`)
