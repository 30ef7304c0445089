import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, secretsHidden } from '../../src/domain/index.js';

const secret = `user-data=${Array.from({ length: 300 }, (_, n) => `word${n}`).join('-')}`;
const documentWith = (text: string) =>
  new DomainDocument(
    `<domain><name>a</name><sysinfo type='fwcfg'><entry name='opt/x/one'>${text}</entry></sysinfo><devices/></domain>`,
  );

test('secretsHidden: a text that was cut anywhere, as a log is that QEMU still writes, has no piece of a secret', () => {
  const hide = secretsHidden(documentWith('rosemary,thyme'));
  const whole = "qemu: -fw_cfg name=opt/x/one,string=rosemary,thyme: Invalid parameter 'thyme'";
  const begins = whole.indexOf('rosemary');
  for (let length = begins + 1; length <= whole.length; length++)
    assert.not.match(hide(whole.slice(0, length)), /string=r|rosem|thym|,t|'t/, whole.slice(0, length));
  assert.is(hide(whole.slice(0, begins)), whole.slice(0, begins));
  assert.is(
    hide(`${whole.slice(0, begins + 3)}\n`),
    `${whole.slice(0, begins)}(secret)\n`,
    'the end of the line stays',
  );
});

test('secretsHidden: a message of the greatest length, cut at both ends in a long secret', () => {
  const hide = secretsHidden(documentWith(secret));
  for (const [from, to] of [
    [0, 900],
    [37, 900],
    [700, secret.length],
    [0, secret.length],
  ] as const) {
    const told = hide(`process exited: ${secret.slice(from, to)}`);
    assert.is(told, 'process exited: (secret)', `${from} ${to}`);
  }
  assert.is(hide('no secret in here: user data'), 'no secret in here: user data');
});

test.run();
