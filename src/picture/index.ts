/**
 * The picture room: where every device sits, as plain data and as SVG, HTML and text. Its functions take data and return
 * text: no call, nothing of Node, no other room.
 */
export type {
  AskedBy,
  AtNextBoot,
  DomainTopology,
  TopologyBus,
  TopologyChange,
  TopologyDevice,
  TopologyPort,
} from './form.js';
export { topologyHtml } from './html.js';
export { topologySvg } from './svg.js';
export { topologyText } from './text.js';
