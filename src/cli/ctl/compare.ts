/** The comparisons of a transaction, as they are typed: `mod("key") > "0"`, `value("key") = "text"`. */
import { Compare, Compare_CompareResult as Result, Compare_CompareTarget as Target } from '../../etcd/generated/rpc.js'
import { CTL_EXIT, CtlError } from './ctl-error.js'
import { goUnquoted } from './go-text.js'

const RESULTS: Readonly<Record<string, Result>> = {
  '=': Result.EQUAL,
  '!=': Result.NOT_EQUAL,
  '>': Result.GREATER,
  '<': Result.LESS,
}

type Subject = 'version' | 'create_revision' | 'mod_revision' | 'value' | 'lease'

const SUBJECTS: Readonly<Record<string, Subject>> = {
  ...{ ver: 'version', version: 'version', c: 'create_revision', create: 'create_revision' },
  ...{ m: 'mod_revision', mod: 'mod_revision', val: 'value', value: 'value', lease: 'lease' },
}

const TARGETS: Readonly<Record<Subject, Target>> = {
  version: Target.VERSION,
  create_revision: Target.CREATE,
  mod_revision: Target.MOD,
  value: Target.VALUE,
  lease: Target.LEASE,
}

/** Throws {@link CtlError}. */
export function compareOf(line: string): Compare {
  const [, name = '', behind = ''] = /^(\w*)\((.*)$/s.exec(line) ?? []
  const key = goUnquoted(behind)
  const [, operator = '', quoted = ''] = /^\)\s*(\S+)\s+(.*)$/s.exec(key?.rest ?? '') ?? []
  const operand = goUnquoted(quoted)
  if (key === undefined || operand === undefined || operand.rest.trim() !== '') {
    throw malformed(line, 'it is of the form mod("key") > "0", with both in quotes')
  }
  const subject = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined
  if (subject === undefined) throw malformed(line, `there are: ${Object.keys(SUBJECTS).join(', ')}`)
  const result = Object.hasOwn(RESULTS, operator) ? RESULTS[operator] : undefined
  if (result === undefined) throw malformed(line, `operators are: ${Object.keys(RESULTS).join(' ')}`)
  const target_union = operandOf(subject, operand.bytes, line)
  return Compare.create({ key: key.bytes, result, target: TARGETS[subject], target_union })
}

function operandOf(subject: Subject, operand: Buffer, line: string): NonNullable<Compare['target_union']> {
  if (subject === 'value') return { $case: subject, value: operand }
  const text = operand.toString('utf8')
  if (subject === 'lease') {
    if (!/^[0-9a-fA-F]{1,16}$/.test(text)) throw malformed(line, 'the id of a lease is hexadecimal')
    return { $case: subject, value: BigInt.asIntN(64, BigInt(`0x${text}`)) }
  }
  if (!/^-?\d{1,19}$/.test(text)) throw malformed(line, `"${text}" is no whole number`)
  return { $case: subject, value: BigInt(text) }
}

function malformed(line: string, why: string): CtlError {
  return new CtlError(CTL_EXIT.invalidInput, `malformed comparison: ${line}: ${why}`)
}
