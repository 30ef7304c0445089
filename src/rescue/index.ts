/**
 * The rescue room: one boot from another document, and the way back. The canonical document is not written.
 */
export {
  type RescueOptions,
  type RescueState,
  type RescueSubject,
  rescue,
  rescueStateOf,
  type UnrescueOptions,
  unrescue,
} from './rescue.js';
export type { RescueDisk, RescueKernel } from './rescue-document.js';
export { refuseLeftover } from './transient.js';
