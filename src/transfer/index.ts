/** What goes over libvirt's streams: consoles, channels, screenshots and volumes. */
export { type ConsoleOptions, type GuestStream, openChannel, openConsole } from './guest-stream.js';
export { type FileSum, type LocalImageOptions, loadImage, saveImage } from './local-image.js';
export { type ImageSum, pipeImage, sumImage } from './pipe.js';
export { type Screenshot, type ScreenshotOptions, takeScreenshot } from './screenshot.js';
export {
  downloadVolume,
  type TransferOptions,
  type TransferProgress,
  uploadVolume,
} from './volume.js';
