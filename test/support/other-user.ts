/** Work as another user of this machine, for what looks at who opened a socket. */

const { geteuid, seteuid } = process;

/** Why this process cannot become another user: Node over a libuv that may use io_uring, as on Debian 13, lets none. */
export const otherUserProblem: string | undefined = (() => {
  try {
    if (geteuid?.() === 0) seteuid?.(0);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
})();

/** Runs work as that user when this process is root's, and as it is otherwise. */
export async function asUser<T>(user: string, work: () => Promise<T>): Promise<T> {
  if (geteuid?.() !== 0) return work();
  seteuid?.(user);
  try {
    return await work();
  } finally {
    seteuid?.(0);
  }
}
