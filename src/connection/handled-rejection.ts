/** The handler of rejections that somebody else may look at, or nobody. */
export const ignore = (): void => {};

/**
 * Runs an async function so that its rejection, if nobody looks at it, does not end the process: calls are pipelined,
 * and when a connection is lost all of them reject while their caller still awaits the first. The handler is attached
 * at the moment of failure, since a second reaction on the promise would cost V8's async stack trace.
 */
export function withHandledRejection<T>(run: () => Promise<T>): Promise<T> {
  const guarded = async (): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      promise.catch(ignore);
      throw error;
    }
  };
  const promise = guarded();
  return promise;
}
