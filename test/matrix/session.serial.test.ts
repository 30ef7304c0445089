import { matrix } from './suite.js';

await matrix('session');
