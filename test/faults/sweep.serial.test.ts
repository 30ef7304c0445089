import { test } from 'uvu';
import './sweep-suite.js';

test.run();
