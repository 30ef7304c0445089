import { findProgram } from '../../src/testing/programs.js';

/** Path of the Chromium that is installed. Rejects as `findProgram` does when there is none. */
export const findChromium = (): string => findProgram('chromium', 'chromium-browser');

/** What it is started with everywhere: without a window, and as root too. */
export const CHROMIUM_FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-breakpad',
  '--disable-dev-shm-usage',
  '--no-first-run',
];
