/**
 * The metrics of the process, under the names that every program on Node has for them: those of prom-client that only look
 * when they are asked, and the collections of garbage, which are told.
 *
 * Not `collectDefaultMetrics()`: it starts observers that go on after the server has closed, one more with each server.
 */
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed.js'
import heapSpacesSizeAndUsed from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js'
import osMemoryHeap from 'prom-client/lib/metrics/osMemoryHeap.js'
import processCpuTotal from 'prom-client/lib/metrics/processCpuTotal.js'
import processMaxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors.js'
import processOpenFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js'
import processResources from 'prom-client/lib/metrics/processResources.js'
import processStartTime from 'prom-client/lib/metrics/processStartTime.js'
import version from 'prom-client/lib/metrics/version.js'
import { onGarbageCollection } from '../../runtime/garbage-collections.js'
import type { Sheet } from './sheet.js'

const FROM_THE_LIBRARY = [
  ...[processCpuTotal, processStartTime, osMemoryHeap, processOpenFileDescriptors, processMaxFileDescriptors],
  ...[processResources, heapSizeAndUsed, heapSpacesSizeAndUsed, version],
]

export class ProcessMeters {
  readonly #sheet: Sheet
  readonly #stop: () => void

  constructor(sheet: Sheet) {
    this.#sheet = sheet
    for (const register of FROM_THE_LIBRARY) register(sheet.registry)
    const collections = sheet.spreads('nodejs_gc_duration_seconds')
    this.#stop = onGarbageCollection((kind, durationMs) => {
      collections.of(kind).observe(durationMs / 1000)
    })
  }

  /** etcd's names for what has others, too. */
  async look(): Promise<void> {
    this.#sheet.cell('os_fd_used').value = await this.#valueOf('process_open_fds')
    this.#sheet.cell('os_fd_limit').value = await this.#valueOf('process_max_fds')
  }

  stop(): void {
    this.#stop()
  }

  /** 0 where the system does not tell: only Linux does. */
  async #valueOf(name: string): Promise<number> {
    const { values = [] } = (await this.#sheet.registry.getSingleMetric(name)?.get()) ?? {}
    return values[0]?.value ?? 0
  }
}
