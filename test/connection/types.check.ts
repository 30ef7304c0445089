/** What the compiler promises about calls and events. Nothing here runs; a wrong promise does not compile. */
import type { CloseReason, Connection, DomainHandle, EventItem, TypedParam } from '../../src/connection/index.js';

declare const connection: Connection;
declare const dom: DomainHandle;

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(proof: Same<A, B>): unknown => proof;

export async function results(): Promise<void> {
  const info = await connection.call('DOMAIN_GET_INFO', { dom });
  same<typeof info.state, number>(true);
  same<typeof info.cpuTime, bigint>(true);
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 });
  same<typeof domains, readonly DomainHandle[]>(true);
  const { value } = await connection.call('SECRET_GET_VALUE', {
    secret: { uuid: dom.uuid, usageType: 0, usageID: '' },
    flags: 0,
  });
  same<typeof value, Uint8Array>(true);
  const { result } = await connection.call('QEMU_DOMAIN_AGENT_COMMAND', { dom, cmd: '', timeout: -1, flags: 0 });
  same<typeof result, string | null>(true);
}

export async function args(): Promise<void> {
  await connection.call('DOMAIN_SET_MEMORY', { dom, memory: 1024 });
  await connection.call('DOMAIN_SET_MEMORY', { dom, memory: 1024n });
  await connection.call('DOMAIN_MIGRATE_PERFORM3_PARAMS', {
    dom,
    params: [{ field: 'bandwidth', value: { type: 'ullong', value: 5 } }],
    cookie_in: new Uint8Array(),
    flags: 2,
  });
  // @ts-expect-error a 64-bit number is no string
  await connection.call('DOMAIN_SET_MEMORY', { dom, memory: '1024' });
  // @ts-expect-error flags is missing
  await connection.call('DOMAIN_GET_XML_DESC', { dom });
  // @ts-expect-error no such procedure
  await connection.call('DOMAIN_EXPLODE', { dom });
  // @ts-expect-error the connection opens itself
  await connection.call('CONNECT_OPEN', { flags: 0 });
  // @ts-expect-error no such kind of parameter
  const param: TypedParam = { field: 'x', value: { type: 'float', value: 1 } };
  void param;
}

export async function events(): Promise<void> {
  const removed = await connection.subscribe('DEVICE_REMOVED', { domain: dom });
  for await (const item of removed) {
    same<typeof item, EventItem<'DEVICE_REMOVED'>>(true);
    if (item.type === 'overflow') same<typeof item.lost, number>(true);
    else if (item.type === 'gap') same<typeof item.reason, CloseReason>(true);
    else same<typeof item.data, { dom: DomainHandle; devAlias: string }>(true);
  }
  // @ts-expect-error no such event
  await connection.subscribe('EXPLODED');
}
