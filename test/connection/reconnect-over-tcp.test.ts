import { test } from 'uvu';
import { tcpFront } from '../support/fronts.js';
import { reach } from './reconnect-suite.js';

reach.front = tcpFront;
test.run();
