/** Whole scenarios as text, every event, message and write a line: to be read, and to see what a change changes. */
import { describe, expect, it } from 'vitest'
import { Script, storedLog } from './script.js'

async function expectTranscript(script: Script, file: string, prose: string): Promise<void> {
  const text = `# ${prose}\n\n${script.transcript.join('\n')}\n`
  await expect(text).toMatchFileSnapshot(`../testdata/raft/${file}`)
}

describe('the transcript of', () => {
  it('an election', async () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    await expectTranscript(
      script,
      'election.txt',
      'Three new members. The timer of 1 runs out: it asks, campaigns, wins, and commits the first entry of its term.',
    )
  })

  it('a rejected append', async () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1, 1, 3], 3), 2: storedLog([1, 2, 2, 2], 3) })
    script.cut(3)
    script.timeOut(1)
    script.settle()
    await expectTranscript(
      script,
      'append-rejected.txt',
      'Member 2 holds entries of term 2 that were never committed. It rejects once for each term in which the logs differ, then takes what the leader has.',
    )
  })

  it('a lost append', async () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.clear()
    script.loses = ({ type, to }) => type === 'append' && to === 2
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.pass(200)
    await expectTranscript(
      script,
      'append-lost.txt',
      'The append to 2 is lost, and nothing follows it. An answered heartbeat makes the leader ask again; then it is sent anew.',
    )
  })
})
