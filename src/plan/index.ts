export { digestOf } from './digest.js';
export { Plan } from './plan.js';
export { planChanges } from './planner.js';
export type { ChangeRequest, DeviceSelector, DeviceUpdate, FieldChanges } from './request.js';
