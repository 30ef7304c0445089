import { test } from 'uvu';
import { tcpFront } from '../support/fronts.js';
import { sweep } from './sweep-suite.js';

sweep.every = Number.POSITIVE_INFINITY;
sweep.front = tcpFront;
test.run();
