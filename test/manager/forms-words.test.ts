import { testForms } from './forms/converges.js';
import { WORDS } from './forms/words.js';

testForms(WORDS, ({ warm }) => warm === true);
