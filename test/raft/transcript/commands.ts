/**
 * The commands of a transcript, one row each: to add one, add a row. A command that cannot be carried out throws an
 * `Error` that says why; transcripts.test.ts says where.
 *
 * `<links>`: `1→3` is one direction, `1-3` both, `3` all links of member 3. `<messages>`: a type, a link, both or
 * neither, as `append 1→2`.
 */
import type { ConfigurationChange, MemberChange } from '../../../src/raft/confchange/change.js'
import { describeConfiguration } from '../../../src/raft/configuration.js'
import { describeProgress, describeStatus } from '../../../src/raft/describe.js'
import type { MessageType } from '../../../src/raft/message.js'
import type { RaftOptions } from '../../../src/raft/options.js'
import type { Entry, NodeId } from '../../../src/raft/types.js'
import { ELECTION_TIMEOUT_MS, type MessagePattern, type World } from './world.js'

export interface CommandRow {
  readonly usage: string
  readonly does: string
  readonly run: (world: World, words: readonly string[]) => void
}

export const COMMANDS: Readonly<Record<string, CommandRow>> = {
  disk: {
    usage: 'disk <id> [log=<term>,...] [term=<term>] [vote=<id>] [applied=<index>]',
    does: 'what a member finds on its disk; before "cluster"',
    run: (world, [id, ...settings]) => {
      const { log = '', term, vote = '0', applied = '0' } = settingsOf(settings, ['log', 'term', 'vote', 'applied'])
      const terms = log === '' ? [] : log.split(',').map(numberOf)
      world.prepareDisk(numberOf(id), {
        entries: terms.map(entryOfTerm),
        hardState: { term: numberOf(term ?? `${terms.at(-1) ?? 0}`), vote: numberOf(vote) },
        applied: numberOf(applied),
      })
    },
  },
  cluster: {
    usage:
      'cluster <count> [pre-vote=off] [check-quorum=off] [append-bytes=<n>] [inflight=<n>] [uncommitted-bytes=<n>] [voters=<n>]',
    does: 'starts members 1 to count; with "voters", those above it belong to no cluster yet and wait to be told',
    run: (world, [count, ...settings]) => {
      if (world.members.size > 0) throw new Error('there is a cluster already')
      world.start(numberOf(count), ...optionsOf(settings))
    },
  },
  timeout: {
    usage: 'timeout <id> <ms>',
    does: 'the election timeout a member draws from now on, 1000 to 1999; otherwise it is 1000 + 100 × id',
    run: (world, [id, timeoutMs]) => {
      const value = numberOf(timeoutMs)
      if (value < ELECTION_TIMEOUT_MS || value >= 2 * ELECTION_TIMEOUT_MS)
        throw new Error('a timeout is 1000 to 1999 ms')
      world.setTimeout(numberOf(id), value)
    },
  },
  campaign: {
    usage: 'campaign <id>',
    does: 'its election timer runs out; nobody else looks at the clock',
    run: (world, [id]) => world.campaign(numberOf(id)),
  },
  tick: {
    usage: 'tick <ms>',
    does: 'the clock moves on at once; members whose time has come are told, nothing is delivered',
    run: (world, [durationMs]) => world.tick(numberOf(durationMs)),
  },
  pass: {
    usage: 'pass <ms>',
    does: 'time goes by, and all that follows happens',
    run: (world, [durationMs]) => world.pass(numberOf(durationMs)),
  },
  propose: {
    usage: 'propose <id> <text> ...',
    does: 'proposes entries, all at once; "a*500" is 500 times the letter',
    run: (world, [id, ...texts]) =>
      world.act(numberOf(id), (node) => {
        if (texts.length === 0) throw new Error('nothing to propose')
        node.propose(texts.map(payloadOf), world.nowMs)
      }),
  },
  read: {
    usage: 'read <id>',
    does: 'asks a member for the index that a linearizable read must wait for; requests are numbered from 1',
    run: (world, [id]) => world.readIndex(numberOf(id)),
  },
  'lease-read': {
    usage: 'lease-read <id>',
    does: 'asks a member for the index at which it may answer a linearizable read at once, by its clock',
    run: (world, [id]) => world.leaseRead(numberOf(id)),
  },
  change: {
    usage: 'change <id> (+<id> | ~<id> | -<id>) ... [joint | joint-explicit], or: change <id> leave-joint',
    does: 'changes who belongs to the cluster: + adds or promotes a voter, ~ adds or demotes to a learner, - removes',
    run: (world, [id, ...words]) => {
      const change = changeOf(words)
      world.act(numberOf(id), (node) => {
        node.proposeConfiguration(change, world.nowMs)
      })
    },
  },
  transfer: {
    usage: 'transfer <id> <id of the next leader, or "best">',
    does: 'asks a leader to hand leadership over',
    run: (world, [id, to]) => {
      const target = to === 'best' ? to : numberOf(to)
      world.act(numberOf(id), (node) => {
        node.transferLeadership(target, world.nowMs)
      })
    },
  },
  resign: {
    usage: 'resign <id>',
    does: 'before a graceful stop: it hands over what it leads, and campaigns no more',
    run: (world, [id]) =>
      world.act(numberOf(id), (node) => {
        node.resign(world.nowMs)
      }),
  },
  settle: {
    usage: 'settle',
    does: 'delivers what is on its way, and what follows from it, until everybody rests',
    run: (world) => world.settle(),
  },
  deliver: {
    usage: 'deliver [<messages>]',
    does: 'delivers these of the messages that are on their way now',
    run: (world, words) => world.deliver(patternOf(words)),
  },
  drop: {
    usage: 'drop [<messages>]',
    does: 'loses these of the messages that are on their way now',
    run: (world, words) => world.drop(patternOf(words)),
  },
  repeat: {
    usage: 'repeat [<messages>]',
    does: 'these of the messages that are on their way now arrive a second time at "arrive"',
    run: (world, words) => world.repeat(patternOf(words)),
  },
  delay: {
    usage: 'delay [<messages>]',
    does: 'these of the messages that are on their way now arrive only at "arrive"',
    run: (world, words) => world.delay(patternOf(words)),
  },
  arrive: { usage: 'arrive', does: 'delivers what was delayed or repeated', run: (world) => world.arrive() },
  lose: {
    usage: 'lose [<messages>]',
    does: 'from now on these get lost, until "heal"',
    run: (world, words) => world.lose(patternOf(words)),
  },
  cut: {
    usage: 'cut <links> ...',
    does: 'from now on nothing gets through, until "heal"',
    run: (world, words) => {
      if (words.length === 0) throw new Error('nothing to cut')
      for (const word of words) for (const [from, to] of linksOf(world, word)) world.cut(from, to)
    },
  },
  heal: { usage: 'heal', does: 'ends every cut and loss', run: (world) => world.heal() },
  hold: {
    usage: 'hold <id>',
    does: 'its disk takes its time: a write stays under way',
    run: (world, [id]) => world.hold(numberOf(id)),
  },
  write: {
    usage: 'write <id>',
    does: 'its write under way becomes durable; the disk stays held',
    run: (world, [id]) => world.completeWrite(numberOf(id)),
  },
  release: {
    usage: 'release <id>',
    does: 'its disk is fast again',
    run: (world, [id]) => world.release(numberOf(id)),
  },
  crash: {
    usage: 'crash <id> [written]',
    does: 'it falls; its write under way is lost, or with "written" just made it',
    run: (world, [id, written]) => {
      if (written !== undefined && written !== 'written') throw new Error(`"${written}" is not "written"`)
      world.crash(numberOf(id), written !== undefined)
    },
  },
  restart: {
    usage: 'restart <id>',
    does: 'it comes back with what its disk holds',
    run: (world, [id]) => world.restart(numberOf(id)),
  },
  'lose-promises': {
    usage: 'lose-promises <id>',
    does: 'the disk of a member that is down forgets everything, and will say so',
    run: (world, [id]) => world.losePromises(numberOf(id)),
  },
  pause: {
    usage: 'pause <id>',
    does: 'its process stands still; what is sent to it waits',
    run: (world, [id]) => world.pause(numberOf(id)),
  },
  resume: { usage: 'resume <id>', does: 'it goes on', run: (world, [id]) => world.resume(numberOf(id)) },
  compact: {
    usage: 'compact <id> <index>',
    does: 'it forgets its log up to there',
    run: (world, [id, index]) => world.compact(numberOf(id), numberOf(index)),
  },
  snapshot: {
    usage: 'snapshot <from> <to>',
    does: 'the state of a member, as far as it is committed, reaches another whole',
    run: (world, [from, to]) => world.sendSnapshot(numberOf(from), numberOf(to)),
  },
  'snapshot-failed': {
    usage: 'snapshot-failed <from> <to>',
    does: 'a member is told that the snapshot it asked for could not be sent',
    run: (world, [from, to]) =>
      world.act(numberOf(from), (node) => {
        node.snapshotFailed(numberOf(to), world.nowMs)
      }),
  },
  status: {
    usage: 'status [<id> ...]',
    does: 'what members are, and what a leader knows of its followers',
    run: (world, words) => {
      for (const id of idsOf(world, words)) {
        const status = world.members.get(id)?.node?.status()
        world.note('status', status === undefined ? `${id}  down` : describeStatus(status))
        for (const follower of status?.followers ?? []) world.note('status', `     ${describeProgress(follower)}`)
      }
    },
  },
  members: {
    usage: 'members [<id> ...]',
    does: 'who belongs to the cluster, as members believe, and which entry says so',
    run: (world, words) => {
      for (const id of idsOf(world, words)) {
        const { configuration, configurationIndex } = world.node(id)
        world.note('members', `${id}  since ${configurationIndex}  ${describeConfiguration(configuration)}`)
      }
    },
  },
  log: {
    usage: 'log [<id> ...]',
    does: 'the terms of the entries in memory, from the first one on',
    run: (world, words) => {
      for (const id of idsOf(world, words)) {
        const node = world.node(id)
        const terms = Array.from({ length: node.lastIndex - node.firstIndex + 1 }, (_, at) =>
          node.termAt(node.firstIndex + at),
        )
        world.note('log', `${id}  log from ${node.firstIndex}  terms ${terms.join(' ')}`)
      }
    },
  },
  hide: {
    usage: 'hide <kind> ...',
    does: 'leaves out messages or events of these types from now on, or: write, restore, apply, read, snapshot',
    run: (world, words) => world.hide(words),
  },
  show: { usage: 'show <kind> ...', does: 'ends "hide" for these', run: (world, words) => world.show(words) },
}

