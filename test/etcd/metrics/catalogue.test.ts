/** The names, types, labels and buckets: docs/METRICS.md and the registry are to say the same, and nothing is left out. */
import { readFileSync } from 'node:fs'
import { exponentialBuckets } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { METRICS, EXTENSIVE_METRICS, type MetricRow } from '../../../src/etcd/metrics/catalogue.js'
import { Sheet } from '../../../src/etcd/metrics/sheet.js'

const PAGE = readFileSync(new URL('../../../docs/METRICS.md', import.meta.url), 'utf8')
const ROWS: Readonly<Record<string, MetricRow>> = { ...METRICS, ...EXTENSIVE_METRICS }

/** What etcd has: names of its own, and those of open files. */
const OF_ETCD = 111

function table(title: string): string[][] {
  const section = PAGE.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const nameOf = ([cell = '']: string[]): string => cell.replaceAll('`', '')
const listOf = (cell = ''): string[] => (cell === '' ? [] : cell.split(',').map((each) => each.trim()))

describe('the page of metrics', () => {
  const [here, notHere] = [table('Of etcd, here'), table('Of etcd, not here')]

  test('has every metric of etcd once: here, or with why not', () => {
    const names = [...here, ...notHere].map(nameOf)
    expect(new Set(names).size).toBe(names.length)
    expect(names.length).toBe(OF_ETCD)
    for (const [, why] of notHere) expect(why).toMatch(/\w{4}/)
  })

  test('says of those that are here what the registry has', () => {
    const registered = Object.keys(ROWS).filter((name) => /^(etcd|os)_/.test(name))
    expect(here.map(nameOf).sort()).toEqual(registered.sort())
    for (const row of here) {
      const [, type, labels, buckets] = row
      const made = ROWS[nameOf(row)]
      expect([nameOf(row), made?.type, made?.labels]).toEqual([nameOf(row), type, listOf(labels)])
      const [start, factor, count] = (/\((.*)\)/.exec(buckets ?? '')?.[1] ?? '').split(',').map(Number)
      const bounds = buckets === '' ? undefined : exponentialBuckets(start ?? 0, factor ?? 0, count ?? 0)
      expect([nameOf(row), made?.buckets]).toEqual([nameOf(row), bounds])
    }
  })

  test('says the same of calls', () => {
    for (const row of table('Of calls')) {
      const made = ROWS[nameOf(row)]
      expect([nameOf(row), made?.type, made?.labels]).toEqual([nameOf(row), row[1], listOf(row[2])])
    }
  })
})

describe('a registry', () => {
  test('has all of them with the help of etcd, and the durations of methods only where they are asked for', async () => {
    const [basic, extensive] = [new Sheet('basic'), new Sheet('extensive')]
    const text = await extensive.registry.metrics()
    for (const [name, { type, help }] of Object.entries(ROWS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
    }
    expect(basic.registry.getSingleMetric('grpc_server_handling_seconds')).toBeUndefined()
    expect(() => basic.spreads('grpc_server_handling_seconds')).toThrow(TypeError)
  })

  test('adds up what falls into the buckets, as Prometheus wants it', async () => {
    const sheet = new Sheet('basic')
    const spread = sheet.spread('etcd_disk_wal_fsync_duration_seconds')
    for (const seconds of [0.001, 0.0015, 5, 100]) spread.observe(seconds)
    const text = await sheet.registry.getSingleMetricAsString('etcd_disk_wal_fsync_duration_seconds')
    const bucket = (le: string): string | undefined => new RegExp(`_bucket{le="${le}"} (\\d+)`).exec(text)?.[1]
    expect(['0.001', '0.002', '4.096', '8.192', '+Inf'].map((le) => bucket(le.replace('+', '\\+')))).toEqual([
      '1',
      '2',
      '2',
      '3',
      '4',
    ])
    expect(text).toContain('_sum 105.0025\n')
    expect(text).toContain('_count 4')
  })

  test('shows labels as they are, whatever a client says of itself', async () => {
    const sheet = new Sheet('basic')
    sheet.family('etcd_server_client_requests_total').of('unary', 'a"b\\c\nd').add(2)
    expect(await sheet.registry.metrics()).toContain('{type="unary",client_api_version="a\\"b\\\\c\\nd"} 2\n')
  })
})
