// Makes the test guest: fetches a kernel and builds the initramfs. Run by scripts/setup after the build.
import { prepareGuestImage } from '../../dist/testing/index.js';

const { kernel, initrd } = await prepareGuestImage();
console.log(`${kernel}\n${initrd}`);
