import type { AddressSource, KnownAddress } from '../../index.js';
import { type Answer, EXIT } from '../exit.js';
import { shownText, table } from '../output.js';
import type { Session } from '../session.js';

/** `lvc addresses`: every address of the running guest, with who knows it. */
export async function addresses(
  session: Session,
  name: string,
  { source, wait }: { readonly source?: readonly AddressSource[]; readonly wait?: number },
): Promise<Answer> {
  const { signal } = session;
  const domain = await session.domain(name);
  const sources = source === undefined ? {} : { sources: source };
  if (wait !== undefined) await domain.waitForAddress({ signal, timeout: wait * 1000, ...sources });
  const found = await domain.addresses({ signal, ...sources });
  return {
    result: { addresses: found },
    text: found.length === 0 ? `Nobody knows an address of ${domain.name} yet.` : addressTable(found),
    exit: EXIT.ok,
  };
}

function addressTable(found: readonly KnownAddress[]): string {
  return table(
    ['ADDRESS', 'INTERFACE', 'MAC', 'KNOWN BY'],
    found.map(({ address, prefix, mac, sources, interface: device }) => [
      prefix > 0 ? `${address}/${prefix}` : address,
      shownText(device),
      mac ?? '-',
      sources.join(', '),
    ]),
  );
}