function entryOfTerm(term: number, at: number): Entry {
  return { index: at + 1, term, kind: 'normal', data: Buffer.from(`${at + 1}@${term}`) }
}

function payloadOf(text: string): Uint8Array {
  const [, letters, times] = /^(.+)\*(\d+)$/.exec(text) ?? []
  return Buffer.from(letters === undefined ? text : letters.repeat(Number(times)))
}

function changeOf(words: readonly string[]): ConfigurationChange {
  if (words.join(' ') === 'leave-joint') return { type: 'leave-joint' }
  const members: MemberChange[] = []
  let transition: 'automatic' | 'joint' | 'joint-explicit' = 'automatic'
  for (const word of words) {
    const [, sign, id] = /^([+~-])(\d+)$/.exec(word) ?? []
    if (sign !== undefined) {
      members.push({ type: sign === '+' ? 'voter' : sign === '~' ? 'learner' : 'remove', id: numberOf(id) })
    } else if (word === 'joint' || word === 'joint-explicit') transition = word
    else throw new Error(`"${word}" is none of +4, ~4, -4, joint, joint-explicit`)
  }
  return { type: 'change', members, transition }
}

/** And how many vote, if not all. */
function optionsOf(words: readonly string[]): [Partial<RaftOptions>, number | undefined] {
  const settings = settingsOf(words, [
    'pre-vote',
    'check-quorum',
    'append-bytes',
    'inflight',
    'uncommitted-bytes',
    'voters',
  ])
  const options = {
    preVote: isOn(settings['pre-vote']),
    checkQuorum: isOn(settings['check-quorum']),
    ...(settings['append-bytes'] === undefined ? {} : { appendBytesMax: numberOf(settings['append-bytes']) }),
    ...(settings['inflight'] === undefined ? {} : { inflightAppendsMax: numberOf(settings['inflight']) }),
    ...(settings['uncommitted-bytes'] === undefined
      ? {}
      : { uncommittedBytesMax: numberOf(settings['uncommitted-bytes']) }),
  }
  return [options, settings.voters === undefined ? undefined : numberOf(settings.voters)]
}

