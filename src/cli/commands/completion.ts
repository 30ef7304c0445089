import type { Command } from 'commander';
import type { Answer } from '../exit.js';
import { domainNames, type Session } from '../session.js';

/** What each shell is told once; the words come from `lvc complete`, which asks the host. */
const SCRIPTS = {
  bash: `# lvc completion: source <(lvc completion bash)
_lvc() {
  local IFS=$'\\n' cur="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(lvc complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$cur"))
}
complete -o default -F _lvc lvc`,
  zsh: `#compdef lvc
# lvc completion: source <(lvc completion zsh)
_lvc() {
  local -a found
  found=("\${(@f)$(lvc complete -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  if (( \${#found} )) && [[ -n $found[1] ]]; then compadd -a found; else _files; fi
}
compdef _lvc lvc`,
  fish: `# lvc completion: lvc completion fish | source
function __lvc_complete
  set -l words (commandline -opc) (commandline -ct)
  lvc complete -- $words[2..-1] 2>/dev/null
end
complete -c lvc -a '(__lvc_complete)'`,
} as const;

export const SHELLS = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];

/** `lvc completion`: the script for a shell. */
export async function completion(_session: Session, shell: keyof typeof SCRIPTS): Promise<Answer> {
  return { result: { shell, script: SCRIPTS[shell] }, text: SCRIPTS[shell] };
}

/** `lvc complete`: what the last of these words may be, a line each. Never an error: a shell has nowhere to show it. */
export async function complete(session: Session, words: readonly string[], program: Command): Promise<Answer> {
  const found = await candidates(session, words, program).catch(() => []);
  const last = words.at(-1) ?? '';
  const fitting = found.filter((each) => each.startsWith(last));
  return { result: { words: fitting }, text: fitting.join('\n') };
}

async function candidates(session: Session, words: readonly string[], program: Command): Promise<string[]> {
  const last = words.at(-1) ?? '';
  const [name, ...rest] = words;
  const command = program.commands.find((each) => each.name() === name);
  if (words.length <= 1 || !command)
    return program.commands.map((each) => each.name()).filter((each) => each !== 'complete' && each !== 'help');
  const option = command.options.find(({ long, short }) => [long, short].includes(words.at(-2)));
  if (option?.argChoices) return option.argChoices;
  const { long = '' } = option ?? {};
  if (['--attach', '--update'].includes(long) && /\b(network|pool)=[^,]*$/.test(last)) return namesIn(session, last);
  if (['--detach', '--update'].includes(long)) return devices(session, rest[0], false);
  if (['--disk', '--shared'].includes(long)) return devices(session, rest[0], true);
  if (option?.required) return [];
  if (last.startsWith('-')) return command.options.flatMap(({ long }) => (long ? [long] : []));
  const place = rest.slice(0, -1).filter((word) => !word.startsWith('-')).length;
  const argument = command.registeredArguments[place];
  if (argument?.argChoices) return argument.argChoices;
  if (argument?.name() === 'domain') return domainNames(await session.connection());
  return argument?.name() === 'disk' ? devices(session, rest[0], true) : [];
}

/** Devices as selectors, `disk=data`; of disks alone the names. */
async function devices(session: Session, domain: string | undefined, disks: boolean): Promise<string[]> {
  if (domain === undefined) return [];
  const found = await (await session.domain(domain)).devices();
  if (disks) return found.flatMap(({ kind, id, name }) => (kind === 'disk' ? [id ?? name] : []));
  return found.map(({ kind, id, name }) => `${kind}=${id ?? name}`);
}

/** What names of the host a word of a request can end in. */
const NAMES = {
  network: async (session: Session) => (await (await session.manager()).networks()).map(({ name }) => name),
  pool: async (session: Session) => (await (await session.manager()).pools()).map(({ name }) => name),
} as const;

/** The networks and storage pools of the host, for a word that ends in `network=` or `pool=`. */
async function namesIn(session: Session, last: string): Promise<string[]> {
  const [, head, field] = /^(.*\b(network|pool)=)[^,]*$/.exec(last) ?? [];
  if (head === undefined) return [];
  return (await NAMES[field as keyof typeof NAMES](session)).map((name) => `${head}${name}`);
}
