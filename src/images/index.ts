/**
 * The images room: disk images of a host's storage pools, and seeds for cloud-init. It makes them for domains that are yet
 * to be defined.
 */
export { type CreatedImage, createImage, type ImageRequest } from './create-image.js';
export { type CreateSeedRequest, createSeed } from './create-seed.js';
export type { ImagePlace } from './pool.js';
export { type CloudInitSeed, cloudInitSeed } from './seed.js';
