import { test } from 'uvu';
import { tlsFronts } from '../support/fronts.js';
import { sweep } from './sweep-suite.js';

sweep.every = Number.POSITIVE_INFINITY;
const fronts = tlsFronts();
sweep.front = fronts.front;
test.after(() => fronts.stop());
test.run();
