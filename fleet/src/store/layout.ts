/**
 * What this package keeps beside the engine's own tables, in the schema `lvc_fleet`: references, digests and words of people,
 * never a document, a bundle or a password. One text a layout: a store of an older one is brought up by those after it.
 */
export const LAYOUTS: readonly string[] = [
  `CREATE TABLE lvc_fleet.operation (
     id text PRIMARY KEY,
     kind text NOT NULL,
     digest text NOT NULL,
     version text NOT NULL,
     input jsonb NOT NULL,
     empties text[] NOT NULL,
     fills text[] NOT NULL,
     asked text NOT NULL DEFAULT 'run',
     waiting jsonb NOT NULL DEFAULT '{}',
     total integer NOT NULL,
     created timestamptz NOT NULL DEFAULT now(),
     ended timestamptz
   );
   CREATE TABLE lvc_fleet.progress (
     operation text NOT NULL REFERENCES lvc_fleet.operation ON DELETE CASCADE,
     key text NOT NULL,
     row jsonb NOT NULL,
     at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (operation, key)
   );
   CREATE TABLE lvc_fleet.audit (
     operation text NOT NULL REFERENCES lvc_fleet.operation ON DELETE CASCADE,
     key text NOT NULL,
     at timestamptz NOT NULL DEFAULT now(),
     who text NOT NULL,
     what text NOT NULL,
     detail jsonb NOT NULL,
     PRIMARY KEY (operation, key)
   );
   CREATE TABLE lvc_fleet.held (
     domain text PRIMARY KEY,
     operation text NOT NULL REFERENCES lvc_fleet.operation ON DELETE CASCADE
   );
   CREATE TABLE lvc_fleet.worker (
     name text PRIMARY KEY,
     version text NOT NULL,
     place text NOT NULL,
     pid integer NOT NULL,
     since timestamptz NOT NULL DEFAULT now()
   );`,
];
