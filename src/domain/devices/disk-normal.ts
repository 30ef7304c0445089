import type { NormalizationRule, Where } from './kind.js';
import { defaultValue, unread } from './rows.js';

/** Where the images of a chain are below a disk, as deep as libvirt's own tests go. */
const CHAIN = ['', 'backingStore/', 'backingStore/backingStore/', 'mirror/', 'mirror/backingStore/'];
const HOSTS = ['', '[2]', '[3]', '[4]'];
const PARSED = 'virDomainStorageNetworkParseHost';

/** How libvirt writes the source of one image. */
export function imageNormal(at: string): NormalizationRule[] {
  const network: Where = { [`${at}@type`]: ['network'] };
  const read: Where = { [`${at}source/@protocol`]: ['http', 'https', 'ftp', 'ftps', 'ssh'] };
  return [
    ...HOSTS.flatMap((nth): NormalizationRule[] => {
      const host = `${at}source/host${nth}`;
      return [
        { path: `${host}/@transport`, asked: /^tcp$/, there: 'nothing', source: PARSED },
        ...['@name', '@port'].map((path): NormalizationRule => {
          const where = { [`${host}/@transport`]: ['unix'] };
          return { path: `${host}/${path}`, where, there: 'nothing', source: `${PARSED}: a socket has neither` };
        }),
        { path: `${host}/@port`, asked: /^0+$/, there: 'any', source: 'virStorageSourceNetworkAssignDefaultPorts' },
      ];
    }),
    ...unread('virDomainDiskSourceNetworkParse', [`${at}source/readahead`, `${at}source/timeout`], read),
    ...['seclabel', 'seclabel[2]'].map((label): NormalizationRule => {
      const path = `${at}source/${label}`;
      const source = 'virSecurityDeviceLabelDefParseXML: a running domain has it';
      return { path, where: { [`${path}/@labelskip`]: ['yes'] }, there: 'nothing', source };
    }),
    ...unread(
      'virSecurityDeviceLabelDefParseXML: of the labels of a whole domain',
      ['seclabel', 'seclabel[2]'].map((label) => `${at}source/${label}/@type`),
    ),
    ...['seclabel', 'seclabel[2]', '@startupPolicy'].map((path): NormalizationRule => {
      const source = 'virDomainDiskSourceFormat: not for what is on the network';
      return { path: `${at}source/${path}`, where: network, there: 'nothing', source };
    }),
  ];
}

/** How libvirt writes the images of a disk. */
export const IMAGE_NORMAL: readonly NormalizationRule[] = [
  ...CHAIN.flatMap(imageNormal),
  ...CHAIN.filter((at) => at.endsWith('backingStore/')).flatMap((at) =>
    unread(
      'virDomainDiskBackingStoreParse: without a type it is the end of the chain',
      [new RegExp(`^${at}(?!@type$)`)],
      { [`${at}@type`]: ['*'] },
    ),
  ),
  ...unread('virDomainDiskBackingStoreFormat', [/^(mirror\/)?(backingStore\/)+source\/@startupPolicy$/]),
  ...defaultValue('virDomainDiskDefFormat', {
    'driver/@queues': /^0+$/,
    'transient/@shareBacking': /^no$/,
  }),
  { path: 'driver/@type', asked: /^aio$/, there: ['raw'], source: 'virDomainDiskDefDriverParseXML: xend called it so' },
];
