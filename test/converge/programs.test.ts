import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contextOf, stepsTowards } from '../../scripts/converge/check.js';
import { LibvirtError, VIR_DOMAIN_XML_INACTIVE, VIR_DOMAIN_XML_SECURE } from '../../src/connection/index.js';
import { benchOnDemand } from '../support/bench.js';

const test = suite('documents as other programs write them');
const bench = benchOnDemand();
test.after(bench.stop);

const FOLDER = 'test/fixtures/programs';
/** VIR_DOMAIN_UNDEFINE_MANAGED_SAVE and _KEEP_NVRAM. */
const UNDEFINE = 1 | 8;
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.xml'));

test('there are some', () => {
  assert.ok(files.length >= 7, `${files.length} files`);
});

for (const file of files)
  test(`planTowards: the document that defined ${file.replace('.xml', '')} asks for nothing`, async () => {
    const { connection, rival } = await bench();
    const other = await rival();
    const xml = readFileSync(`${FOLDER}/${file}`, 'utf8');
    const { dom } = await other.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 }).catch((error: unknown) => {
      throw error instanceof LibvirtError ? new Error(`libvirt refuses ${file}: ${error.libvirtMessage}`) : error;
    });
    try {
      const dump = async (flags: number) => (await connection.call('DOMAIN_GET_XML_DESC', { dom, flags })).xml;
      const canonical = await dump(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
      const context = contextOf(canonical, undefined, {
        libvirt: connection.libvirtVersion,
        qemu: connection.hypervisorVersion,
      });
      assert.equal(stepsTowards(xml, context), []);
      assert.equal(stepsTowards(canonical, context), []);
      assert.equal(stepsTowards(await dump(VIR_DOMAIN_XML_INACTIVE), context), []);
      // Control: one more device is seen.
      const more = xml.replace('</devices>', "<rng model='virtio'><backend model='egd' type='null'/></rng></devices>");
      assert.is.not(stepsTowards(more, context).length, 0);
    } finally {
      await other.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: UNDEFINE });
    }
  });

test.run();
