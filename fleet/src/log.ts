/** What the engine would say of itself. Whatever concerns an operation is in its audit and progress. */
export interface EngineLog {
  info(text: unknown): void;
  debug(text: unknown): void;
  warn(text: unknown): void;
  error(text: unknown): void;
}

const nothing = (): void => undefined;

/** Says nothing. */
export const quiet: EngineLog = { info: nothing, debug: nothing, warn: nothing, error: nothing };
