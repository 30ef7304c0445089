/**
 * The images room: disk images of a host's storage pools, and seeds for cloud-init. It makes them for domains that are yet
 * to be defined.
 */
export { type CreatedImage, createImage, type ImageRequest } from './create-image.js';
export { type CreateSeedRequest, createSeed } from './create-seed.js';
export { isLibvirt, withPool } from './folder-pool.js';
export {
  type ImageFile,
  imageFile,
  makeImageFile,
  type NewImageFile,
  removeImageFiles,
  withVolume,
} from './image-file.js';
export type { ImagePlace } from './pool.js';
export { type HostPool, poolsOf } from './pools.js';
export { type CloudInitSeed, cloudInitSeed } from './seed.js';
export {
  deleteVolume,
  type HostVolume,
  type ResizeVolumeOptions,
  resizeVolume,
  type VolumeName,
  volumeHandle,
  volumesOf,
} from './volumes.js';
