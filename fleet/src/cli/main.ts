#!/usr/bin/env node
/** `lvc-fleet`: plans, begins, watches and steers operations over many hosts, and works on them. */
import { addHeartbeatCommand } from './heartbeat-command.js';
import { addHostCommands } from './host-commands.js';
import { addOperationCommands } from './operation-commands.js';
import { addPlanCommands } from './plan-commands.js';
import { globals, program } from './session.js';
import { plain } from './show.js';
import { addStartCommands } from './start-commands.js';
import { addWorkerCommand } from './worker-command.js';

// The engine says on the console when it makes its tables. What a program reads is on the output alone.
console.log = console.error;
console.info = console.error;

addHostCommands();
addPlanCommands();
addStartCommands();
addOperationCommands();
addWorkerCommand();
addHeartbeatCommand();
try {
  await program.parseAsync();
} catch (error) {
  const { code, message, exitCode } = error as { code?: string; message: string; exitCode?: number };
  if (exitCode !== undefined) process.exitCode = exitCode;
  else {
    if (globals().json) process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
    else process.stderr.write(`lvc-fleet: ${plain(message)}${code === undefined ? '' : ` (${code})`}\n`);
    process.exitCode = 1;
  }
}
