import { type Answer, UsageError } from '../exit.js';
import { readInputs } from '../input.js';
import { definitions } from '../requests.js';
import type { Session } from '../session.js';

/** `lvc define`: domains that do not exist yet, from specs or domain XML. */
export async function define(session: Session, { file }: { readonly file?: string }): Promise<Answer> {
  if (file === undefined)
    throw new UsageError('Give what to define with -f FILE: a spec in YAML or JSON, or domain XML');
  const wanted = definitions(await readInputs(file));
  const manager = await session.manager();
  const defined: { name: string; uuid: string }[] = [];
  for (const { definition } of wanted) {
    const { name, uuid } = await manager.define(definition, { signal: session.signal }).catch((error: unknown) => {
      if (defined.length > 0)
        process.stderr.write(`defined before that: ${defined.map(({ name }) => name).join(', ')}\n`);
      throw error;
    });
    defined.push({ name, uuid });
  }
  return { result: { defined }, text: defined.map(({ name, uuid }) => `Defined ${name} (${uuid}).`).join('\n') };
}
