/**
 * Whole scenarios as text, every decision, message and write a line: to be read, and to see what a change changes.
 * What they can say is in transcript/commands.ts, their form in transcript/parse.ts.
 *
 *     UPDATE_TRANSCRIPTS=1 npx vitest run test/raft/transcripts.test.ts      writes anew what follows each `----`
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from './transcript/commands.js'
import { runTranscript } from './transcript/run.js'

const FOLDER = fileURLToPath(new URL('../testdata/raft', import.meta.url))
const LINES_MAX = 100
const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .sort()
const updates = process.env['UPDATE_TRANSCRIPTS'] === '1'

describe('the transcript', () => {
  it.each(files)('%s', (file) => {
    const text = readFileSync(`${FOLDER}/${file}`, 'utf8')
    const actual = runTranscript(file, text)
    if (updates) {
      expect(process.env['CI'], 'transcripts are updated by people, who read what changed').toBeUndefined()
      writeFileSync(`${FOLDER}/${file}`, actual)
    } else {
      expect(actual).toBe(text)
    }
  })

  it.each(files)('%s can be read in one go', (file) => {
    expect(readFileSync(`${FOLDER}/${file}`, 'utf8').split('\n').length).toBeLessThanOrEqual(LINES_MAX)
  })
})

describe('the commands', () => {
  it('are each used by some transcript', () => {
    const used = new Set(
      files.flatMap((file) => readFileSync(`${FOLDER}/${file}`, 'utf8').split('\n')).map((line) => line.split(' ')[0]),
    )
    expect(Object.keys(COMMANDS).filter((name) => !used.has(name))).toEqual([])
  })
})

describe('a mistake', () => {
  const mistakes: [string, string][] = [
    ['cluster 3\nelect 1', 'wrong.txt:4: there is no command "elect"; there are: disk, cluster,'],
    ['campaign 1', 'wrong.txt:3: there is no cluster yet: begin with "cluster <count>" (usage: campaign <id>)'],
    ['cluster 3\ncluster 3', 'wrong.txt:4: there is a cluster already'],
    ['cluster three', 'wrong.txt:3: "three" is not a number (usage: cluster <count>'],
    ['cluster', 'a number is missing'],
    ['cluster 3 prevote=off', '"prevote=off" is none of pre-vote=..., check-quorum=...'],
    ['cluster 3 pre-vote=no', '"no" is neither "on" nor "off"'],
    ['cluster 3\ncampaign 4', 'there is no member 4'],
    ['cluster 3\ncrash 1\ncampaign 1', 'wrong.txt:5: member 1 is down'],
    ['cluster 3\nrestart 1', 'member 1 runs'],
    ['cluster 3\nwrite 1', 'member 1 has no write under way'],
    ['cluster 3\ncrash 1 written', 'member 1 has no write under way'],
    ['cluster 3\nrelease 1', 'the disk of member 1 is not held'],
    ['cluster 3\nresume 1', 'member 1 is not paused'],
    ['cluster 3\narrive', 'nothing was delayed or repeated'],
    ['cluster 3\ndeliver append 1→2', 'no such message is on its way'],
    ['cluster 3\ndeliver appends', '"appends" is neither a link (1→3, 1→, →3) nor one of pre-vote,'],
    ['cluster 3\ncut 1+2', '"1+2" is no link: write 1→3, 1-3 or 3'],
    ['cluster 3\ncut', 'nothing to cut'],
    ['cluster 3\npropose 1', 'nothing to propose'],
    ['cluster 3\ntimeout 1 5', 'a timeout is 1000 to 1999 ms'],
    ['cluster 3\ncompact 1 7', 'member 1 has no entry 7'],
    ['cluster 3 voters=4', 'of 3 members, 4 cannot vote'],
    ['cluster 3\nchange 1 4', '"4" is none of +4, ~4, -4, joint, joint-explicit'],
    ['cluster 3\ntransfer 1 other', '"other" is not a number (usage: transfer <id>'],
    ['cluster 3\nlose-promises 1', 'member 1 runs'],
    ['----\n1  became-leader', 'wrong.txt:3: ---- follows no command'],
  ]

  it.each(mistakes)('in %j is told with its place', (commands, message) => {
    expect(() => runTranscript('wrong.txt', `# Prose.\n\n${commands}\n`)).toThrow(message)
  })

  it('is a transcript without prose', () => {
    expect(() => runTranscript('wrong.txt', 'cluster 3\n')).toThrow('begins with a paragraph of prose')
  })
})
