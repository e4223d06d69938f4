/** txn: comparisons, what is done if they hold, and what if not, each a line of the input. */
import { TxnRequest, type Compare, type RequestOp } from '../../etcd/generated/rpc.js'
import { compareOf } from './compare.js'
import type { Context } from './context.js'
import type { CtlCommand } from './ctl-command.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { GLOBAL_FLAGS } from './global-flags.js'
import { DEL, deleteRequestOf, GET, PUT, putRequestOf, rangeRequestOf, simpleOptionsOf } from './keys.js'
import { parseWords } from './parse.js'
import { print, transactionPrintable } from './print/responses.js'
import { wordsOf } from './words.js'

export const TXN: CtlCommand = {
  flags: [{ name: 'interactive', short: 'i', type: 'boolean', summary: 'says what is to be typed next' }],
  description:
    'Three lists come through standard input, each ended by an empty line: comparisons, all of which must hold;\n' +
    'what is done then; and what is done otherwise.\n\n' +
    '  mod("key1") > "0"\n  value("key2") = "text"\n\n  put key1 "another text"\n  get key2\n\n  del key1\n\n' +
    'Comparisons: value, version, create, mod and lease (in hexadecimal), with =, !=, < or >.\n' +
    'Requests: get, put and del, with their flags.',
  async run(context) {
    if (context.operands.length > 0) throw badArguments('txn command does not accept argument')
    const ask = (question: string): void => {
      if (context.is('interactive')) context.line(question)
    }
    ask('compares:')
    const compare = await listOf(context, (line): Compare => compareOf(line))
    ask('success requests (get, put, del):')
    const success = await listOf(context, (line) => requestOf(context, line))
    ask('failure requests (get, put, del):')
    const failure = await listOf(context, (line) => requestOf(context, line))
    const response = await (await context.client()).kv.txn(TxnRequest.create({ compare, success, failure }))
    print(context, transactionPrintable(response, simpleOptionsOf(context)))
  },
}

/** Up to an empty line. */
async function listOf<T>({ terminal }: Context, each: (line: string) => T | Promise<T>): Promise<T[]> {
  const list: T[] = []
  for (;;) {
    const line = (await terminal.readLine?.())?.trim()
    if (line === '') return list
    if (line === undefined) {
      throw new CtlError(CTL_EXIT.invalidInput, 'EOF: each of the three lists of a transaction ends with an empty line')
    }
    list.push(await each(line))
  }
}

interface RequestKind {
  readonly flags: readonly CtlFlag[]
  readonly requestOf: (context: Context) => RequestOp | Promise<RequestOp>
}

const KINDS: Readonly<Record<string, RequestKind>> = {
  put: {
    flags: PUT.flags ?? [],
    requestOf: async (context) => ({ request: { $case: 'request_put', value: await putRequestOf(context) } }),
  },
  get: {
    flags: GET.flags ?? [],
    requestOf: (context) => ({ request: { $case: 'request_range', value: rangeRequestOf(context) } }),
  },
  del: {
    flags: DEL.flags ?? [],
    requestOf: (context) => ({ request: { $case: 'request_delete_range', value: deleteRequestOf(context) } }),
  },
}

async function requestOf(context: Context, line: string): Promise<RequestOp> {
  const [name = '', ...words] = wordsOf(line)
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined
  if (kind === undefined || words.length === 0) {
    throw new CtlError(CTL_EXIT.invalidInput, `invalid txn request: ${line}: it is get, put or del, and its key`)
  }
  const { behind = [], operands, flags } = asInput(() => parseWords(words, kind.flags))
  const known = [...kind.flags, ...GLOBAL_FLAGS]
  return kind.requestOf(context.under({ operands: [...operands, ...behind], behind: undefined, flags }, known))
}

function asInput<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof CtlError) throw new CtlError(CTL_EXIT.invalidInput, `invalid txn request: ${error.message}`)
    throw error
  }
}
