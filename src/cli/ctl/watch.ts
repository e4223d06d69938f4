/** watch: prints what happens to keys, until a signal comes; with -i several, as they are typed. */
import {
  Event_EventType as EventType,
  WatchCreateRequest,
  type Event,
  type WatchResponse,
} from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { errorText } from './error-text.js'
import { goQuote } from './go-text.js'
import { simpleOptionsOf } from './keys.js'
import { parseWords } from './parse.js'
import { headerFields, keyValueFields } from './print/fields.js'
import { goJson } from './print/go-json.js'
import { print } from './print/responses.js'
import { keyValueLines } from './print/simple.js'
import { runProgram } from './program.js'
import { prefixEndOf } from './selected-keys.js'
import { anyAborts } from './session.js'
import { Watching } from './watching.js'
import { wordsOf } from './words.js'

const OF_ONE: readonly CtlFlag[] = [
  { name: 'prefix', type: 'boolean', summary: 'all keys that start with KEY' },
  { name: 'rev', type: 'integer', summary: 'from this revision on; 0: from now on' },
  { name: 'prev-kv', type: 'boolean', summary: 'tells what was there before, too' },
  { name: 'progress-notify', type: 'boolean', summary: 'tells now and then how far the server is' },
]

export const WATCH: CtlCommand = {
  flags: [
    {
      name: 'interactive',
      short: 'i',
      type: 'boolean',
      summary: 'takes lines: watch KEY [flags] [-- PROGRAM], progress',
    },
    ...OF_ONE,
  ],
  runsProgram: true,
  description:
    'Prints PUT or DELETE, the key and the value. PROGRAM is run for each event, with ETCD_WATCH_REVISION,\n' +
    'ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and ETCD_WATCH_VALUE, the last three in quotes.\n' +
    'In place of operands: ETCDCTL_WATCH_KEY, ETCDCTL_WATCH_RANGE_END.',
  async run(context) {
    if (context.is('interactive')) {
      await interactive(context)
      return
    }
    const { request, program } = watchOf(context)
    const client = await context.reached()
    const signal = context.takeInterrupts()
    await printAll(context, new Watching(client, request, signal), program)
    if (signal.aborted) context.endInterrupted()
    throw new CtlError(CTL_EXIT.interrupted, 'watch is canceled by the server')
  },
}

interface OneWatch {
  readonly request: WatchCreateRequest
  readonly program: readonly string[]
}

function watchOf(context: Context): OneWatch {
  const { behind } = context
  const { variables = {} } = context.terminal
  const [key = '', end] = operandsOf(context.operands, variables)
  const prefix = context.is('prefix')
  if (prefix && end !== undefined) throw badArguments('`range_end` and `--prefix` are mutually exclusive')
  if (behind?.length === 0) throw badArguments('bad number of arguments (found separator --, but no commands)')
  const bytes = Buffer.from(key)
  const zero = Buffer.of(0)
  const range = prefix ? (bytes.length === 0 ? zero : prefixEndOf(bytes)) : Buffer.from(end ?? '')
  const request = WatchCreateRequest.create({
    key: prefix && bytes.length === 0 ? zero : bytes,
    range_end: range,
    start_revision: context.integer('rev'),
    prev_kv: context.is('prev-kv'),
    progress_notify: context.is('progress-notify'),
  })
  return { request, program: behind ?? [] }
}

function operandsOf(
  operands: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const { ETCDCTL_WATCH_KEY: key = '', ETCDCTL_WATCH_RANGE_END: end = '' } = variables
  if (key !== '' && operands.length > 0) {
    throw badArguments('bad number of arguments (found conflicting environment key)')
  }
  const given = key === '' ? operands : [key, ...(end === '' ? [] : [end])]
  if (given.length === 0 || given.length > 2) throw badArguments('bad number of arguments')
  return given
}

async function interactive(context: Context): Promise<void> {
  const { terminal } = context
  const client = await context.reached()
  const signal = context.takeInterrupts()
  const watches: Watching[] = []
  const say = (text: string): void => {
    terminal.err(`${text}\n`)
  }
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => (fail = reject))
  readLines().catch(fail)
  await Promise.race([failed, anyAborts(signal)])
  context.endInterrupted()

  async function readLines(): Promise<never> {
    for (;;) {
      const line = await terminal.readLine?.()
      if (line === undefined) throw new CtlError(CTL_EXIT.invalidInput, 'error reading watch request line: EOF')
      const [name, ...words] = wordsOf(line)
      if (name === 'progress') for (const each of watches) each.askProgress()
      else if (name === 'watch') begin(words, line)
      else say(`Invalid command: ${line} (watch and progress supported)`)
    }
  }

  function begin(words: readonly string[], line: string): void {
    try {
      const { request, program } = watchOf(context.under(parseWords(words, OF_ONE), OF_ONE))
      const watching = new Watching(client, request, signal)
      watches.push(watching)
      printAll(context, watching, program).catch(fail)
    } catch (error) {
      say(`Invalid command: ${line} (${errorText(error)})`)
    }
  }
}

/** To its end. */
async function printAll(context: Context, watching: Watching, program: readonly string[]): Promise<void> {
  for await (const response of watching.responses()) {
    const { canceled, header, events } = response
    if (canceled) context.terminal.err(`watch was canceled (${reasonOf(response)})\n`)
    else if (events.length === 0) context.line(`progress notify: ${header?.revision ?? 0n}`)
    printResponse(context, response)
    if (program.length > 0) for (const event of events) await runFor(context, response, event, program)
  }
}

function reasonOf({ compact_revision, cancel_reason }: WatchResponse): string {
  if (compact_revision > 0n) return 'etcdserver: mvcc: required revision has been compacted'
  return cancel_reason === '' ? 'etcdserver: mvcc: watch canceled' : cancel_reason
}

function printResponse(context: Context, { header, events, compact_revision, canceled }: WatchResponse): void {
  const options = simpleOptionsOf(context)
  print(context, {
    json: () => {
      const list = events.length === 0 ? 'null' : goJson(events)
      return (
        `{"Header":${goJson(header ?? {})},"Events":${list},"CompactRevision":${compact_revision},` +
        `"Canceled":${canceled},"Created":false}`
      )
    },
    simple: () =>
      events
        .map(({ type, kv, prev_kv }) => {
          const told = [prev_kv, kv].filter((each) => each !== undefined)
          return `${typeText(type)}\n${keyValueLines(told, options)}`
        })
        .join(''),
    fields: () => [
      ...headerFields(header),
      ...events.flatMap(({ type, kv, prev_kv }) => [
        ['Type', { word: typeText(type) }] as const,
        ...(prev_kv === undefined ? [] : keyValueFields(prev_kv, 'Prev')),
        ...(kv === undefined ? [] : keyValueFields(kv)),
      ]),
    ],
  })
}

async function runFor(
  { terminal }: Context,
  { header }: WatchResponse,
  { type, kv }: Event,
  program: readonly string[],
): Promise<void> {
  const { failure } = await runProgram(program, {
    ...terminal.variables,
    ETCD_WATCH_REVISION: String(header?.revision ?? 0n),
    ETCD_WATCH_EVENT_TYPE: goQuote(typeText(type)),
    ETCD_WATCH_KEY: goQuote(kv?.key ?? ''),
    ETCD_WATCH_VALUE: goQuote(kv?.value ?? ''),
  })
  if (failure === undefined) return
  terminal.err(`command ${JSON.stringify(program)} error (${failure})\n`)
  throw new CtlError(CTL_EXIT.failed)
}

function typeText(type: EventType): string {
  return type === EventType.DELETE ? 'DELETE' : 'PUT'
}
