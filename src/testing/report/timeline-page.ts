/**
 * A run as one HTML file: members as lanes, messages as arrows, terms and leaders as bands, faults as shading, calls as
 * bars, and a line where it went wrong. Opens anywhere, asks the network for nothing.
 *
 * Always: what comes from the run stands in the page as data or as escaped text.
 */
import { escapeMarkup, pageText, scriptOf } from './page-style.js'
import { drawEvents } from './page/draw-events.js'
import { drawLanes } from './page/draw-lanes.js'
import { drawOverview } from './page/draw-overview.js'
import { eventList } from './page/event-list.js'
import { hit } from './page/hit.js'
import { layout } from './page/layout.js'
import { timeWindow } from './page/time-window.js'
import type { TimelineKind } from './page/timeline-data.js'
import { timelineMain } from './page/timeline-main.js'
import { TIMELINE_STYLE } from './page/timeline-style.js'
import type { RunRecord } from './run-record.js'
import { TIMELINE_KINDS } from './timeline-kinds.js'
import { timelineData } from './timeline-shapes.js'

export function timelinePage(record: RunRecord): string {
  const { headline } = record
  return pageText({
    title: `seed ${headline.seed}: ${headline.verdict}`,
    style: TIMELINE_STYLE,
    body: body(record),
    data: timelineData(record),
    script: scriptOf(timelineMain, { drawEvents, drawLanes, drawOverview, eventList, hit, layout, timeWindow }),
  })
}

function body(record: RunRecord): string {
  const { headline, violation, omitted, endMs } = record
  const isFailure = violation !== undefined
  const omission = omitted === 0 ? '' : `${omitted.toLocaleString('en-US')} earlier events are left out`
  const facts = [
    `${headline.faults} faults`,
    `${headline.operations} operations`,
    `${(endMs / 1000).toFixed(2)} s`,
    omission,
  ]
  return `<header>
<h1><span class="verdict ${isFailure ? 'failed' : 'held'}">${isFailure ? '✖' : '✔'} ${escapeMarkup(headline.verdict)}</span>
seed ${headline.seed}</h1>
<span class="muted">${facts.filter((fact) => fact !== '').join(' · ')}</span>
<span><code id="replay">${escapeMarkup(headline.replay)}</code> <button id="copy">copy</button></span>
<nav>
<button id="violation" title="key v"${isFailure ? '' : ' hidden'}>violation</button>
<button id="whole" title="key w">whole run</button>
<button id="closer" title="key +" aria-label="closer">+</button>
<button id="farther" title="key -" aria-label="farther">−</button>
<button id="theme" title="key t">light / dark</button>
<button id="keys" title="key ?">keys</button>
</nav>
</header>
${isFailure ? `<pre class="violation" tabindex="0">${escapeMarkup(violation.message)}</pre>` : ''}
<div class="kinds">${Object.values(TIMELINE_KINDS).map(legendEntry).join('')}</div>
<main>
<div class="drawing"><canvas id="canvas" role="img" aria-label="Timeline of the run; the list beside it says the same in words"></canvas>
<div id="tip" hidden></div>
<div id="help" hidden>${HELP}</div></div>
<aside><div class="find"><input id="search" type="search" placeholder="find in events  ( / )" aria-label="find in events">
<span id="counter" class="muted"></span></div>
<div id="list" tabindex="0"></div></aside>
</main>`
}

/** A box to show and hide a kind, with the sign that stands for it. */
function legendEntry(kind: TimelineKind, at: number): string {
  if (kind.sign === 'line') return ''
  return `<label><input type="checkbox" id="kind-${at}"${kind.hidden ? '' : ' checked'}>${signOf(kind)}${escapeMarkup(kind.name)}</label>`
}

function signOf({ sign, color, dash }: TimelineKind): string {
  const stroke = `fill="none" stroke="var(--${color})" stroke-width="2"`
  const shapes: Readonly<Record<TimelineKind['sign'], string>> = {
    arrow: `<path d="M0 6H17" ${stroke} stroke-dasharray="${dash.join(' ')}"/><path d="M24 6l-7-4v8z" fill="var(--${color})"/>`,
    mark: `<path d="M12 1l5 5-5 5-5-5z" ${color === 'vermilion' ? `fill="var(--${color})"` : stroke}/>`,
    tick: `<path d="M8 1V11M14 1V11" ${stroke}/>`,
    bar: `<path d="M2 3H22V9H2z" fill="var(--${color})"/>`,
    line: '',
    shade: `<path d="M2 0H22V12H2z" fill="var(--${color})" opacity=".25"/><path d="M2 1H22" ${stroke}/>`,
  }
  return `<svg width="24" height="12" aria-hidden="true">${shapes[sign]}</svg>`
}

const HELP = `<table>
<tr><td>wheel, + −, ↑ ↓</td><td>closer, farther</td></tr>
<tr><td>drag, shift + wheel, ← →</td><td>earlier, later</td></tr>
<tr><td>w</td><td>the whole run</td></tr>
<tr><td>v</td><td>to the violation</td></tr>
<tr><td>n, p</td><td>next, previous event of the list</td></tr>
<tr><td>/</td><td>find in events</td></tr>
<tr><td>t</td><td>light, dark</td></tr>
<tr><td>Esc</td><td>choose nothing</td></tr>
</table>
<p>Bands: thick is the leader of a term, thin a follower, a frame a candidate (dashed: before it is one), dots a member that
is down, a gap with two bars one that is paused. Members in one term have one colour.</p>
<p>Arrows: empty heads arrive a second time, crosses never. Calls: full is ok, a frame is refused, a notch is unknown,
stripes never ended. The address of the page holds the time: #t= milliseconds.</p>`
