import { NAMES } from './names.js';
import { NO_DEVICES } from './no-devices.js';
import { RUNNING } from './running.js';
import { WORDS } from './words.js';

export { documentOf, type Form } from './form.js';

/** Forms of documents that libvirt takes, by what is peculiar about them. */
export const FORMS = { names: NAMES, running: RUNNING, words: WORDS, 'no devices': NO_DEVICES } as const;
