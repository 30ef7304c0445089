import type { WritableStreamDefaultWriter } from 'node:stream/web';

/**
 * Closes a stream to its end. One that has failed meanwhile, by an abort or a lost connection, says why: closing it would only
 * say that it is closed (a TypeError, as the Streams standard has it).
 */
export async function closeWriter<T>(writer: WritableStreamDefaultWriter<T>): Promise<void> {
  try {
    await writer.close();
  } catch (error) {
    await writer.closed;
    throw error;
  }
}
