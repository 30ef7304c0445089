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
