import type { Answer } from '../exit.js';
import { outputsSchema } from '../forms/outputs.js';
import type { Session } from '../session.js';

/** What `lvc schema` has a schema of. */
export type SchemaOf = 'domain' | 'change' | 'outputs';

/** `lvc schema`: the JSON Schema of a domain spec or of a change request, for editors, or of what `--json` prints. */
export async function schema(_session: Session, of: SchemaOf): Promise<Answer> {
  const result = of === 'outputs' ? outputsSchema() : (await import('../../index.js')).jsonSchema(of);
  return { result, text: JSON.stringify(result, null, 2) };
}
