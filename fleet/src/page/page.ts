/** The status page: what it is made of, as it is served. No build step, nothing from elsewhere. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Fleet operations</title>
<link rel="stylesheet" href="/page.css">
<h1>Fleet operations</h1>
<p id="link" role="status">Connecting …</p>
<p id="workers"></p>
<main id="operations"></main>
<script src="/page.js"></script>
</html>
`;

export const STYLE = `:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; margin-top: 1rem; }
h2 { font-size: 1.1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
progress { width: 8rem; }
.failed, .waits { font-weight: 600; }
.failed { color: #b00020; }
`;

/** Text goes into the page as text alone: names come from hosts, and anybody may have written them. */
export const SCRIPT = `'use strict';
const at = (id) => document.getElementById(id);
function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}
function bar(percent) {
  const element = document.createElement('progress');
  element.max = 100;
  element.value = percent;
  element.title = percent + ' %';
  return element;
}
function section(operation) {
  const { id, kind, state, done, total, left, moving, failed, waiting, created } = operation;
  const part = make('section');
  part.dataset.operation = id;
  part.append(make('h2', id + ': ' + kind + ', ' + state));
  part.append(make('p', done + ' of ' + total + ' done, ' + left + ' left, ' + failed.length + ' failed. Begun ' + created));
  for (const [topic, wait] of Object.entries(waiting)) part.append(make('p', 'Waits for ' + topic + ': ' + wait.says, 'waits'));
  if (moving.length > 0) {
    const table = make('table');
    const head = make('tr');
    for (const each of ['Domain', 'From', 'To', 'Phase', 'Sent', 'Policy']) head.append(make('th', each));
    table.append(head);
    for (const each of moving) {
      const row = make('tr');
      for (const text of [each.name, each.from, each.to || '', each.phase || '']) row.append(make('td', text));
      const sent = make('td');
      if (each.percent !== undefined) sent.append(bar(each.percent));
      row.append(sent, make('td', each.policy || ''));
      table.append(row);
    }
    part.append(table);
  }
  for (const { name, from, error } of failed)
    part.append(make('p', name + ' on ' + from + ': ' + error.code + ': ' + error.message, 'failed'));
  return part;
}
function show({ operations, workers, error }) {
  at('link').textContent = error ? 'The store does not answer: ' + error : 'Live';
  at('workers').textContent = 'Workers: ' + (workers.map(({ name }) => name).join(', ') || 'none');
  const parts = operations.slice().reverse().map(section);
  at('operations').replaceChildren(...(parts.length > 0 ? parts : [make('p', 'No operations.')]));
}
const events = new EventSource('/events');
events.onmessage = ({ data }) => show(JSON.parse(data));
events.onerror = () => { at('link').textContent = 'The worker does not answer; trying again …'; };
`;