function isOn(text: string | undefined): boolean {
  if (text !== undefined && text !== 'on' && text !== 'off') throw new Error(`"${text}" is neither "on" nor "off"`)
  return text !== 'off'
}

/** `a=1 b=2` as a record; only of the names allowed. */
function settingsOf<Name extends string>(
  words: readonly string[],
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const settings: Partial<Record<Name, string>> = {}
  for (const word of words) {
    const [name, value] = word.split('=')
    const known = names.find((each) => each === name)
    if (known === undefined || value === undefined) {
      throw new Error(`"${word}" is none of ${names.map((each) => `${each}=...`).join(', ')}`)
    }
    settings[known] = value
  }
  return settings
}

function numberOf(text: string | undefined): number {
  if (text === undefined) throw new Error('a number is missing')
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is not a number`)
  return Number(text)
}

function idsOf(world: World, words: readonly string[]): NodeId[] {
  return words.length === 0 ? [...world.members.keys()] : words.map((word) => world.member(numberOf(word)).id)
}

function linksOf(world: World, word: string): [NodeId, NodeId][] {
  const [, left, sign, right] = /^(\d+)(?:([→-])(\d+))?$/.exec(word) ?? []
  if (left === undefined) throw new Error(`"${word}" is no link: write 1→3, 1-3 or 3`)
  const one = world.member(Number(left)).id
  const others = right === undefined ? [...world.members.keys()] : [world.member(Number(right)).id]
  const there = others.filter((other) => other !== one).map((other): [NodeId, NodeId] => [one, other])
  return sign === '→' ? there : [...there, ...there.map(([from, to]): [NodeId, NodeId] => [to, from])]
}

const MESSAGE_TYPES: Readonly<Record<MessageType, true>> = {
  'pre-vote': true,
  'pre-vote-reply': true,
  vote: true,
  'vote-reply': true,
  append: true,
  'append-accepted': true,
  'append-rejected': true,
  heartbeat: true,
  'heartbeat-reply': true,
  'read-index': true,
  'read-index-reply': true,
  'timeout-now': true,
  recovering: true,
  recovered: true,
}

function patternOf(words: readonly string[]): MessagePattern {
  let type: MessageType | undefined
  let from: NodeId | undefined
  let to: NodeId | undefined
  for (const word of words) {
    const [, left, right] = /^(\d*)→(\d*)$/.exec(word) ?? []
    if (left !== undefined && right !== undefined) {
      if (left !== '') from = Number(left)
      if (right !== '') to = Number(right)
    } else if (isMessageType(word)) type = word
    else
      throw new Error(`"${word}" is neither a link (1→3, 1→, →3) nor one of ${Object.keys(MESSAGE_TYPES).join(', ')}`)
  }
  return { type, from, to }
}

function isMessageType(word: string): word is MessageType {
  return Object.hasOwn(MESSAGE_TYPES, word)
}
