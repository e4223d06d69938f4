/** member list, add, remove, update and promote. */
import {
  MemberAddRequest,
  MemberListRequest,
  MemberPromoteRequest,
  MemberRemoveRequest,
  MemberUpdateRequest,
  type Member,
  type MemberAddResponse,
  type MemberListResponse,
  type ResponseHeader,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { isSerializable } from './keys.js'
import { memberIdOf, memberIdText } from './member-id.js'
import { checkOperands } from './operands.js'
import { BLANK, headerFields, type Field } from './print/fields.js'
import { print } from './print/responses.js'
import { tableText } from './print/table.js'

const PEER_URLS: CtlFlag = { name: 'peer-urls', type: 'list', summary: 'where it listens to other members' }

export const MEMBER_LIST: CtlCommand = {
  flags: [
    { name: 'consistency', type: 'text', fallback: 'l', summary: 'l: linearizable; s: as the server knows them' },
  ],
  async run(context) {
    checkOperands(context, 'member list command accepts no arguments', 0)
    const linearizable = !isSerializable(context.text('consistency'))
    const client = await context.client()
    printMembers(context, await client.cluster.memberList(MemberListRequest.create({ linearizable })))
  },
}

function printMembers(context: Context, message: MemberListResponse): void {
  const rows = message.members.map((member) => [
    memberIdText(member.ID),
    member.name === '' ? 'unstarted' : 'started',
    member.name,
    member.peerURLs.join(','),
    member.clientURLs.join(','),
    String(member.isLearner),
  ])
  print(context, {
    message,
    simple: () => rows.map((row) => `${row.join(', ')}\n`).join(''),
    table: () => tableText(['id', 'status', 'name', 'peer addrs', 'client addrs', 'is learner'], rows),
    fields: () => [...headerFields(message.header), ...message.members.flatMap(memberFields)],
  })
}

function memberFields({ ID, name, peerURLs, clientURLs, isLearner }: Member): Field[] {
  return [
    ['ID', ID],
    ['Name', name],
    ...peerURLs.map((url) => ['PeerURL', url] as const),
    ...clientURLs.map((url) => ['ClientURL', url] as const),
    ['IsLearner', isLearner],
    BLANK,
  ]
}

export const MEMBER_ADD: CtlCommand = {
  flags: [PEER_URLS, { name: 'learner', type: 'boolean', summary: 'without a vote until it is promoted' }],
  description: 'Prints, for the new member, the settings that it is to be started with.',
  async run(context) {
    const { operands } = context
    const [name = ''] = operands
    if (operands.length === 0) throw badArguments('member name not provided')
    if (operands.length > 1) throw badArguments('too many arguments')
    const peerURLs = peerUrlsOf(context)
    const client = await context.client()
    const request = MemberAddRequest.create({ peerURLs, isLearner: context.is('learner') })
    const message = await client.cluster.memberAdd(request)
    print(context, {
      message,
      simple: () => `${doneText(message.member?.ID, 'added to', message.header)}\n${settingsText(name, message)}`,
      fields: () => [...headerFields(message.header), ['ID', message.member?.ID ?? 0n]],
    })
  },
}

function settingsText(name: string, { member, members }: MemberAddResponse): string {
  const cluster = members.flatMap((each) => {
    return each.peerURLs.map((url) => `${each.ID === member?.ID ? name : each.name}=${url}`)
  })
  return [
    `ETCD_NAME="${name}"`,
    `ETCD_INITIAL_CLUSTER="${cluster.join(',')}"`,
    `ETCD_INITIAL_ADVERTISE_PEER_URLS="${member?.peerURLs.join(',') ?? ''}"`,
    'ETCD_INITIAL_CLUSTER_STATE="existing"',
    '',
  ].join('\n')
}

export const MEMBER_REMOVE: CtlCommand = {
  async run(context) {
    const id = idOperandOf(context)
    const client = await context.client()
    const message = await client.cluster.memberRemove(MemberRemoveRequest.create({ ID: id }))
    printDone(context, message, doneText(id, 'removed from', message.header))
  },
}

export const MEMBER_UPDATE: CtlCommand = {
  flags: [PEER_URLS],
  async run(context) {
    const id = idOperandOf(context)
    const request = MemberUpdateRequest.create({ ID: id, peerURLs: peerUrlsOf(context) })
    const message = await (await context.client()).cluster.memberUpdate(request)
    printDone(context, message, doneText(id, 'updated in', message.header))
  },
}

export const MEMBER_PROMOTE: CtlCommand = {
  async run(context) {
    const id = idOperandOf(context)
    const message = await (await context.client()).cluster.memberPromote(MemberPromoteRequest.create({ ID: id }))
    printDone(context, message, doneText(id, 'promoted in', message.header))
  },
}

function printDone(context: Context, message: { readonly header: ResponseHeader | undefined }, text: string): void {
  print(context, { message, simple: () => text, fields: () => headerFields(message.header) })
}

function doneText(id: bigint | undefined, what: string, header: ResponseHeader | undefined): string {
  const [member, cluster] = [id, header?.cluster_id].map((each) => memberIdText(each).padStart(16))
  return `Member ${member} ${what} cluster ${cluster}\n`
}

function idOperandOf(context: Context): bigint {
  checkOperands(context, 'member ID is not provided', 1)
  return memberIdOf(context.operands[0] ?? '')
}

/** As etcd's client does, before anybody is asked. */
function peerUrlsOf(context: Context): string[] {
  const urls = context.list('peer-urls')
  if (urls.length === 0) throw badArguments('member peer urls not provided')
  for (const url of urls) {
    if (/^(?:https?|unixs?):\/\/./.test(url)) continue
    throw new CtlError(CTL_EXIT.failed, `URL scheme must be http, https, unix, or unixs: ${url}`)
  }
  return [...urls]
}
