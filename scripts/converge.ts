/** work in progress */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { connect } from '../src/index.js';
import { PrivateHost } from '../src/testing/index.js';
import { readGrammar } from '../test/domain/schema/grammar.js';
import { type Candidate, pairs, singles } from './converge/candidates.js';
import { type Outcome, tryOut } from './converge/subject.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    singles: { type: 'string', default: '100000' },
    pairs: { type: 'string', default: '0' },
    only: { type: 'string' },
    root: { type: 'string' },
    out: { type: 'string' },
  },
});
const host = await PrivateHost.start(values.root ? { root: values.root } : {});
const LANES = 3;
const outcomes: Outcome[] = [];
try {
  const connection = await connect(host.uri, { redefine: 'allow', maxInFlight: 8 });
  let number = 0;
  const runAll = async (list: Iterable<Candidate>) => {
    const queue = list[Symbol.iterator]();
    await Promise.all(
      Array.from({ length: LANES }, async (_, lane) => {
        for (let each = queue.next(); !each.done; each = queue.next()) {
          outcomes.push(await tryOut(connection, each.value, lane, number++));
          if (number % 1000 === 0)
            console.error(
              number,
              outcomes.filter(({ base }) => base).length,
              outcomes.filter(({ findings }) => findings.length).length,
            );
        }
      }),
    );
  };
  const grammar = readGrammar(values.root ? `${values.root}/usr/share/libvirt/schemas` : undefined);
  const all = singles(grammar, Number(values.seed)).filter(
    ({ about }) => !values.only || values.only.split(',').includes(about),
  );
  await runAll(all.slice(0, Number(values.singles)));
  const accepted = outcomes.filter(({ base }) => base).map(({ candidate }) => candidate);
  function* some() {
    let left = Number(values.pairs);
    if (left > 0)
      for (const each of pairs(accepted, Number(values.seed))) {
        if (left-- <= 0) return;
        yield each;
      }
  }
  await runAll(some());
  await connection.close();
} finally {
  await host.stop();
}
const accepted = outcomes.filter(({ base }) => base);
console.log(
  `generated ${outcomes.length}, accepted ${accepted.length}, empty ${accepted.filter(({ findings }) => findings.length === 0).length}, unexplained ${accepted.filter(({ findings }) => findings.length > 0).length}`,
);
if (values.out)
  writeFileSync(
    values.out,
    outcomes
      .map(({ candidate, base, refusal, findings, xml }) =>
        JSON.stringify({
          about: candidate.about,
          machine: candidate.machine,
          base,
          parts: candidate.parts.map((p) => p.xml),
          refusal,
          findings,
          xml: findings.length ? xml : undefined,
        }),
      )
      .join('\n'),
  );
