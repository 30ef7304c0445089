import { test } from 'uvu';
import { tlsFronts } from '../support/fronts.js';
import { reach } from './reconnect-suite.js';

const fronts = tlsFronts();
reach.front = fronts.front;
test.after(() => fronts.stop());
test.run();
