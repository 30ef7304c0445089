import { type Found, found } from './finding.js';

/** UUIDs that vendors leave in the firmware of every machine, as libvirt users met them. */
const DUMMIES: ReadonlySet<string> = new Set([
  '00020003-0004-0005-0006-000700080009',
  '03000200-0400-0500-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '01020304-0506-0708-090a-0b0c0d0e0f10',
]);
/** All digits the same: `00000000-…`, `ffffffff-…`. */
const ONE_DIGIT = /^([0-9a-f])\1{7}(-\1{4}){3}-\1{12}$/;

const REMEDY = 'Set host_uuid in the configuration file of the daemon to a new one, from uuidgen, and restart it';

/** A host UUID that is none, or that every machine of a vendor has. virConnectGetCapabilities. */
export function checkHostUuid(uuid: string): Found[] {
  const lower = uuid.toLowerCase();
  if (ONE_DIGIT.test(lower)) return [found('host-uuid-dummy', `the host UUID is ${uuid}: no UUID`, REMEDY)];
  return DUMMIES.has(lower)
    ? [found('host-uuid-dummy', `the host UUID ${uuid} is a dummy that vendors leave`, REMEDY)]
    : [];
}

/** The same UUID as another host's. */
export function checkSharedUuid(uuid: string, other: { readonly uuid: string; readonly uri: string }): Found[] {
  if (uuid !== other.uuid) return [];
  return [
    found(
      'host-uuid-shared',
      `${other.uri} has the host UUID ${uuid} too`,
      `${REMEDY}, on one of them; if both are one host, give it once`,
    ),
  ];
}
