/**
 * A history as one HTML file: clients as lanes, calls as bars from begin to end, numbered in the order that was found, and
 * the call that no order explains. Opens anywhere, asks the network for nothing.
 *
 * Always: what comes from the history stands in the page as data or as escaped text.
 */
import { escapeMarkup, pageText, scriptOf } from '../report/page-style.js'
import type { Call } from './call.js'
import type { History } from './history.js'
import type { PageCall, PageData } from './page/page-data.js'
import { historyMain } from './page/history-main.js'
import { HISTORY_STYLE } from './page/history-style.js'
import type { Linearization, Verdict } from './verdict.js'

/** Calls shown at most: those around the impossible one. */
const CALLS_MAX = 1500

/**
 * @example
 * writeFileSync('history.html', historyPage(history, check(history, registerModel)))
 */
export function historyPage(history: Pick<History, 'calls'>, verdict: Verdict): string {
  const data = dataOf(history.calls, verdict)
  return pageText({
    title: `history: ${verdict.verdict}`,
    style: HISTORY_STYLE,
    body: bodyOf(verdict, data),
    data,
    script: scriptOf(historyMain, {}),
  })
}

function bodyOf(verdict: Verdict, { calls, omitted, partition }: PageData): string {
  const [mark, word] = { ok: ['✔', 'legal'], illegal: ['✖', 'illegal'], unknown: ['?', 'undecided'] }[verdict.verdict]
  const explanation =
    verdict.verdict === 'ok' ? 'Every answer is explained by the order that the numbers tell.' : verdict.explanation
  const facts = [
    `${calls.length} calls`,
    partition === undefined ? '' : `key ${JSON.stringify(partition)}`,
    omitted === 0 ? '' : `${omitted} calls farther away are left out`,
    `by ${verdict.engine} in ${verdict.steps} steps`,
  ]
  return `<header>
<h1><span class="verdict ${verdict.verdict}">${mark} ${word}</span></h1>
<span class="muted">${escapeMarkup(facts.filter((fact) => fact !== '').join(' · '))}</span>
<nav><button id="failure" title="key f"${verdict.verdict === 'illegal' ? '' : ' hidden'}>impossible call</button>
<button id="theme" title="key t">light / dark</button></nav>
</header>
<p class="explanation ${verdict.verdict}" tabindex="0">${escapeMarkup(explanation)}</p>
<div class="legend muted"><span class="sample ok">answered</span><span class="sample uncertain">outcome unknown</span>
<span class="sample refused">refused</span><span class="sample failure">impossible</span>
<span><b class="number">1</b> place in the order found</span><span>arrow keys: along a lane and between lanes</span></div>
<main id="lanes" aria-label="Calls by client"></main>
<section id="details" aria-live="polite"></section>`
}

function dataOf(all: readonly Call[], verdict: Verdict): PageData {
  const illegal = verdict.verdict === 'illegal' ? verdict : undefined
  const [shown] = illegal?.linearizations ?? []
  const candidates = shown === undefined ? all : shown.calls()
  const around =
    illegal?.call === undefined ? (illegal === undefined ? 0 : candidates.length) : candidates.indexOf(illegal.call)
  const first = Math.max(0, Math.min(around - CALLS_MAX / 2, candidates.length - CALLS_MAX))
  const calls = candidates.slice(first, first + CALLS_MAX)
  const orders: readonly Linearization[] = shown === undefined ? verdict.linearizations : [shown]
  return {
    partition: shown?.partition,
    omitted: candidates.length - calls.length,
    failure: illegal?.call?.index,
    possibleStates: shown?.possibleStates ?? [],
    calls: pageCalls(calls, orders),
  }
}

function pageCalls(calls: readonly Call[], orders: readonly Linearization[]): PageCall[] {
  const wanted = new Set(calls)
  const placed = new Map<Call, { readonly place: number; readonly text: string; readonly state: string }>()
  for (const order of orders) {
    // Told apart by their keys, several orders are numbered one by one.
    if (order.length > CALLS_MAX * 40) continue
    order.replay().forEach(({ call, text, state }, at) => {
      if (call !== undefined && wanted.has(call)) placed.set(call, { place: at + 1, text, state })
    })
  }
  const describer = orders[0]
  const moments = calls.flatMap(({ invoked, returned }) => (returned === Infinity ? [invoked] : [invoked, returned]))
  const rank = new Map(moments.sort((left, right) => left - right).map((moment, at) => [moment, at]))
  return calls.map((call) => {
    const found = placed.get(call)
    const { index, client, outcome, reason, invoked, returned, invokedMs, returnedMs } = call
    return {
      index,
      client,
      outcome,
      text: found?.text ?? describer?.describe(call) ?? JSON.stringify(call.input),
      place: found?.place,
      state: found?.state,
      from: rank.get(invoked) ?? 0,
      to: outcome === 'ok' || outcome === 'refused' ? (rank.get(returned) ?? moments.length) : moments.length,
      reason,
      invokedMs,
      returnedMs,
    }
  })
}
