import type { Caught } from './store.ts';

const STYLE = `body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 } td { border-top: 1px solid #8884 }
pre { white-space: pre-wrap; overflow-wrap: anywhere } time { white-space: nowrap }`;

/** What was caught, for people. Loads itself again every few seconds. */
export function page(notices: readonly Caught[]): string {
  const rows = notices.map(row).join('\n');
  const table = `<table><thead><tr><th>received (UTC)</th><th>by</th><th>notice</th></tr></thead><tbody>\n${rows}\n</tbody></table>`;
  const body = notices.length > 0 ? table : '<p>Nothing yet: ./lab fault kill db-1 makes some.</p>';
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5">
<title>Notices of the lab</title><style>${STYLE}</style></head>
<body><h1>Notices of the lab</h1>
<p>What the supervisors would have sent to you, the newest first. As JSON: <a href="/notices">/notices</a></p>
${body}
</body></html>
`;
}

function row({ receivedAt, via, title, to, text }: Caught): string {
  const by = to === null ? via : `${via} to ${to}`;
  const when = receivedAt.replace('T', ' ').slice(0, 19);
  const details = `<details><summary>${escaped(title)}</summary><pre>${escaped(pretty(via, text))}</pre></details>`;
  return `<tr><td><time datetime="${receivedAt}">${when}</time></td><td>${escaped(by)}</td><td>${details}</td></tr>`;
}

const pretty = (via: Caught['via'], text: string): string =>
  via === 'webhook' ? JSON.stringify(JSON.parse(text), null, 2) : text;

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
