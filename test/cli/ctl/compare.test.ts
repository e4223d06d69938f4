/** The comparisons of a transaction, as they are typed. */
import { describe, expect, test } from 'vitest'
import { compareOf } from '../../../src/cli/ctl/compare.js'
import { Compare_CompareResult as Result, Compare_CompareTarget as Target } from '../../../src/etcd/generated/rpc.js'

describe('a comparison', () => {
  test.each([
    ['mod("k") > "0"', Target.MOD, Result.GREATER, { $case: 'mod_revision', value: 0n }],
    ['m("k") = "7"', Target.MOD, Result.EQUAL, { $case: 'mod_revision', value: 7n }],
    ['create("k") < "9"', Target.CREATE, Result.LESS, { $case: 'create_revision', value: 9n }],
    ['c("k") != "9"', Target.CREATE, Result.NOT_EQUAL, { $case: 'create_revision', value: 9n }],
    ['version("k") = "1"', Target.VERSION, Result.EQUAL, { $case: 'version', value: 1n }],
    ['ver("k") = "1"', Target.VERSION, Result.EQUAL, { $case: 'version', value: 1n }],
    ['value("k") = "a \\"word\\""', Target.VALUE, Result.EQUAL, { $case: 'value', value: Buffer.from('a "word"') }],
    ['val("k") = ""', Target.VALUE, Result.EQUAL, { $case: 'value', value: Buffer.alloc(0) }],
    ['lease("k") = "ff"', Target.LEASE, Result.EQUAL, { $case: 'lease', value: 255n }],
  ])('%s', (line, target, result, operand) => {
    expect(compareOf(line)).toMatchObject({ key: Buffer.from('k'), target, result, target_union: operand })
  })

  test.each([
    ['nonsense', /of the form mod\("key"\) > "0"/],
    ['mod(k) = 0', /with both in quotes/],
    ['mod("k") = "0" and more', /with both in quotes/],
    ['size("k") = "0"', /there are: ver, version, /],
    ['mod("k") ~ "0"', /operators are: = != > </],
    ['mod("k") = "many"', /"many" is no whole number/],
    ['lease("k") = "xyz"', /hexadecimal/],
  ])('%s is none, and it is said why', (line, why) => {
    expect(() => compareOf(line)).toThrow(why)
    expect(() => compareOf(line)).toThrow(`malformed comparison: ${line}`)
  })
})
