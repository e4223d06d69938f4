/**
 * The look that the pages for people share: colours for light and dark, fonts, the frame of a page.
 *
 * Always: colours are those of Okabe and Ito, which people with any kind of colour vision tell apart, darker on light
 * ground and lighter on dark; and no colour is the only sign of anything: a shape or a word says the same.
 * Always: a page is one file that asks the network for nothing, and its data cannot become markup or script.
 */

/** Name of a colour, then on light and on dark ground. A page uses them as `var(--name)`. */
export const COLORS = {
  ground: ['#ffffff', '#15181d'],
  raised: ['#f5f6f8', '#1d2128'],
  text: ['#1c2127', '#e4e7eb'],
  muted: ['#5c6670', '#9aa4af'],
  line: ['#d5dae0', '#333a44'],
  faint: ['#eceff2', '#252a32'],
  focus: ['#0b62c4', '#79b8ff'],
  violation: ['#c8102e', '#ff6b7a'],
  blue: ['#0072b2', '#4fb0e8'],
  sky: ['#2f9bd6', '#8fd0f5'],
  green: ['#00805d', '#35c79a'],
  orange: ['#b87400', '#f0b441'],
  vermilion: ['#c44e00', '#ff8b4a'],
  purple: ['#a8488a', '#e39ac6'],
  gray: ['#7b858f', '#848e99'],
} as const satisfies Readonly<Record<string, readonly [light: string, dark: string]>>

export type ColorName = keyof typeof COLORS

export const FONTS = {
  text: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  code: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
} as const

/** What every page begins with. `data-theme="light"` or `"dark"` on the root is stronger than what the system prefers. */
export const PAGE_STYLE = `
:root { color-scheme: light; ${variables(0)} }
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) { color-scheme: dark; ${variables(1)} } }
:root[data-theme='dark'] { color-scheme: dark; ${variables(1)} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 13px/1.45 ${FONTS.text}; }
code, pre, .code { font-family: ${FONTS.code}; font-size: 12px; }
h1 { margin: 0; font-size: 16px; font-weight: 650; }
button, select, input {
  font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 5px; padding: 2px 8px;
}
button { cursor: pointer; }
button:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
.muted { color: var(--muted); }
.violation { color: var(--violation); }
`

export interface Page {
  readonly title: string
  /** Beside {@link PAGE_STYLE}. */
  readonly style: string
  /** Markup; what comes from elsewhere goes through {@link escapeMarkup}. */
  readonly body: string
  /** What the script finds as the text of the element `data`, as JSON. */
  readonly data: unknown
  readonly script: string
}

/** One file, complete. */
export function pageText(page: Page): string {
  // Nothing may be fetched, whatever the data says: the second lock on a door that escaping keeps shut.
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escapeMarkup(page.title)}</title>
<style>${PAGE_STYLE}${page.style}</style>
</head>
<body>
${page.body}
<script type="application/json" id="data">${scriptSafeJson(page.data)}</script>
<script>${page.script}</script>
</body>
</html>
`
}

export function escapeMarkup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** JSON that cannot end the script element it stands in, and that is a script expression as well. */
export function scriptSafeJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

/**
 * The call `main(parts)` as the text of a script, for functions that were written, checked and linted as TypeScript.
 * Each must be complete in itself: in the page nothing of its module is there but what it gets as arguments.
 */
export function scriptOf<Parts extends Readonly<Record<string, (...given: never[]) => unknown>>>(
  main: (parts: Parts) => void,
  parts: Parts,
): string {
  const given = Object.entries(parts).map(([name, part]) => `${JSON.stringify(name)}: ${part.toString()}`)
  // Some compilers wrap functions in calls of a helper `__name`, to keep their names.
  return `'use strict';\nconst __name = (value) => value;\n(${main.toString()})({\n${given.join(',\n')}\n})\n`
}

function variables(scheme: 0 | 1): string {
  return Object.entries(COLORS)
    .map(([name, pair]) => `--${name}: ${pair[scheme]};`)
    .join(' ')
}
