/** Connects to the URI given, says so, and waits to be killed, or exits with the connection open. */
import { connect } from '../../src/connection/index.js';

const [uri = '', end] = process.argv.slice(2);
const connection = await connect(uri);
process.stdout.write(`${connection.libvirtVersion}\n`, () => {
  if (end === 'exit') process.exit(0);
});
