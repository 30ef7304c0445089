import { test } from './daemon-suite.js';

test.run();
