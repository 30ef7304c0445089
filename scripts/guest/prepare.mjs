// Makes the test guest: fetches a kernel and QEMU's guest agent and builds the initramfs. Run by scripts/setup after the build.
import { prepareGuestImage } from '../../dist/testing/index.js';

const { kernel, initrd } = await prepareGuestImage({ agent: true });
console.log(`${kernel}\n${initrd}`);
