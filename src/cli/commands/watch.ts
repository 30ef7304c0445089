import type { DomainEvent, DomainEventType, DomainManager, EventStream, Finding, ManagedDomain } from '../../index.js';
import type { Answer } from '../exit.js';
import { shownText } from '../output.js';
import type { Session } from '../session.js';
import { driftLines } from './drift.js';

/** `lvc watch`: findings as they come, until Ctrl-C. */
export async function watch(
  session: Session,
  name: string | undefined,
  { interval }: { readonly interval?: number },
): Promise<undefined> {
  const subject = await domainOrHost(session, name);
  const every = interval === undefined ? {} : { interval: interval * 1000 };
  await tellAll(session, subject.watch({ signal: session.signal, ...every }), findingText);
}

/** `lvc events`: what libvirt tells, as it comes, until Ctrl-C. */
export async function events(
  session: Session,
  name: string | undefined,
  { only }: { readonly only?: readonly DomainEventType[] },
): Promise<undefined> {
  const subject = await domainOrHost(session, name);
  await tellAll(session, subject.events({ signal: session.signal, ...(only ? { only } : {}) }), eventText);
}

/** `lvc log`: the end of the domain's log since its last start. */
export async function log(session: Session, name: string): Promise<Answer> {
  const domain = await session.domain(name);
  const found = await domain.log({ signal: session.signal });
  return {
    result: found,
    text: found.tail === undefined ? `There is no log to show: ${found.absent}.` : shownText(found.tail),
  };
}

async function domainOrHost(session: Session, name: string | undefined): Promise<ManagedDomain | DomainManager> {
  return name === undefined ? session.manager() : session.domain(name);
}

async function tellAll<T>(session: Session, stream: EventStream<T>, text: (item: T) => string): Promise<void> {
  await stream.ready;
  if (!session.json) process.stderr.write('Listening; Ctrl-C ends it.\n');
  for await (const item of stream) session.tell(item, shownText(text(item)));
}

function eventText(event: DomainEvent): string {
  const { type, ...rest } = event;
  if (event.type === 'gap') return gapText(event);
  const { domain, ...fields } = rest as unknown as { domain: { name: string } };
  return [now(), domain.name, type, ...Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`)].join(
    '  ',
  );
}

function findingText(finding: Finding): string {
  if (finding.type === 'gap') return gapText(finding);
  const head = `${now()}  ${finding.domain.name}  ${finding.type}`;
  if (finding.type === 'drift') return [`${head} (${finding.occasion})`, ...driftLines(finding.drift)].join('\n');
  if (finding.type === 'unreadable') return `${head}: ${finding.error.message}`;
  if (finding.type === 'crash')
    return [`${head}: ${finding.detail}`, finding.log.tail ?? finding.log.absent ?? ''].join('\n');
  const { type: _, domain: __, ...fields } = finding;
  return [head, ...Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`)].join('  ');
}

function gapText({ reason, lost }: { readonly reason: string; readonly lost: number | undefined }): string {
  return `${now()}  ${lost ?? 'some'} events are missing: ${reason === 'overflow' ? 'they came too fast' : 'the connection was lost'}`;
}

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { identity, alias } = value as { identity?: string; alias?: string };
  return identity ?? alias ?? JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each));
}

const now = () => new Date().toISOString();
