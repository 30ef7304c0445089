import { sha256 } from '#platform';
import {
  domainLeaves,
  isBookkeeping,
  isLiveOnly,
  memoizePerDocument,
  type ObservedDomain,
  withoutBookkeeping,
} from '../domain/index.js';
import { child, children, serialize, under } from '../xml/index.js';

/** Values of a running domain that move by themselves. */
export const VOLATILE = ['currentMemory', '@id'];

/**
 * What a plan is bound to: a digest of both documents and of what stands beside them. Values that move by themselves
 * (balloon, runtime names and ports), and what apply keeps in the metadata for itself, do not count.
 */
export function digestOf({ canonical, live, autostart }: ObservedDomain): string {
  return sha256(`${withoutBookkeeping(canonical)}\0${live ? settled(live) : ''}\0${autostart}`, 'hex');
}

/** What counts of a live document, as text. */
const settled = memoizePerDocument((live) => {
  const domain = [...domainLeaves(live)].filter(([path]) => !VOLATILE.some((each) => under(path, each)));
  const devices = live.devices.map((device) => [...device.leaves].filter(([path]) => !isLiveOnly(device, path)));
  const metadata = child(live.root, 'metadata');
  const others = (metadata ? children(metadata) : []).filter(({ namespaceURI: uri }) => !isBookkeeping(uri ?? ''));
  return JSON.stringify([domain, devices, others.map(serialize).join('')]);
});
