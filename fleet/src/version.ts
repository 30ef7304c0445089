import { readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The workflows' version: major and minor of this package. Within one, what runs can be continued. */
export const WORKFLOWS_VERSION: string = version.split('.').slice(0, 2).join('.');

/** The package's own. */
export const PACKAGE_VERSION: string = version;
