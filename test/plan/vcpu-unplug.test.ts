import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import { type ChangeRequest, planChanges, planTowards } from '../../src/plan/index.js';
import { contextOf } from '../support/fixtures.js';

/** A running guest that has two vCPUs more than it was started with. */
function plugged() {
  const context = contextOf('web');
  const vcpus = (xml: string) => xml.replace(/<vcpu[^>]*>\d+<\/vcpu>/, "<vcpu placement='static' current='3'>4</vcpu>");
  const list = [0, 1, 2, 3].map(
    (id) => `<vcpu id='${id}' enabled='${id < 3 ? 'yes' : 'no'}' hotpluggable='${id === 0 ? 'no' : 'yes'}'/>`,
  );
  const live = vcpus((context.live as DomainDocument).xml).replace('</vcpu>', `</vcpu><vcpus>${list.join('')}</vcpus>`);
  return { ...context, canonical: new DomainDocument(vcpus(context.canonical.xml)), live: new DomainDocument(live) };
}

const steps = ({ operations }: ReturnType<typeof planChanges>) =>
  operations.map(({ subject, scope, takesEffect, ifKept }) =>
    [subject, scope, takesEffect, ifKept].filter(Boolean).join(' '),
  );
const plan = (request: ChangeRequest) => planChanges(request, plugged());

test('planChanges: the guest is asked for vCPUs before anything else is done, the canonical document follows', () => {
  const made = plan({ detach: [{ interface: 'lan' }], set: { title: 'x', iothreads: { 4: {} }, vcpus: 1 } });
  assert.equal(steps(made).slice(0, 2), ['vcpus live when-released', 'vcpus config next-boot']);
});

test('planChanges: with config-first the vCPUs that a guest keeps go at the next cold boot', () => {
  assert.equal(steps(plan({ set: { vcpus: 1 }, detachOrder: 'config-first' })), [
    'vcpus config next-boot',
    'vcpus live when-released next-boot',
  ]);
});

test('planTowards: plans a decrease of vCPUs as planChanges does', () => {
  const desired = plugged().canonical.xml.replace(/<vcpu[^>]*>\d+<\/vcpu>/, "<vcpu current='1'>4</vcpu>");
  const towards = steps(planTowards(desired, plugged())).filter((each) => each.startsWith('vcpus'));
  assert.equal(towards, ['vcpus live when-released', 'vcpus config next-boot']);
});

test('planChanges: the way back from adding vCPUs asks the guest, the way back from taking them does not', () => {
  const back = (request: ChangeRequest) =>
    plan(request).operations.flatMap(({ inverse }) =>
      inverse.map(({ scope, takesEffect }) => `${scope} ${takesEffect}`),
    );
  assert.equal(back({ set: { vcpus: 4 } }), ['live when-released', 'config next-boot']);
  assert.equal(back({ set: { vcpus: 1 } }), ['live now', 'config next-boot']);
});

test('planChanges: one vCPU that goes offline is an unplug too', () => {
  assert.equal(
    steps(plan({ set: { vcpuState: { 2: 'offline' } } })).filter((each) => each.includes('live')),
    ['vcpuState live when-released'],
  );
});

test.run();
