import { testForms } from './forms/converges.js';
import { RUNNING } from './forms/running.js';

testForms(RUNNING, ({ cold }) => cold === undefined);
