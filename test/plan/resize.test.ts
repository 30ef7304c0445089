import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type ObservedDomain } from '../../src/domain/index.js';
import { Plan, planResize, type ResizeRequest } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf } from '../support/fixtures.js';

/** Two vCPUs of four, one of them plugged since the boot, as libvirt then lists them. */
function plugged(): ObservedDomain {
  const web = contextOf('web');
  const vcpu = (id: number, enabled: string, hotpluggable: string) =>
    `<vcpu id='${id}' enabled='${enabled}' hotpluggable='${hotpluggable}'/>`;
  const list = [vcpu(0, 'yes', 'no'), vcpu(1, 'yes', 'yes'), vcpu(2, 'no', 'yes'), vcpu(3, 'no', 'yes')];
  const xml = web.live?.xml.replace('<os>', `<vcpus>${list.join('')}</vcpus><os>`) ?? '';
  return { ...web, live: new DomainDocument(xml) };
}

const steps = ({ operations }: Plan) =>
  operations.map(({ subject, scope, takesEffect, ifKept }) => [subject, scope, takesEffect, ifKept]);
const vcpusOf = ({ call }: { readonly call: Plan['operations'][number]['call'] }) =>
  call.procedure === 'DOMAIN_SET_VCPUS_FLAGS' ? Object.values(call.args) : [];

test('vCPUs that the guest must give back leave the canonical document first, each with its own way back', () => {
  const plan = planResize({ vcpus: 1 }, plugged());
  assert.equal(steps(plan), [
    ['vcpus', 'config', 'next-boot', undefined],
    ['vcpus', 'live', 'when-released', 'next-boot'],
  ]);
  assert.equal(plan.operations.map(vcpusOf), [
    [1, 2],
    [1, 1],
  ]);
  assert.equal(
    plan.operations.map(({ inverse }) => inverse.map(vcpusOf)),
    [[[2, 2]], [[2, 1]]],
  );
  assert.is(`${Plan.fromJSON(JSON.stringify(plan))}`, `${plan}`);
  assert.match(`${plan}`, /at the latest at the/);
});

test('with ifNotLive: refuse the guest must have it now, or there is no plan', () => {
  const refuse = (request: ResizeRequest, context = plugged()) =>
    planResize({ ...request, ifNotLive: 'refuse' }, context);
  assert.equal(steps(refuse({ vcpus: 1 })), [
    ['vcpus', 'live', 'when-released', undefined],
    ['vcpus', 'config', 'next-boot', undefined],
  ]);
  for (const [request, context, reason] of [
    [{ vcpus: 6 }, plugged(), /what it was started with/],
    [{ vcpus: 1 }, contextOf('web'), /was started with 2 vCPUs/],
    [{ memory: '1 GiB' }, plugged(), /what it was started with/],
  ] as const) {
    const [first] = refuse(request, context).refusals;
    assert.match(first?.reason ?? '', reason);
    assert.match(first?.remedy ?? '', /ifNotLive: 'next-boot'/);
  }
  assert.equal(refuse({ vcpus: 2 }, contextOf('off')).refusals, [], 'a domain that is off waits for its boot anyway');
});

test('a running guest that kept its vCPUs is asked again; what is as asked is no operation', () => {
  const context = plugged();
  const canonical = new DomainDocument(context.canonical.xml.replace(/<vcpu (.*)current='2'/, "<vcpu $1current='1'"));
  assert.equal(steps(planResize({ vcpus: 1 }, { ...context, canonical })), [
    ['vcpus', 'live', 'when-released', 'next-boot'],
  ]);
  assert.ok(planResize({}, context).isEmpty);
  assert.ok(planResize({ vcpus: 2, memory: '64 MiB' }, context).isEmpty);
});

test('a field that nobody knows is an error with its path', () => {
  for (const [request, code, path] of [
    [{ cpus: 2 }, 'SPEC_UNKNOWN_FIELD', 'cpus'],
    [{ vcpus: 0 }, 'SPEC_INVALID', 'vcpus'],
    [{ memory: { max: 1 } }, 'SPEC_UNKNOWN_FIELD', 'memory.max'],
    [{ vcpus: 1, ifNotLive: 'perhaps' }, 'SPEC_INVALID', 'ifNotLive'],
  ] as const) {
    assert.is(failureNow(() => planResize(request as ResizeRequest, plugged()), code).path, path);
  }
});

test.run();
