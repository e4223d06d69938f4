/** What the page of a history adds to the common look. */
export const HISTORY_STYLE = `
body { display: flex; flex-direction: column; height: 100vh; }
header { display: flex; gap: 16px; align-items: center; padding: 10px 16px; border-bottom: 1px solid var(--line); }
nav { margin-left: auto; display: flex; gap: 8px; }
.verdict { padding: 3px 10px; border-radius: 5px; border: 1px solid currentColor; }
.verdict.ok { color: var(--green); } .verdict.illegal { color: var(--violation); } .verdict.unknown { color: var(--orange); }
.explanation { margin: 12px 16px 4px; padding: 9px 12px; background: var(--raised); border-left: 4px solid var(--green); max-width: 130ch;
  overflow-wrap: anywhere; max-height: 9em; overflow-y: auto; border-radius: 0 5px 5px 0; }
.explanation.illegal { border-color: var(--violation); } .explanation.unknown { border-color: var(--orange); }
.legend { display: flex; flex-wrap: wrap; gap: 16px; padding: 6px 16px; align-items: center; }
.sample::before { content: ''; display: inline-block; width: 22px; height: 11px; margin-right: 6px; border-radius: 3px; border: 1px solid; vertical-align: -1px; }
.sample.ok::before, .call.ok { border-color: var(--blue); background: color-mix(in srgb, var(--blue) 20%, var(--ground)); }
.sample.uncertain::before, .call.uncertain { border: 1px dashed var(--orange); background: color-mix(in srgb, var(--orange) 12%, var(--ground)); }
.sample.refused::before, .call.refused { border: 1px dotted var(--gray); background: var(--faint); }
.sample.failure::before, .call.failure { border: 2px solid var(--violation); background: color-mix(in srgb, var(--violation) 28%, var(--ground)); }
main { position: relative; flex: 1; overflow: auto; border-block: 1px solid var(--line); margin-top: 6px; min-height: 160px; }
.lane { position: relative; height: 40px; border-bottom: 1px solid var(--faint); }
.lane:nth-child(even) { background: color-mix(in srgb, var(--raised) 55%, transparent); }
.name { position: sticky; left: 0; z-index: 3; display: inline-block; width: 120px; height: 39px; line-height: 39px; padding-left: 16px; background: var(--ground);
  border-right: 1px solid var(--line); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 600; }
.call { position: absolute; top: 6px; height: 27px; padding: 0 6px; overflow: clip; white-space: nowrap; text-overflow: ellipsis; text-align: left;
  font-size: 12px; border-radius: 4px; color: var(--text); }
.label { position: sticky; left: 130px; }
.call.uncertain { mask-image: linear-gradient(to right, #000 70%, #0006); }
.call.failure { z-index: 2; font-weight: 650; }
.call[aria-current='true'] { box-shadow: 0 0 0 2px var(--focus); z-index: 2; }
.number { display: inline-block; min-width: 18px; padding: 0 4px; margin-right: 5px; border-radius: 8px; text-align: center; font-size: 11px; font-weight: 650;
  background: var(--text); color: var(--ground); line-height: 16px; }
.cut { position: absolute; top: 0; width: 0; border-left: 2px dashed var(--violation); z-index: 1; pointer-events: none; }
#details { padding: 10px 16px; min-height: 118px; max-height: 34vh; overflow: auto; background: var(--raised); }
#details h2 { margin: 0 0 4px; font-size: 14px; overflow-wrap: anywhere; } #details p { margin: 2px 0; overflow-wrap: anywhere; }
#details .state { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12px; }
`
