// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts of mutants are source code
/** One line of the library made wrong, and the tests that are to notice. */
export interface Mutant {
  /** What is wrong then, in words. */
  readonly what: string;
  /** File below src/. */
  readonly file: string;
  /** Text of the compiled file, there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Parts of the names of test files. */
  readonly tests: readonly string[];
}

const TAMPERING = ['apply/tampering'];
const FOREIGN = ['apply/foreign'];

/** What the library promises to verify, each promise broken once. */
export const MUTANTS: readonly Mutant[] = [
  {
    what: 'whatever moved counts as expected',
    file: 'apply/verify.ts',
    find: '.filter((each) => !expected(operation, each, a, b))',
    replace: '.filter(() => false)',
    tests: TAMPERING,
  },
  {
    what: 'only what the guest sees is compared',
    file: 'apply/verify.ts',
    find: 'if (moved.length === 0)',
    replace: "if (moved.every(({ field }) => field.startsWith('link') || field === 'driver/@discard'))",
    tests: TAMPERING,
  },
  {
    what: 'the outcome of an update is not looked at',
    file: 'apply/verify.ts',
    find: ': unmade(changes, found, call)',
    replace: ': []',
    tests: TAMPERING,
  },
  {
    what: 'the outcome of an attach is not compared with what was asked',
    file: 'apply/verify.ts',
    find: 'unlike(call, found)',
    replace: '[]',
    tests: TAMPERING,
  },
  {
    what: 'a setting that changed nothing, or came otherwise, passes',
    file: 'apply/verify.ts',
    find: 'return settingProblem(operation, after, side)',
    replace: 'return undefined',
    tests: TAMPERING,
  },
  {
    what: 'the address of an attach is not compared',
    file: 'apply/verify.ts',
    find: '&& !isOverlay(each)',
    replace: "&& !isOverlay(each) && !under(each.path, 'address')",
    tests: TAMPERING,
  },
  {
    what: 'any new controller counts as brought by an attach',
    file: 'apply/verify.ts',
    find: 'return isAddedFor(attached, device, after, operation.address === undefined)',
    replace: 'return true',
    tests: TAMPERING,
  },
  {
    what: 'only the canonical document is compared with what an operation was to do',
    file: 'apply/verify.ts',
    find: "...(scope === 'config' || !live ? [] : ['live'])",
    replace: '',
    tests: TAMPERING,
  },
  {
    what: 'what another client changed before a call is not compared with what the call was made from',
    file: 'apply/apply.ts',
    find: 'if (parts.length > 0)',
    replace: 'if (false)',
    tests: FOREIGN,
  },
  {
    what: 'what another client changed between two calls is sealed as ours',
    file: 'apply/apply.ts',
    find: 'if (foreign.length > 0)',
    replace: 'if (false)',
    tests: FOREIGN,
  },
  {
    what: 'an update is undone by the element of the plan, not by the one there is now',
    file: 'apply/rollback.ts',
    find: 'fromNow(inScope(whole(step, context), scope), context)',
    replace: 'inScope(whole(step, context), scope)',
    tests: FOREIGN,
  },
  {
    what: 'a setting that another client changed is set back',
    file: 'apply/rollback.ts',
    find: 'await assertNotChangedSince(reader, inverse, each)',
    replace: '',
    tests: FOREIGN,
  },
  {
    what: 'every new controller is taken out when an attach is undone',
    file: 'apply/rollback.ts',
    find: '.filter((device) => own.includes(device) || isSpare(device))',
    replace: '',
    tests: FOREIGN,
  },
  {
    what: 'a call that was given up is waited for by a query, which passes it',
    file: 'apply/confirm-call.ts',
    find: "await connection.call('DOMAIN_DETACH_DEVICE_ALIAS', { dom, alias: NOBODY, flags: 0 }, limit)",
    replace: "await connection.call('DOMAIN_GET_PERF_EVENTS', { dom, flags: 0 }, limit)",
    tests: ['apply/given-up'],
  },
  {
    what: 'what is undone is not waited for while the call may still take place',
    file: 'apply/apply.ts',
    find: 'if (cause instanceof OpenOutcome)',
    replace: 'if (false)',
    tests: ['apply/given-up'],
  },
  {
    what: 'a guest that may run is destroyed',
    file: 'power/verified-start.ts',
    find: "if (state === 'running')",
    replace: "await connection.call('DOMAIN_DESTROY_FLAGS', { dom, flags: 0 }); if (false)",
    tests: ['apply/given-up'],
  },
  {
    what: 'places are taken by PCI function instead of slot',
    file: 'domain/places/topology.ts',
    find: 'return `pci ${address.domain}:${address.bus}:${address.slot}`',
    replace: 'return `pci ${address.domain}:${address.bus}:${address.slot}.${address.function}`',
    tests: ['domain/topology'],
  },
  {
    what: 'one update call serves both documents whatever else differs',
    file: 'plan/update.ts',
    find: 'agree(config.from, inLive, now)',
    replace: 'true',
    tests: ['plan/update'],
  },
  {
    what: 'fingerprints count secrets',
    file: 'plan/fingerprints.ts',
    find: "secrets === 'hidden'",
    replace: 'false',
    tests: ['plan/fingerprints'],
  },
  {
    what: 'secrets of nested sources are not hidden',
    file: 'domain/devices/secret.ts',
    find: ' || `${plain}/`.includes(`/${each}/`)',
    replace: '',
    tests: ['hostile/nested-secrets'],
  },
  {
    what: 'taking vCPUs away is not an unplug',
    file: 'plan/vcpu-unplug.ts',
    find: 'if (!lowers(inLive, change.to))',
    replace: 'if (true)',
    tests: ['plan/resize', 'plan/vcpu-unplug'],
  },
  {
    what: 'unplugs of vCPUs come where they happen to be planned',
    file: 'plan/vcpu-unplug.ts',
    find: 'return [...operations.filter(isFirst), ...operations.filter((each) => !isFirst(each))]',
    replace: 'return [...operations]',
    tests: ['plan/vcpu-unplug'],
  },
  {
    what: 'the guard lets definitions through',
    file: 'connection/guard.ts',
    find: 'if (problem !== undefined)',
    replace: 'if (false)',
    tests: ['connection/guard'],
  },
  {
    what: 'the guard lets a UUID be defined twice',
    file: 'connection/guard.ts',
    find: "permit === 'once' && this.#spent.has(key)",
    replace: 'false',
    tests: ['connection/guard'],
  },
];
