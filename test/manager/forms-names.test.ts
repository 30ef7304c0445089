import { testForms } from './forms/converges.js';
import { NAMES } from './forms/names.js';
import { NO_DEVICES } from './forms/no-devices.js';

testForms([...NAMES, ...NO_DEVICES], ({ cold }) => cold === undefined);
