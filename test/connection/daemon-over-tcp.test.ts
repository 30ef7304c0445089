import { overTcp } from '../support/reach.js';
import { reach, test } from './daemon-suite.js';

reach.start = overTcp;
test.run();
