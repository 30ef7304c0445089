import { overTls } from '../support/reach.js';
import { reach, test } from './daemon-suite.js';

reach.start = overTls;
test.run();
