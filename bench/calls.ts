import { type Connection, connect } from 'libvirt-canonical';
import type { Section } from './report.js';
import type { Setting } from './setting.js';
import { spreadOf, timed } from './statistics.js';
import { callsPer, virshTime } from './virsh.js';

const ROUNDS = 11;
const IN_FLIGHT = 64;
/** Calls that each contender makes in one round, to the nearest whole answer. */
const CALLS = 2000;

/** The question, and virsh commands that ask the same or the nearest to it. */
const QUESTIONS = [
  { procedure: 'DOMAIN_GET_INFO', commands: ['domstate', 'dominfo'] },
  { procedure: 'DOMAIN_GET_XML_DESC', commands: ['dumpxml'] },
] as const;

/** One way to ask: how many calls an answer takes it, and the milliseconds that so many answers do. */
interface Contender {
  readonly what: string;
  readonly callsPerAnswer: number;
  readonly role?: 'single' | 'many' | 'virsh';
  run(answers: number): Promise<number>;
}

/** Answers per second over one socket, one at a time and with many under way, against one virsh process. */
export async function benchCalls({ host, connection, domain }: Setting, signal: AbortSignal): Promise<Section[]> {
  // Past the daemon's own limit for one client, calls only wait in the socket; measured all the same.
  await using wide = await connect(host.uri, { maxInFlight: IN_FLIGHT, keepAlive: false });
  const { uuid } = domain;
  const { dom } = await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid });
  const sections: Section[] = [];
  for (const { procedure, commands } of QUESTIONS) {
    const ask = (over: Connection) =>
      procedure === 'DOMAIN_GET_INFO' ? over.call(procedure, { dom }) : over.call(procedure, { dom, flags: 0 });
    const lookUpAndAsk = async () => {
      await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid });
      await ask(connection);
    };
    const contenders: Contender[] = [
      { what: 'library, one at a time', callsPerAnswer: 1, run: (n) => inFlight(1, n, () => ask(connection)) },
      {
        what: '  the same, looking the domain up each time',
        callsPerAnswer: 2,
        role: 'single',
        run: (n) => inFlight(1, n, lookUpAndAsk),
      },
      {
        what: `library, ${IN_FLIGHT} in flight`,
        callsPerAnswer: 1,
        run: (n) => inFlight(IN_FLIGHT, n, () => ask(connection)),
      },
      {
        what: '  the same, looking the domain up each time',
        callsPerAnswer: 2,
        role: 'many',
        run: (n) => inFlight(IN_FLIGHT, n, lookUpAndAsk),
      },
      {
        what: `library, ${IN_FLIGHT} in flight, maxInFlight ${IN_FLIGHT}`,
        callsPerAnswer: 1,
        run: (n) => inFlight(IN_FLIGHT, n, () => ask(wide)),
      },
    ];
    for (const name of commands) {
      const command = `${name} ${uuid}`;
      contenders.push({
        what: `virsh ${name}`,
        callsPerAnswer: await callsPer(command, host),
        role: 'virsh',
        run: (n) => virshTime(host.uri, command, n),
      });
    }
    sections.push(sectionOf(procedure, contenders, await race(contenders, signal)));
  }
  return sections;
}

/** Answers per second of each contender, round by round. The first round warms up; the order moves on by one each time. */
async function race(contenders: readonly Contender[], signal: AbortSignal): Promise<number[][]> {
  const rates = contenders.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      signal.throwIfAborted();
      const index = (turn + round) % contenders.length;
      const { callsPerAnswer, run } = contenders[index] as Contender;
      const answers = Math.round(CALLS / callsPerAnswer);
      const milliseconds = await run(answers);
      if (round > 0) rates[index]?.push((answers / milliseconds) * 1000);
    }
  }
  return rates;
}

/** Milliseconds that `total` answers take with `width` of them under way at a time. */
function inFlight(width: number, total: number, answer: () => Promise<unknown>): Promise<number> {
  let left = total;
  const worker = async () => {
    while (left-- > 0) await answer();
  };
  return timed(() => Promise.all(Array.from({ length: width }, worker)));
}

function sectionOf(procedure: string, contenders: readonly Contender[], rates: readonly number[][]): Section {
  const of = (wanted: Contender['role']) => rates.filter((_, index) => contenders[index]?.role === wanted);
  // Within a round machine and daemon are alike, so the rounds' ratios say more than the ratio of the medians.
  const ratio = (ours: number[] = []) =>
    spreadOf(ours.map((rate, round) => rate / Math.max(...of('virsh').map((theirs) => theirs[round] ?? 0)))).median;
  const single = ratio(of('single')[0]);
  const many = ratio(of('many')[0]);
  return {
    title: `${procedure} of a running domain, answers per second: median (lowest – highest) of ${ROUNDS} rounds`,
    columns: ['answers/s', 'calls each', 'calls/s'],
    digits: 0,
    lines: contenders.map(({ what, callsPerAnswer }, index) => ({
      what,
      figures: [
        spreadOf(rates[index] ?? []),
        String(callsPerAnswer),
        spreadOf((rates[index] ?? []).map((rate) => rate * callsPerAnswer)),
      ],
    })),
    notes: [
      'of calls in flight the library keeps 4 on the wire, unless told otherwise by maxInFlight: the daemon takes 5 of one client',
      'aims compare equal work: virsh looks the domain up for each command, so the library does too; median of the ratios by round',
    ],
    aims: [
      { aim: 'one at a time at least as fast as virsh', measured: `${single.toFixed(2)} ×`, met: single >= 1 },
      {
        aim: `with ${IN_FLIGHT} in flight at least 2 × as fast as virsh`,
        measured: `${many.toFixed(2)} ×`,
        met: many >= 2,
      },
    ],
  };
}
