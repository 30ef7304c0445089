import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainRates, DomainStats } from '../../index.js';
import type { Answer } from '../exit.js';
import { shownText, table } from '../output.js';
import { bytesText } from '../progress.js';
import type { Session } from '../session.js';

/** `lvc stats`: figures of one domain or of all; with `--watch` again and again, with rates. */
export async function stats(
  session: Session,
  name: string | undefined,
  { watch, nowait = false }: { readonly watch?: number; readonly nowait?: boolean },
): Promise<Answer | undefined> {
  const { signal } = session;
  const domain = name === undefined ? undefined : await session.domain(name);
  const manager = await session.manager();
  const read = async () =>
    domain ? [await domain.stats({ signal, nowait })] : await manager.stats({ signal, nowait });
  if (watch === undefined) {
    const found = await read();
    return { result: { stats: found }, text: found.length === 0 ? 'There is no domain.' : statsTable(found, []) };
  }
  const { statsRates } = await import('../../index.js');
  let before: readonly DomainStats[] = [];
  try {
    for (;;) {
      const found = await read();
      const rates = found.flatMap((each) => {
        const earlier = before.find(({ uuid }) => uuid === each.uuid);
        return earlier ? [{ uuid: each.uuid, ...statsRates(earlier, each) }] : [];
      });
      session.tell({ stats: found, rates }, `${statsTable(found, rates)}\n`);
      before = found;
      await sleep(watch * 1000, undefined, { signal });
    }
  } catch (error) {
    // Ctrl-C is how it ends.
    if (!signal.aborted) throw error;
    return undefined;
  }
}

type Rates = DomainRates & { readonly uuid: string };

function statsTable(all: readonly DomainStats[], rates: readonly Rates[]): string {
  const head = ['DOMAIN', 'STATE', 'CPU', 'MEMORY', 'VCPUS', 'READ', 'WRITTEN', 'RECEIVED', 'SENT'];
  return table(
    head,
    all.map((each) =>
      statsRow(
        each,
        rates.find(({ uuid }) => uuid === each.uuid),
      ),
    ),
  );
}

function statsRow(each: DomainStats, rates: Rates | undefined): string[] {
  const { name, state, cpu, memory, vcpus, disks, interfaces } = each;
  const inAll = rates
    ? {
        cpu: rates.cpu === undefined ? '-' : `${(rates.cpu * 100).toFixed(1)} %`,
        read: perSecond(rates.disks.map(({ read }) => read?.bytes)),
        written: perSecond(rates.disks.map(({ written }) => written?.bytes)),
        received: perSecond(rates.interfaces.map(({ received }) => received?.bytes)),
        sent: perSecond(rates.interfaces.map(({ sent }) => sent?.bytes)),
      }
    : {
        cpu: cpu ? `${(Number(cpu.time) / 1e9).toFixed(1)} s` : '-',
        read: amount(disks.map(({ read }) => read?.bytes)),
        written: amount(disks.map(({ written }) => written?.bytes)),
        received: amount(interfaces.map(({ received }) => received?.bytes)),
        sent: amount(interfaces.map(({ sent }) => sent?.bytes)),
      };
  return [
    shownText(name),
    state,
    inAll.cpu,
    memory ? bytesText(Number(memory.current)) : '-',
    vcpus.length === 0 ? '-' : String(vcpus.length),
    inAll.read,
    inAll.written,
    inAll.received,
    inAll.sent,
  ];
}

/** The sum of what is known; a dash when nothing is. */
function amount(values: readonly (bigint | number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? '-' : bytesText(known.reduce<number>((sum, value) => sum + Number(value), 0));
}

function perSecond(values: readonly (number | undefined)[]): string {
  const sum = amount(values);
  return sum === '-' ? sum : `${sum}/s`;
}
