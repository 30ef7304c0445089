import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A BMC that speaks as much Redfish as a fence needs, and how it misbehaves. */
export interface FakeBmcOptions {
  readonly power?: 'On' | 'Off';
  /** `honest`: off a few readings after it was told. `deaf`: it takes the order and stays on. `hangs`: no answer to what path matches. */
  readonly manner?: 'honest' | 'deaf' | 'flaps' | 'refuses' | 'garbage' | { readonly hangs: RegExp };
  readonly systems?: number;
  readonly allowable?: readonly string[];
  /** Where the reset leads to. */
  readonly target?: string;
  /** Called when the power goes off. */
  readonly onOff?: () => Promise<void>;
}

export const USER = 'fleet';
export const PASSWORD = 'open sesame';

export class FakeBmc implements AsyncDisposable {
  readonly url: string;
  /** Method and path of each request, and the reset type. */
  readonly requests: string[];
  readonly #close: () => Promise<void>;

  private constructor(url: string, requests: string[], close: () => Promise<void>) {
    this.url = url;
    this.requests = requests;
    this.#close = close;
  }

  static async start(options: FakeBmcOptions = {}): Promise<FakeBmc> {
    const requests: string[] = [];
    const server = createServer(answering(options, requests));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new FakeBmc(`http://127.0.0.1:${port}`, requests, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

function answering(options: FakeBmcOptions, requests: string[]) {
  const { manner = 'honest', systems = 1, allowable = ['On', 'ForceOff'], onOff } = options;
  const { target = '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset' } = options;
  let power: string = options.power ?? 'On';
  let readingsUntilOff = Number.POSITIVE_INFINITY;
  let readings = 0;
  const state = (): string => {
    readings += 1;
    if (manner === 'flaps') return power === 'On' ? 'On' : readings % 2 === 0 ? 'Off' : 'PoweringOn';
    if (--readingsUntilOff < 0) power = 'Off';
    else if (Number.isFinite(readingsUntilOff)) return 'PoweringOff';
    return power;
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const part of request) text += part;
    const path = request.url ?? '';
    requests.push(`${request.method} ${path}${text === '' ? '' : ` ${text}`}`);
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (typeof manner === 'object' && manner.hangs.test(path)) return;
    if (request.headers.authorization !== `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`)
      return send(401, {});
    if (manner === 'garbage') return send(200, '<html>');
    if (path === '/redfish/v1/Systems')
      return send(200, {
        Members: Array.from({ length: systems }, (_, at) => ({ '@odata.id': `/redfish/v1/Systems/${at + 1}` })),
      });
    if (path === '/redfish/v1/Systems/1')
      return send(200, {
        PowerState: state(),
        Actions: { '#ComputerSystem.Reset': { target, 'ResetType@Redfish.AllowableValues': allowable } },
      });
    if (request.method === 'POST' && path === target) {
      if (manner === 'refuses') return send(500, {});
      if (manner === 'honest') {
        await onOff?.();
        readingsUntilOff = 1;
      }
      if (manner === 'flaps') power = 'Off';
      return send(204, '');
    }
    send(404, {});
  };
}
