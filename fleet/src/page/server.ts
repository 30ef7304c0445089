import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { EngineError } from '../errors.js';
import type { Operations } from '../operations.js';
import { PAGE, SCRIPT, STYLE } from './page.js';

/** A status page that is served. */
export interface StatusPage {
  readonly url: string;
  close(): Promise<void>;
}

/** Milliseconds between two looks for those who watch. */
const LOOK = 500;
const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
const FILES: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/': ['text/html; charset=utf-8', PAGE],
  '/page.js': ['text/javascript; charset=utf-8', SCRIPT],
  '/page.css': ['text/css; charset=utf-8', STYLE],
};

/**
 * Serves the operations of a store as a page and as JSON, read only, on the loopback: `127.0.0.1:PORT`, port 0 for any. Only
 * requests that name a loopback host are answered, so that no page of another site reads it. Errors: `CONFIG_INVALID`.
 */
export async function servePage(engine: Operations, address: string): Promise<StatusPage> {
  const { host, port } = loopback(address);
  const watching = new Set<ServerResponse>();
  const server = createServer((request, response) => void answer(engine, watching, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host.replace(/[[\]]/g, ''), resolve);
  });
  const { port: bound } = server.address() as { port: number };
  return {
    url: `http://${host}:${bound}/`,
    close: () =>
      new Promise((resolve) => {
        for (const each of watching) each.end();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An address of the loopback. Errors: `CONFIG_INVALID`. */
export function loopback(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(127\.0\.0\.1|\[::1\]|localhost):(\d+)$/.exec(address) ?? [];
  if (host !== '' && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new EngineError(
    'CONFIG_INVALID',
    `http: ${address} is no address of the loopback`,
    'Give 127.0.0.1:PORT; others come by ssh -L, or a proxy that asks who they are',
  );
}

async function answer(
  engine: Operations,
  watching: Set<ServerResponse>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const name = /^(.*?)(?::\d+)?$/.exec(request.headers.host ?? '')?.[1] ?? '';
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (!LOOPBACK.includes(name)) return end(response, 403, 'text/plain', 'This page is for the loopback alone.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return end(response, 405, 'text/plain', 'This page is read only.\n');
  const file = FILES[path];
  if (file) return end(response, 200, ...file);
  if (path === '/status.json') {
    const status = await statusOf(engine);
    return end(response, 200, 'application/json', JSON.stringify(status));
  }
  if (path === '/events') return events(engine, watching, response);
  return end(response, 404, 'text/plain', 'There is no such page.\n');
}

function end(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type });
  response.end(text);
}

async function statusOf(engine: Operations): Promise<object> {
  try {
    return { operations: await engine.operations(), workers: await engine.workers() };
  } catch (error) {
    return { operations: [], workers: [], error: (error as Error).message };
  }
}

async function events(engine: Operations, watching: Set<ServerResponse>, response: ServerResponse): Promise<void> {
  watching.add(response);
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  response.once('close', () => watching.delete(response));
  let last = '';
  while (watching.has(response)) {
    const text = JSON.stringify(await statusOf(engine));
    if (text !== last) response.write(`data: ${text}\n\n`);
    last = text;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}
