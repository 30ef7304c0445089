import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LibvirtCanonicalError } from '../../src/index.js';
import { parseXml, select, selectText } from '../../src/xml/index.js';
import { benchOnDemand } from '../support/bench.js';
import { HOSTILE } from './strings.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

test('hostile texts on a real libvirt: each stands where it was put, or is refused, and nothing else has changed', async () => {
  const { define } = await bench();
  const domain = await define({ title: 'usual', disks: [{ id: 'root', target: 'vda', file: '/img/$& $1 <&">.raw' }] });
  assert.is((await domain.devices()).find(({ id }) => id === 'root')?.spec.file, '/img/$& $1 <&">.raw');
  const before = await domain.canonical();
  // What the library remembers grows: the place that the disk left.
  const shape = (xml: string) =>
    select(parseXml(xml), '//*')
      .map(({ nodeName }) => nodeName)
      .filter((name) => !name.startsWith('lvc'));
  let held = 0;
  for (const text of HOSTILE) {
    const what = JSON.stringify(text.slice(0, 50));
    const file = `/img/${text}`;
    // A line break in a title is libvirt's to refuse: a text of its own, so that the others are tried all the same.
    for (const request of [
      { set: { title: text } },
      { set: { description: text, metadata: { [`urn:x:${encodeURIComponent(text)}`]: { prefix: 'h', xml: '<x/>' } } } },
      { attach: [{ disk: { id: 'more', target: 'vdb', file } }] },
    ])
      try {
        await domain.apply(await domain.plan(request));
      } catch (error) {
        assert.instance(error, LibvirtCanonicalError, what);
      }
    const xml = await domain.canonical();
    const root = parseXml(xml);
    const title = selectText(root, '/domain/title/text()');
    if (title !== 'usual') assert.is(title, text, `${what} as title`);
    const description = selectText(root, '/domain/description/text()');
    if (description !== undefined) assert.is(description, text, `${what} as description`);
    const more = (await domain.devices()).find(({ id }) => id === 'more');
    if (more) {
      assert.is(more.spec.file, file, `${what} in a path`);
      held++;
      await domain.apply(await domain.plan({ detach: [{ disk: 'more' }] }));
    }
    await domain.apply(
      await domain.plan({
        set: {
          title: 'usual',
          description: null,
          metadata: { [`urn:x:${encodeURIComponent(text)}`]: null },
        },
      }),
    );
    assert.equal(shape(await domain.canonical()), shape(before), what);
  }
  assert.ok(held > 10, `${held} paths held`);
});

test.run();
