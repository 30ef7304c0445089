import { type Field, flag } from '../devices/fields.js';
import { record, wordKey } from './forms.js';

/** Which keys of an S/390 guest the host wraps. Fixed at define. */
export interface KeywrapSpec {
  readonly aes?: boolean | undefined;
  readonly dea?: boolean | undefined;
}

/** `<keywrap>`. */
export const keywrap: Field<KeywrapSpec> = record(
  'keywrap/cipher',
  '@name',
  flag('@state', 'on', 'off'),
  wordKey(['aes', 'dea']),
);
