import type { Answer } from '../exit.js';
import type { Session } from '../session.js';

/** `lvc schema`: the JSON Schema of a domain spec or of a change request, for editors. */
export async function schema(_session: Session, of: 'domain' | 'change'): Promise<Answer> {
  const { jsonSchema } = await import('../../index.js');
  const result = jsonSchema(of);
  return { result, text: JSON.stringify(result, null, 2) };
}
