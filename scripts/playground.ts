/**
 * Builds the playground, a page that plans changes by itself, into build/playground: open its index.html.
 *
 *   npm run playground
 */
import { buildPlayground } from './site/playground.js';

const folder = 'build/playground';
await buildPlayground(folder);
console.log(`${folder}/index.html`);
