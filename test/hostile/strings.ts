/** Texts that are markup, entities, patterns or names of JavaScript somewhere: XML can hold each, and it must stay what it is. */
export const HOSTILE: readonly string[] = [
  `"'><x y="`,
  `'/><source file='/etc/shadow'/><x a='`,
  '</disk></devices><disk>',
  '<!--',
  '-->',
  ']]>',
  '<![CDATA[',
  '<?x?>',
  '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
  '&e;',
  '&lt;script&gt;',
  '&#60;&#x3c;',
  '&amp;amp;',
  '&',
  "$& $1 $` $' $$",
  '%s%n\\0\\u0000',
  '\u0085\u00a0\u2028\ufeff\ufffd',
  '𝄞é',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
];

/** Texts that no XML can hold, or libvirt does not keep: there is nothing to be done but to refuse them. */
export const IMPOSSIBLE: readonly string[] = [
  'a\tb\nc\rd\r\ne',
  'a\0b',
  '\u0001',
  '\u000b',
  '\u001f',
  '\ud800',
  '\udc00x',
  '\ufffe',
  '\uffff',
];
