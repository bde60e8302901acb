/** Light and dark from the reader's own setting; nothing is fetched. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6675; --paper: #fff; --panel: #f5f7fa; --line: #dde3ea;
  --single: #7a8798; --replicated: #1f77b4; --good: #2e8b57; --bad: #c0392b; --mark: #b8860b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #9aa6b5; --paper: #14181e; --panel: #1d232b;
  --line: #323b47; --single: #8b98a9; --replicated: #58a6e0; --good: #4fb37c; --bad: #e8695a; --mark: #d9a520; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { margin: .5rem 0; } .soft { color: var(--soft); }
.conclusion { background: var(--panel); border-left: 4px solid var(--replicated); padding: .75rem 1rem; margin: 1.25rem 0; }
.conclusion.none { border-left-color: var(--mark); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); } td { font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; margin: .75rem 0; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .group { font-weight: 600; }
svg .value { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
svg .tick { fill: var(--soft); font-size: 11px; } svg .grid { stroke: var(--line); }
svg .mark { stroke: var(--mark); stroke-dasharray: 4 3; stroke-width: 1.5; }
svg rect.single { fill: var(--single); } svg rect.replicated { fill: var(--replicated); }
svg rect.good { fill: var(--good); } svg rect.bad { fill: var(--bad); } svg rect.neutral { fill: var(--single); }
svg .line { fill: none; stroke-width: 1.5; opacity: .75; } svg .plateau { stroke-width: 3; }
svg .line.single, svg .plateau.single { stroke: var(--single); }
svg .line.replicated, svg .plateau.replicated { stroke: var(--replicated); }
code { font-size: .85em; }
`;
