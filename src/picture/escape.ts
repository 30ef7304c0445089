const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What XML 1.0 cannot hold, and what turns the direction of the text around it. */
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that must not get through
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu;

/** Makes a text harmless in the contents and in a quoted attribute of XML and HTML. */
export function escaped(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, (each) => ENTITIES[each] as string);
}

/** Makes a text one line of printable characters. */
export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').replace(FORBIDDEN, '\ufffd');
}
