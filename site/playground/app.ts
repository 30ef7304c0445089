/// <reference lib="dom" />
import { jsonSchema, planChanges, topology, topologySvg } from '../../src/pure.js';
import { complete } from './complete.js';
import { EXAMPLE } from './example.js';

const at = <Kind extends HTMLElement>(id: string) => document.getElementById(id) as Kind;
const FIELDS = ['canonical', 'live', 'request', 'libvirt'] as const;
const fields = Object.fromEntries(FIELDS.map((id) => [id, at<HTMLTextAreaElement>(id)])) as Record<
  (typeof FIELDS)[number],
  HTMLTextAreaElement
>;
const schema = jsonSchema('change');

/** What stands after # in the address: the fields, so that a page can be kept. Browsers send that part nowhere. */
function kept(): Partial<Record<(typeof FIELDS)[number], string>> {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return {};
  }
}

function show(): void {
  const { canonical, live, request, libvirt } = Object.fromEntries(
    FIELDS.map((id) => [id, fields[id].value.trim()]),
  ) as Record<(typeof FIELDS)[number], string>;
  const plan = at('plan');
  try {
    const domain = {
      canonical,
      ...(live === '' ? {} : { live }),
      ...(libvirt === '' ? {} : { libvirtVersion: libvirt }),
    };
    plan.textContent = String(planChanges(domain, JSON.parse(request || '{}')));
    plan.className = '';
    at('picture').innerHTML = topologySvg(topology(canonical, live === '' ? undefined : live));
  } catch (error) {
    plan.textContent = error instanceof Error ? error.message : String(error);
    plan.className = 'wrong';
  }
}

/** Offers what can stand where the request is written on. */
function offer(): void {
  const { request } = fields;
  const { words, replaces } = complete(schema, request.value.slice(0, request.selectionStart));
  at('words').replaceChildren(
    ...words.slice(0, 40).map((word) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = word;
      button.addEventListener('click', () => {
        const end = request.selectionStart;
        request.setRangeText(word, end - replaces, end, 'end');
        request.focus();
        show();
        offer();
      });
      return button;
    }),
  );
}

for (const [id, value] of Object.entries({ ...EXAMPLE, ...kept() }))
  if (id in fields) fields[id as 'request'].value = value;
for (const field of Object.values(fields)) field.addEventListener('input', show);
for (const event of ['input', 'keyup', 'click']) fields.request.addEventListener(event, offer);
show();
fields.request.selectionStart = fields.request.value.length;
offer();
