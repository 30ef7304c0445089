import gte from 'semver/functions/gte.js';
import { AFFECT, applies, deviceXml, readDevice } from '../../src/domain/index.js';
import type { Connection } from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { parseElement } from '../../src/xml/index.js';
import { Box } from './box.js';
import type { KindCase } from './case.js';
import { CELLS, Findings } from './findings.js';

/** Shows that session mode refuses what is proved on a system daemon: the bare live attach ends in an error. */
export async function refusedInSession(
  host: PrivateHost,
  connection: Connection,
  cases: readonly KindCase[],
): Promise<Findings[]> {
  // Bridges and the like cannot be made here, which is why there is something to refuse.
  const here = {
    directory: host.directory,
    createDisk: host.createDisk.bind(host),
    createMedium: host.createMedium.bind(host),
    createBridge: async () => {},
    run: async () => '',
  } as unknown as PrivateHost;
  const all: Findings[] = [];
  for (const each of cases.filter((one) => one.host === 'privileged')) {
    const findings = new Findings(each);
    all.push(findings);
    await findings.part('in session mode', async () => {
      const xml = deviceXml(await each.device(here), each.title);
      const box = await Box.open(host, connection, each.domain, 2);
      try {
        const error = await box.bare('DOMAIN_ATTACH_DEVICE_FLAGS', xml, AFFECT.live);
        if (error === undefined) throw new Error('a session daemon attaches it, so it can be proved there');
        findings.cells.set('attach live', { word: 'no', error });
      } finally {
        await box.close();
      }
    });
  }
  return all;
}

/** What the kinds' rows say of devices that no private host can have. */
export async function bySource(host: PrivateHost, version: string, cases: readonly KindCase[]): Promise<string[][]> {
  const rows: string[][] = [];
  for (const each of cases.filter((one) => one.host === 'none')) {
    const { kind, leaves } = readDevice(parseElement(deviceXml(await each.device(host), each.title)));
    const words = CELLS.map((cell) => {
      const row = kind.support.find(
        ({ action, scope, where, since }) =>
          cell === `${action} ${scope}` && applies(where, leaves) && (since === undefined || gte(version, since)),
      );
      const known = kind.since === undefined || gte(version, kind.since);
      return row?.supported && known ? 'yes' : 'no';
    });
    rows.push([each.kind, each.title, ...words, each.why ?? '']);
  }
  return rows;
}
