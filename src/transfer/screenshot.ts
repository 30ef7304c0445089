import type { Connection, DomainHandle } from '../connection/index.js';
import { pngOfPpm } from './png.js';

/** Options of `screenshot`. */
export interface ScreenshotOptions {
  /** Number of the screen, over all graphics devices. Default 0. */
  readonly screen?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a guest shows. */
export interface Screenshot {
  /** `image/png`; another type only if QEMU gives one that is neither PNG nor PPM. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** virDomainScreenshot. Older QEMU gives PPM, which is made PNG here. */
export async function takeScreenshot(
  connection: Connection,
  dom: DomainHandle,
  { screen = 0, signal }: ScreenshotOptions = {},
): Promise<Screenshot> {
  await using stream = await connection.stream('DOMAIN_SCREENSHOT', { dom, screen, flags: 0 }, { signal });
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.readable) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const type = stream.result.mime ?? 'application/octet-stream';
  return type === 'image/x-portable-pixmap' ? { type: 'image/png', bytes: pngOfPpm(bytes) } : { type, bytes };
}
