import { test } from 'uvu';
import './reconnect-suite.js';

test.run();
