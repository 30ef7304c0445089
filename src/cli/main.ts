#!/usr/bin/env node
/** The command `lvc`. What it says it says on stdout and stderr; its exit code tells the kind of outcome. */
import { run } from './run.js';

process.exitCode = await run(process.argv.slice(2));
