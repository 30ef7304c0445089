import { type Field, flag, list, text } from '../devices/fields.js';

/** One rule of which USB devices may be redirected; the first that fits decides. A field that is left out fits any. */
export interface RedirfilterRule {
  readonly class?: string | undefined;
  readonly vendor?: string | undefined;
  readonly product?: string | undefined;
  readonly version?: string | undefined;
  readonly allow: boolean;
}

const NUMBER = { pattern: /^(-1|0x[0-9a-fA-F]{1,4}|\d+)$/, expected: "a number such as '0x08', or '-1' for any" };

/** `<redirfilter>`. */
export const redirfilter: Field<readonly RedirfilterRule[]> = list<RedirfilterRule>('devices/redirfilter/usbdev', {
  class: text('@class', NUMBER),
  vendor: text('@vendor', NUMBER),
  product: text('@product', NUMBER),
  version: text('@version', {
    pattern: /^(-1|\d{1,2}\.\d{1,2})$/,
    expected: "a version such as '2.0', or '-1' for any",
  }),
  allow: flag('@allow'),
});
