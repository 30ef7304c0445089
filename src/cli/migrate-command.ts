import { type AddCommand, choice, collect, seconds, whole } from './command-options.js';

/** `migrate` with every option of a migration. */
export function migrateCommand(changing: AddCommand): void {
  changing(
    'migrate <domain> [destination]',
    'to another host, proved there before it is let go here; or settle one that was cut',
    async () => (await import('./commands/migrate.js')).migrate,
  )
    .addOption(
      choice('--mode <mode>', 'it runs on; it runs on and disks are copied; it is off', ['live', 'block', 'cold']),
    )
    .option('--plan', 'show the findings and what would be done, and do nothing')
    .option('--policy <policy>', 'gentle, converge, leave, post-copy; or parts over one: {preset: leave, silence: 60}')
    .option('-f, --file <file>', 'options in YAML or JSON, as the library has them; - for stdin')
    .option('--disk <disk>', 'a disk to copy; can be given again', collect)
    .option('--shared <disk>', 'a disk that both hosts have, where it cannot be told; can be given again', collect)
    .option('--path <from=to>', 'where files are there: /images=/srv/images; can be given again', collect)
    .option('--source <device,path=value>', 'another source there: lan,source/@bridge=br1; can be given again', collect)
    .addOption(choice('--copy <what>', 'of a disk: its whole contents, or the top image', ['all', 'incremental']))
    .addOption(choice('--targets <what>', 'of copied disks: made, or there already', ['create', 'given']))
    .option('--synchronous-writes', "the guest's writes wait for both sides of a copied disk")
    .option('--uri <uri>', 'where memory is sent to: tcp://host2:49152')
    .option('--listen-address <address>', "that the destination's QEMU listens on")
    .option('--disks-uri <uri>', 'where disks are copied to')
    .option('--disks-port <port>', 'the same, the port alone', whole)
    .option('--parallel <number>', 'connections that memory is sent over at once', whole)
    .option('--compression <how>', 'xbzrle, mt, zlib, zstd; or {method: zstd, level: 3}')
    .option('--tls [name]', "encrypt memory and disks; the name in the destination's certificate")
    .option('--graphics-listen <address>', 'that displays listen on there')
    .option('--graphics-uri <uri>', 'that SPICE clients are sent to')
    .addOption(
      choice('--via <way>', "who makes the calls: this command, or the source's daemon by itself", [
        'client',
        'peer-to-peer',
        'tunnelled',
      ]),
    )
    .option('--destination-uri <uri>', "of these two: the destination as the source's daemon reaches it")
    .addOption(choice('--prove <when>', 'also before the guest runs there', ['incoming', 'paused']))
    .addOption(choice('--definition-there <what>', 'of the domain that is off there', ['refuse', 'replace']))
    .addOption(choice('--managed-save <what>', 'a saved guest, of a cold migration', ['refuse', 'discard']))
    .option('--keep-definition', 'leave the definition here when the domain has gone')
    .option('--abort-timeout <seconds>', 'that Ctrl-C has before the destination is ended instead; 10', seconds)
    .option('--recover', 'settle a migration that was cut: reads both hosts, shows what they have, and asks')
    .option('--look', 'with --recover: only show it')
    .addOption(choice('--prefer <way>', 'with --recover: where to go when both ways are open', ['back', 'forward']))
    .addOption(
      choice('--owner <state>', 'with --recover: "gone" is your word that the process which migrated has ended', [
        'ended',
        'gone',
      ]),
    );
}
