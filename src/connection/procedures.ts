import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import { PROCEDURES, type ProcedureRow } from './generated/protocol-table.js';
import type { Procedures } from './generated/protocol-types.js';
import { structCodec } from './wire/codec.js';
import { FRAME_MAX, HEADER_SIZE, MessageType, Program, writeHeader } from './wire/message.js';
import type { Codec } from './wire/scalars.js';
import { FieldError, XdrWriter } from './wire/xdr.js';

/** Every procedure of the protocol, those that the connection calls itself included. */
export type AnyProcedure = keyof Procedures;

/** Procedures that belong to the connection: it opens, authenticates, subscribes and closes. */
export const MANAGED_PROCEDURES = [
  'CONNECT_OPEN',
  'CONNECT_CLOSE',
  'AUTH_LIST',
  'AUTH_SASL_INIT',
  'AUTH_SASL_START',
  'AUTH_SASL_STEP',
  'AUTH_POLKIT',
  'CONNECT_DOMAIN_EVENT_REGISTER',
  'CONNECT_DOMAIN_EVENT_DEREGISTER',
  'CONNECT_DOMAIN_EVENT_REGISTER_ANY',
  'CONNECT_DOMAIN_EVENT_DEREGISTER_ANY',
  'CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY',
  'CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY',
  'CONNECT_NETWORK_EVENT_REGISTER_ANY',
  'CONNECT_NETWORK_EVENT_DEREGISTER_ANY',
  'CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY',
  'CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY',
  'CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY',
  'CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY',
  'CONNECT_SECRET_EVENT_REGISTER_ANY',
  'CONNECT_SECRET_EVENT_DEREGISTER_ANY',
  'CONNECT_REGISTER_CLOSE_CALLBACK',
  'CONNECT_UNREGISTER_CLOSE_CALLBACK',
  'QEMU_CONNECT_DOMAIN_MONITOR_EVENT_REGISTER',
  'QEMU_CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER',
  'ADMIN_CONNECT_OPEN',
  'ADMIN_CONNECT_CLOSE',
] as const satisfies readonly AnyProcedure[];

/**
 * A procedure that `call` takes: the names of libvirt's remote program without REMOTE_PROC_, those of its qemu
 * program with QEMU_ before them, and those of the daemon's admin program with ADMIN_. Opening, authentication and event registration are the connection's own.
 */
export type ProcedureName = Exclude<AnyProcedure, (typeof MANAGED_PROCEDURES)[number]>;

/** The arguments of a procedure. 64-bit numbers may be `bigint` or safe integers; optional strings may be left out. */
export type ProcedureArgs<P extends AnyProcedure> = Procedures[P]['args'];

/** The result of a procedure. 64-bit numbers are `bigint`, opaque data is a `Uint8Array` of its own. */
export type ProcedureResult<P extends AnyProcedure> = Procedures[P]['result'];

/** A procedure as the wire knows it. */
export interface Procedure {
  readonly name: AnyProcedure;
  readonly program: number;
  readonly number: number;
  readonly priority: 'high' | 'low';
  /** What libvirt's access policy asks of a caller: to read, or more. */
  readonly access: 'read' | 'write';
  /** First libvirt version that has it, or '' where unknown. */
  readonly since: string;
  readonly needs: 'fds' | 'stream' | undefined;
  readonly args: Codec;
  readonly result: Codec;
}

function programOf(name: AnyProcedure): number {
  if (name.startsWith('QEMU_')) return Program.QEMU;
  return name.startsWith('ADMIN_') ? Program.ADMIN : Program.REMOTE;
}

const known = new Map<string, Procedure>();

/** Looks a procedure up; its codecs are built at first use. */
export function procedureOf(name: AnyProcedure): Procedure {
  let procedure = known.get(name);
  if (!procedure) {
    if (!Object.hasOwn(PROCEDURES, name)) {
      throw new LibvirtCanonicalError(
        'UNSUPPORTED',
        `${name} is no procedure of libvirt's remote, qemu or admin program`,
        {
          remedy: `${meant(name, Object.keys(PROCEDURES))}The type ProcedureName lists them`,
        },
      );
    }
    const [number, priority, access, since, args, result, needs]: ProcedureRow = PROCEDURES[name];
    procedure = {
      name,
      program: programOf(name),
      number,
      priority: priority === 'h' ? 'high' : 'low',
      access: access === 'r' ? 'read' : 'write',
      since,
      needs,
      args: structCodec(args),
      result: structCodec(result),
    };
    known.set(name, procedure);
  }
  return procedure;
}

const writer = new XdrWriter();

/** The frame of a call, without its serial. Throws ARGUMENT_INVALID with the path of the field that does not fit. */
export function encodeCall(procedure: Procedure, args: unknown): Buffer {
  writer.begin(HEADER_SIZE);
  try {
    procedure.args.write(writer, args);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const path = error.path.reduce<string>(
      (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${part}` : part),
      '',
    );
    throw new LibvirtCanonicalError(
      'ARGUMENT_INVALID',
      `${procedure.name} was not sent: ${path || 'its argument'} ${error.message}`,
      { path },
    );
  }
  const frame = writer.finish();
  if (frame.length > FRAME_MAX) {
    throw new LibvirtCanonicalError(
      'ARGUMENT_INVALID',
      `${procedure.name} was not sent: its arguments take ${frame.length} bytes, a message may have ${FRAME_MAX}`,
    );
  }
  writeHeader(frame, procedure.program, procedure.number, MessageType.CALL, 0);
  return frame;
}
