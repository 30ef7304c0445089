import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { domainCapabilities, kindOf } from '../host/index.js';
import { child, children, type Element, select, setAt, valueAt } from '../xml/index.js';
import type { Draft } from './additions.js';

/**
 * Replaces `<cpu mode='host-model'>` by the custom model that the host expands it to now. libvirt would expand it anew at
 * each start, so a guest would see another CPU after a host upgrade. virConnectGetDomainCapabilities.
 */
export async function pinHostModel(connection: Connection, draft: Draft, options: CallOptions): Promise<void> {
  const domain = draft.root;
  if (valueAt(domain, 'cpu/@mode') !== 'host-model') return;
  const cpu = child(domain, 'cpu') as Element;
  const hostModel = select(await capabilities(connection, domain, options), 'cpu/mode[@name="host-model"]')[0];
  const model = hostModel && child(hostModel, 'model');
  if (!hostModel || !model || hostModel.getAttribute('supported') !== 'yes') {
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      'this host cannot expand host-model for such a domain, so the CPU cannot be pinned',
      {
        path: 'cpu',
        remedy: "Name a CPU model, or leave the CPU to libvirt by name: cpu: { mode: 'host-model', pin: 'never' }",
      },
    );
  }
  setAt(cpu, '@mode', 'custom');
  setAt(cpu, '@match', 'exact');
  setAt(cpu, '@check', 'partial');
  for (const name of ['model', 'vendor']) for (const old of children(cpu, name)) cpu.removeChild(old);
  const given = new Set(children(cpu, 'feature').map((feature) => feature.getAttribute('name')));
  for (const part of children(hostModel)) {
    if (!['model', 'vendor', 'feature', 'maxphysaddr'].includes(part.nodeName)) continue;
    // A feature that the caller named stands as the caller said.
    if (part.nodeName === 'feature' && given.has(part.getAttribute('name'))) continue;
    if (part.nodeName === 'maxphysaddr' && child(cpu, 'maxphysaddr')) continue;
    cpu.appendChild((cpu.ownerDocument as NonNullable<Element['ownerDocument']>).importNode(part, true));
  }
  setAt(cpu, 'model/@fallback', 'forbid');
  draft.say(
    'cpu',
    `${model.textContent} with ${children(cpu, 'feature').length} features`,
    'host-model is pinned to what it is on this host now: libvirt would expand it again at each start',
  );
}

async function capabilities(connection: Connection, domain: Element, options: CallOptions): Promise<Element> {
  const kind = kindOf(domain);
  try {
    return await domainCapabilities(connection, kind, options);
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      `this host has no ${kind.virttype} domains of ${kind.arch ?? 'its own architecture'}, machine ${kind.machine ?? 'by default'}`,
      {
        cause: error,
        remedy: "Without hardware virtualisation ask for type: 'qemu'",
      },
    );
  }
}
