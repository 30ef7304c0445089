import { test } from 'uvu';
import { sshFronts } from '../support/fronts.js';
import { sweep } from './sweep-suite.js';

sweep.every = Number.POSITIVE_INFINITY;
const fronts = sshFronts(true);
sweep.front = fronts.front;
test.after(() => fronts.stop());
test.run();
