import { test } from 'uvu';
import { privilegedProblem } from '../../src/testing/index.js';
import { matrix } from './suite.js';

const problem = await privilegedProblem();
if (problem === undefined) await matrix('privileged');
else {
  test.skip(`the matrix, system daemon: ${problem}`, () => {});
  console.log(`  skipped: ${problem}`);
  test.run();
}
