import { type HostInfo, hostInfo } from '../host/index.js';
import type { HostLabels } from './hosts.js';
import type { Member } from './member.js';

/** A host of the fleet, as it is now. */
export type FleetHost = {
  /** Its name in this fleet. */
  readonly name: string;
  readonly uri: string;
  readonly labels: HostLabels;
} & (
  | {
      readonly is: 'there';
      /** CPUs, memory and NUMA cells with what is free of them and of their huge pages, versions, machines. */
      readonly info: HostInfo;
      /** An earlier host of the list that is this very machine by its UUID: a domain there would be found on both. */
      readonly sameAs: string | undefined;
    }
  | { readonly is: 'silent'; readonly why: string }
);

/** Reads all hosts at once. See `hostInfo` for the calls. */
export async function readHosts(members: readonly Member[], signal: AbortSignal | undefined): Promise<FleetHost[]> {
  const answers = await Promise.all(
    members.map(async (member) => ({
      member,
      answer: await member.ask((connection, call) => hostInfo(connection, call), signal),
    })),
  );
  const named = new Map<string, string>();
  return answers.map(({ member: { name, uri, labels }, answer }) => {
    if (answer.is === 'silent') return { name, uri, labels, is: 'silent', why: answer.why };
    const info = answer.value;
    const sameAs = named.get(info.uuid);
    if (sameAs === undefined) named.set(info.uuid, name);
    return { name, uri, labels, is: 'there', info, sameAs };
  });
}
