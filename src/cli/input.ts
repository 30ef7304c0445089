import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ChangeRequest, DomainSpec } from '../index.js';
import { UsageError } from './exit.js';

/** One document that was given: what it is of, and where it was read. */
export type Input = { readonly from: string } & (
  | { readonly kind: 'change'; readonly request: ChangeRequest }
  | { readonly kind: 'domain'; readonly name: string | undefined; readonly desired: DomainSpec | string }
);

const EXTENSIONS = ['.yaml', '.yml', '.json', '.xml'];

/** Reads a file, `-` for stdin, or every file of a folder: YAML, JSON or domain XML, in YAML also several in one file. */
export async function readInputs(path: string): Promise<Input[]> {
  if (path === '-') return parseInputs(await readStdin(), 'stdin');
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new UsageError(`There is no file ${path}`);
  if (!info.isDirectory()) return parseInputs(await readFile(path, 'utf8'), path);
  const names = (await readdir(path)).filter((name) => EXTENSIONS.includes(extname(name))).sort();
  if (names.length === 0) throw new UsageError(`There is no file ${EXTENSIONS.join(', ')} in ${path}`);
  const inputs: Input[] = [];
  for (const name of names)
    inputs.push(...(await parseInputs(await readFile(join(path, name), 'utf8'), join(path, name))));
  const change = inputs.find(({ kind }) => kind === 'change');
  if (change) throw new UsageError(`${change.from} is a change request: a folder holds whole domains`);
  return inputs;
}

/** A file as text; `-` is stdin. */
export async function readText(path: string): Promise<string> {
  if (path === '-') return readStdin();
  return readFile(path, 'utf8').catch(() => {
    throw new UsageError(`There is no file ${path} that can be read`);
  });
}

/** Writes a file that is not there yet, for its owner alone: what it holds is as secret as the domain is. */
export async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new UsageError(`${path} exists already: give another name`);
    throw new UsageError(`${path} cannot be written: ${error.message}`);
  });
}

/** Tells domain XML, domain specs and change requests apart: a spec has a name. */
export async function parseInputs(text: string, from: string): Promise<Input[]> {
  if (/^\s*</.test(text)) return [{ kind: 'domain', from, name: nameInXml(text), desired: text }];
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(text);
  const values = (Array.isArray(documents) ? documents : []).map((document) => {
    const [error] = document.errors;
    if (error) throw new UsageError(`${from} is neither YAML nor JSON nor XML: ${error.message.split('\n')[0]}`);
    return document.toJS() as unknown;
  });
  const given = values.filter((value) => value !== null && value !== undefined);
  if (given.length === 0) throw new UsageError(`${from} is empty`);
  return given.map((value): Input => {
    if (typeof value !== 'object' || Array.isArray(value))
      throw new UsageError(`${from} holds no object: give a domain spec or a change request`);
    const { name } = value as { name?: unknown };
    return name === undefined
      ? { kind: 'change', from, request: value as ChangeRequest }
      : { kind: 'domain', from, name: String(name), desired: value as DomainSpec };
  });
}

function nameInXml(xml: string): string | undefined {
  return /<name>\s*([^<]+?)\s*<\/name>/.exec(xml)?.[1];
}

async function readStdin(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const part of process.stdin) text += part;
  return text;
}
