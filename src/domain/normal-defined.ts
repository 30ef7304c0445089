import type { Leaves } from '../xml/index.js';
import type { NormalizationRule } from './devices/kind.js';

/** True when the firmware that was to be chosen is written out as a path. */
function hasFirmware(_: Leaves, there: Leaves): boolean {
  return there.has('os/loader') && there.get('os/loader/@type') === 'pflash';
}

/** True when the firmware that is written out is one of secure boot, or not, as was asked. */
function isAsSecure(asked: Leaves, there: Leaves, path: string): boolean {
  return hasFirmware(asked, there) && (there.get('os/loader/@secure') ?? 'no') === asked.get(path);
}

/** True when `host-model` is written out as the model that the host had at define. */
function isPinned(_: Leaves, there: Leaves): boolean {
  return there.get('cpu/@mode') === 'custom' && there.has('cpu/model');
}

const FIRMWARE = 'resolveFirmware writes out the firmware that a definition leaves to be chosen';
const HOST_MODEL = 'pinHostModel writes out host-model as a custom one';
const LEFT_OPEN = { 'os/@firmware': ['efi'] };

/** What `define` writes out where a definition leaves it to be chosen: who asks for the choice again has it. */
export const DOMAIN_DEFINED: readonly NormalizationRule[] = [
  { path: 'os/@firmware', asked: /^efi$/, there: hasFirmware, source: FIRMWARE },
  { path: /^os\/firmware\/feature\{secure-boot\}\/@enabled$/, where: LEFT_OPEN, there: isAsSecure, source: FIRMWARE },
  { path: 'os/loader/@secure', where: LEFT_OPEN, there: isAsSecure, source: FIRMWARE },
  // Which keys a template holds does not show in a document without features.
  ...['secure-boot', 'enrolled-keys'].map(
    (name): NormalizationRule => ({
      path: new RegExp(`^os/firmware/feature\\{${name}\\}/@${name === 'enrolled-keys' ? '' : 'name$'}`),
      where: LEFT_OPEN,
      there: hasFirmware,
      source: FIRMWARE,
    }),
  ),
  {
    path: /^(cpu\/(@mode|@match|@check|model(\/.*)?|vendor))$/,
    where: { 'cpu/@mode': ['host-model'] },
    there: isPinned,
    source: HOST_MODEL,
  },
];
