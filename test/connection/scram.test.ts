import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Scram, ScramError, type ScramMechanism } from '../../src/connection/auth/scram.js';

/** The examples of RFC 5802 and RFC 7677. */
const EXAMPLES: [mechanism: ScramMechanism, nonce: string, first: string, final: string, signature: string][] = [
  [
    'SCRAM-SHA-1',
    'fyko+d2lbbFgONRv9qkxdawL',
    'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  ],
  [
    'SCRAM-SHA-256',
    'rOprNGfwEbeRWgbNEkqO',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  ],
];
for (const [mechanism, nonce, first, final, signature] of EXAMPLES) {
  test(`Scram: the example of the RFC for ${mechanism}`, async () => {
    const exchange = new Scram(mechanism, 'user', 'pencil', nonce);
    assert.is(exchange.first, `n,,n=user,r=${nonce}`);
    assert.is(await exchange.final(first), final);
    exchange.verify(signature);
    for (const wrong of ['', 'v=', signature.replace(/.=$/, 'A='), 'e=other-error', `v=${'A'.repeat(28)}`]) {
      assert.throws(
        () => exchange.verify(wrong),
        (error: unknown) => error instanceof ScramError,
      );
    }
  });
}

test('Scram: a user name with a comma and an equals sign', () => {
  assert.is(new Scram('SCRAM-SHA-1', 'a=b,c', 'x', 'N').first, 'n,,n=a=3Db=2Cc,r=N');
});

test('Scram: nothing is verified before a proof was given', () => {
  assert.throws(() => new Scram('SCRAM-SHA-256', 'a', 'x').verify('v='), /does not know the password/);
});

const LIES: [message: string, says: RegExp][] = [
  ['r=other,s=QSXCR+Q6sek8bf92,i=4096', /nonce/],
  ['r=N,s=QSXCR+Q6sek8bf92,i=4096', /nonce/],
  ['s=QSXCR+Q6sek8bf92,i=4096', /nonce/],
  ['r=N2,i=4096', /no salt/],
  ['r=N2,s=QSXCR+Q6sek8bf92', /no rounds/],
  ['r=N2,s=QSXCR+Q6sek8bf92,i=1', /1 rounds/],
  ['r=N2,s=QSXCR+Q6sek8bf92,i=4095', /4095 rounds/],
  ['r=N2,s=QSXCR+Q6sek8bf92,i=1000001', /1000001 rounds/],
  ['r=N2,s=QSXCR+Q6sek8bf92,i=-4096', /no rounds/],
  ['r=N2,s=QSXCR+Q6sek8bf92,i=1e9', /no rounds/],
  ['m=ext,r=N2,s=QSXCR+Q6sek8bf92,i=4096', /extension/],
  ['', /nonce/],
];
for (const [message, says] of LIES) {
  test(`Scram: '${message}' is answered by no proof`, async () => {
    const error = await new Scram('SCRAM-SHA-1', 'user', 'pencil', 'N')
      .final(message)
      .catch((reason: unknown) => reason);
    assert.instance(error, ScramError);
    assert.match((error as Error).message, says);
  });
}

test.run();
