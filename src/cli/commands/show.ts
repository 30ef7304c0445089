import type { DeviceView, Drift, Pending } from '../../index.js';
import type { Answer } from '../exit.js';
import { coloured, shownText, table } from '../output.js';
import type { Session } from '../session.js';
import { driftLines } from './drift.js';
import { pendingLines } from './pending.js';

/** `lvc show`: one domain with its devices, what waits, what others changed, and where there is room. */
export async function show(session: Session, name: string): Promise<Answer> {
  const { signal } = session;
  const domain = await session.domain(name);
  const [state, devices, pending, drift, { capacity }] = await Promise.all([
    domain.stateReason({ signal }),
    domain.devices({ signal }),
    domain.pending({ signal }),
    domain.drift({ signal }),
    domain.plan({}, { signal }),
  ]);
  const { interrupted } = domain;
  const result = {
    name: domain.name,
    uuid: domain.uuid,
    ...state,
    devices: devices.map(({ xml: _, spec: __, ...device }) => device),
    capacity,
    pending,
    drift,
    interrupted,
  };
  const text = [
    `${coloured('bold', shownText(domain.name))} (${domain.uuid})  ${state.state}, ${state.reason}`,
    '',
    table(['DEVICE', 'ADDRESS', 'OF THE GUEST', 'IN'], devices.map(deviceRow)),
    '',
    ...Object.entries(capacity)
      .filter(([, { total }]) => total > 0)
      .map(
        ([bus, { total, free }]) =>
          `${bus === 'pci' ? 'Hot-plug PCI slots' : `Places on ${bus}`}: ${free} of ${total} free`,
      ),
    ...section('Waits for the next cold boot', pendingPart(pending)),
    ...section('Changed by others', driftPart(drift)),
    ...(interrupted
      ? ['', coloured('red', `An apply was interrupted. Settle it with: lvc recover ${domain.name}`)]
      : []),
  ];
  return { result, text: text.join('\n') };
}

function deviceRow({ identity, address, liveAddress, in: where }: DeviceView): string[] {
  const moved = address !== undefined && liveAddress !== undefined && address !== liveAddress;
  return [shownText(identity), address ?? '-', moved ? `${liveAddress} (moves)` : (liveAddress ?? '-'), where];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', coloured('bold', `${title}:`), ...lines];
}

const pendingPart = (pending: Pending) => (pending.needsColdBoot ? pendingLines(pending) : []);
const driftPart = (drift: Drift) => (drift.changes.length > 0 ? driftLines(drift) : []);
