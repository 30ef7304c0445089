import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runExample } from './run.js';

test('watch: a title that somebody else wrote, and a tablet that goes from the running guest only', async () => {
  const said = await runExample('watch');
  assert.match(said, 'Drift: changed domain');
  assert.match(said, 'Gone: input pen, at the next boot back');
});

test.run();
