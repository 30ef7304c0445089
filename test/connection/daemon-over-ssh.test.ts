import { overSsh } from '../support/reach.js';
import { reach, test } from './daemon-suite.js';

reach.start = overSsh;
test.run();
