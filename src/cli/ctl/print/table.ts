/** Rows in a frame, as etcdctl's `-w table` has them: titles in capitals and centred, cells to the right. */

export function tableText(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  const border = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const line = (cells: readonly string[]): string => `|${cells.map((cell) => ` ${cell} `).join('|')}|\n`
  const head = line(titles.map((title, at) => centred(title.toUpperCase(), widths[at] ?? 0)))
  const body = rows.map((row) => line(widths.map((width, at) => (row[at] ?? '').padStart(width))))
  return `${border}${head}${border}${body.join('')}${rows.length > 0 ? border : ''}`
}

function centred(text: string, width: number): string {
  const before = Math.floor((width - text.length) / 2)
  return `${' '.repeat(before)}${text}`.padEnd(width)
}
