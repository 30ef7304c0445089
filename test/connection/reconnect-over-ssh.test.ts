import { test } from 'uvu';
import { sshFronts } from '../support/fronts.js';
import { reach } from './reconnect-suite.js';

const fronts = sshFronts(true);
reach.front = fronts.front;
test.after(() => fronts.stop());
test.run();
