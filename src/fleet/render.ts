import type { FleetPlanJson, PlannedDomain, PlannedHost } from './plan-parts.js';
import { amount } from './room.js';

/** A plan as an operator reads it: what becomes of each domain, then what each host has. */
export function renderFleetPlan({ kind, host, domains, hosts, notes }: FleetPlanJson): string {
  const count = (does: PlannedDomain['does']) => domains.filter((each) => each.does === does).length;
  const head = `${kind} ${host}: ${count('move')} go, ${count('shutdown')} are shut down, ${count('stay')} stay, ${count('refused')} are refused`;
  return [
    `${head}${count('refused') === 0 ? '' : ': not possible'}`,
    ...domains.flatMap(domainLines),
    ...hosts.map((each) => `  ${hostLine(each)}`),
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

function domainLines(domain: PlannedDomain): string[] {
  const { name, does, way, to, running, needs, copies, notes, because } = domain;
  const takes = running
    ? `${amount(needs.memory + sum(needs.hugePages.map(({ bytes }) => bytes)))}, ${needs.vcpus} vCPUs`
    : 'off';
  const what =
    does === 'move'
      ? `→ ${to}, ${way}${copies.length > 0 ? `, copies ${copies.join(', ')}` : ''}${way === 'cold' && running ? ': shut down, started there' : ''}${way === 'import' ? (running ? ', started' : ', stays off') : ''}`
      : { stay: 'stays', shutdown: 'is shut down', refused: 'REFUSED' }[does];
  return [
    `  ${name} (${takes}) ${what}`,
    ...because.map(({ domain: whose, host, subject, reason, remedy }) => {
      const about = [whose === name ? '' : whose, host ?? '', subject].filter((each) => each !== '').join(' ');
      return `    ${does === 'refused' ? 'refused' : 'since'} ${about}: ${reason}. ${remedy}`;
    }),
    ...notes.map(({ severity, subject, problem, remedy }) => `    ${severity} ${subject}: ${problem}. ${remedy}`),
  ];
}

function hostLine({ name, role, silent, before, after }: PlannedHost): string {
  if (!before || !after) return `${name} (${role}): silent${silent === undefined ? '' : `, ${silent}`}`;
  const memory = `${amount(before.memory.available)} → ${amount(after.memory.available)} of ${amount(before.memory.total)} available`;
  return `${name} (${role}): ${memory}, ${before.domains} → ${after.domains} domains, ${before.vcpus} → ${after.vcpus} vCPUs on ${before.cpus} CPUs`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
