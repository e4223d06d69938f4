/** How the timeline looks, beside what all pages share. */
export const TIMELINE_STYLE = `
html, body { height: 100%; }
body { display: flex; flex-direction: column; overflow: hidden; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; padding: 8px 14px 6px; }
header nav { display: flex; gap: 6px; margin-left: auto; }
.verdict { padding: 1px 8px; margin-right: 6px; border-radius: 5px; color: var(--ground); }
.verdict.failed { background: var(--violation); }
.verdict.held { background: var(--green); }
header code { padding: 3px 7px; background: var(--raised); border: 1px solid var(--line); border-radius: 5px; }
pre.violation {
  margin: 2px 14px 6px; padding: 6px 10px; max-height: 7.5em; overflow: auto; white-space: pre-wrap;
  border-left: 3px solid var(--violation); background: var(--raised);
}
.kinds { display: flex; flex-wrap: wrap; gap: 2px 14px; padding: 3px 14px 7px; border-bottom: 1px solid var(--line); }
.kinds label { display: inline-flex; align-items: center; gap: 5px; cursor: pointer; white-space: nowrap; }
.kinds input { margin: 0; accent-color: var(--muted); }
.kinds label:has(input:not(:checked)) { color: var(--muted); }
main { flex: 1; min-height: 0; display: flex; }
.drawing { flex: 1; min-width: 0; position: relative; overflow: hidden; }
canvas { display: block; width: 100%; height: 100%; touch-action: none; cursor: grab; }
#tip {
  position: absolute; max-width: 460px; padding: 5px 9px; pointer-events: none; white-space: pre-wrap;
  background: var(--ground); border: 1px solid var(--muted); border-radius: 6px; box-shadow: 0 2px 8px #0003;
}
#help {
  position: absolute; top: 40px; right: 12px; width: 380px; padding: 8px 14px;
  background: var(--ground); border: 1px solid var(--muted); border-radius: 8px; box-shadow: 0 4px 16px #0004;
}
#help td { padding: 2px 14px 2px 0; vertical-align: top; }
aside { width: min(440px, 38vw); display: flex; flex-direction: column; border-left: 1px solid var(--line); }
.find { display: flex; align-items: center; gap: 10px; padding: 6px 10px; border-bottom: 1px solid var(--line); }
.find input { flex: 1; min-width: 0; }
#list { flex: 1; overflow: auto; position: relative; }
.lines { position: relative; min-width: 100%; }
.line {
  position: absolute; left: 0; right: 0; height: 20px; padding: 0 10px; display: flex; align-items: center; gap: 8px;
  white-space: pre; cursor: pointer; font-size: 12px; font-variant-numeric: tabular-nums;
}
.line:hover { background: var(--faint); }
.line.selected { background: var(--focus); color: var(--ground); }
.line.selected span { color: inherit; }
.line.late { opacity: .6; }
.line i { flex: none; width: 8px; height: 8px; border-radius: 2px; }
.line .at { flex: none; width: 58px; text-align: right; color: var(--muted); }
.line .who { flex: none; min-width: 42px; font-weight: 600; }
.line .what { flex: none; min-width: 96px; }
.line .detail { overflow: hidden; text-overflow: ellipsis; color: var(--muted); }
[hidden] { display: none !important; }
@media (max-width: 800px) { aside { display: none; } }
`
