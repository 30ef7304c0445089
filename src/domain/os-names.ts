/** The presets there are. */
export const OS_NAMES = ['windows-11', 'windows-server', 'linux', 'generic'] as const;

/** Name of a preset. */
export type OsName = (typeof OS_NAMES)[number];
