import { Argument, Command } from "commander";
import { print } from "./output.ts";

const SHELLS = { bash, zsh, fish } as const;

/** What may be typed behind a command: its sub-commands and flags. */
interface Entry {
  /** Below `hermes`, such as `config show`; empty for `hermes` itself. */
  path: string;
  commands: { name: string; description: string }[];
  flags: { name: string; description: string }[];
}

/** `hermes completion SHELL`: a script that completes commands and flags. */
export function completionCommand(program: () => Command): Command {
  return new Command("completion")
    .description("print a script that completes commands in bash, zsh or fish")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SHELLS)))
    .addHelpText(
      "after",
      `
Take it up:
  bash  echo 'source <(hermes completion bash)' >> ~/.bashrc
  zsh   echo 'source <(hermes completion zsh)' >> ~/.zshrc    (below compinit)
  fish  hermes completion fish > ~/.config/fish/completions/hermes.fish
`,
    )
    .action((shell: keyof typeof SHELLS) => print(SHELLS[shell](entriesOf(program(), ""))));
}

function entriesOf(command: Command, path: string): Entry[] {
  const help = command.createHelp();
  const commands = help
    .visibleCommands(command)
    .map((child) => ({ name: child.name(), description: child.description() }));
  const flags = help
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ name: long, description }] : []));
  const below = command.commands.flatMap((child) => entriesOf(child, `${path} ${child.name()}`.trim()));
  return [{ path, commands, flags }, ...below];
}

/** Words that are no command, such as values of flags, do not count as typed. */
function bash(entries: Entry[]): string {
  const known = entries.map(({ path }) => `"${path}"`).join("|");
  const cases = entries.map(({ path, commands, flags }) => {
    const words = [...commands, ...flags].map(({ name }) => name).join(" ");
    return `    "${path}") words="${words}" ;;`;
  });
  return `_hermes() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${typed:+$typed }$word" in
      ${known}) typed="\${typed:+$typed }$word" ;;
    esac
  done
  case "$typed" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _hermes hermes
`;
}

function zsh(entries: Entry[]): string {
  return `autoload -Uz bashcompinit && bashcompinit\n${bash(entries)}`;
}

function fish(entries: Entry[]): string {
  // Every word is led by a space, the first one too.
  const known = entries.map(({ path }) => quote(` ${path}`)).join(" ");
  const lines = entries.flatMap(({ path, commands, flags }) => {
    const here = `complete -c hermes -n ${quote(`__hermes_typed ${quote(path && ` ${path}`)}`)}`;
    return [
      ...commands.map(({ name, description }) => `${here} -f -a ${name} -d ${quote(description)}`),
      ...flags.map(({ name, description }) => `${here} -l ${name.slice(2)} -d ${quote(description)}`),
    ];
  });
  return `function __hermes_typed
  set -l typed
  for word in (commandline -opc)[2..]
    contains -- "$typed $word" ${known}
    and set typed "$typed $word"
  end
  test "$typed" = "$argv"
end
${lines.join("\n")}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
