import type { JsonSchema } from '../../index.js';
import { JSON_FORM } from '../output.js';
import { ANSWERS, ITEMS } from './answers.js';
import { FIGURES } from './figures.js';
import { MIGRATIONS } from './migrations.js';
import { PARTS } from './parts.js';
import { TOPOLOGY } from './topology.js';

/** The JSON Schema of what `--json` prints: `answer to NAME` and `item of NAME` in `$defs` for each command, and `failure`. */
export function outputsSchema(): JsonSchema {
  const answers = Object.entries(ANSWERS).map(([name, result]) => [`answer to ${name}`, said(name, { result })]);
  const items = Object.entries(ITEMS).map(([name, item]) => [`item of ${name}`, said(name, { item })]);
  const failure = said(undefined, { error: { $ref: '#/$defs/error' } });
  const printed: Record<string, JsonSchema> = Object.fromEntries([...answers, ...items, ['failure', failure]]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `What lvc prints with --json, form ${JSON_FORM}`,
    description:
      'One object; of commands that go on until Ctrl-C one on each line. Fields may come without another form.',
    anyOf: Object.keys(printed).map((name) => ({ $ref: `#/$defs/${name.replaceAll(' ', '%20')}` })),
    $defs: { ...printed, ...PARTS, ...FIGURES, ...MIGRATIONS, ...TOPOLOGY },
  };
}

function said(command: string | undefined, content: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: 'object',
    properties: {
      lvc: { const: JSON_FORM },
      command: command === undefined ? { type: 'string' } : { const: command },
      ...content,
    },
    required: ['lvc', 'command', ...Object.keys(content)],
  };
}
