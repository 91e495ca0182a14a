/** What stands between the `---` lines of a SKILL.md (agentskills.io/specification). */
export interface SkillFrontMatter {
  /** The name of its folder too. */
  name: string;
  /** What it does and when to use it. */
  description: string;
  license?: string;
  /** What it needs around it. */
  compatibility?: string;
  metadata?: Readonly<Record<string, string>>;
  /** Names that its author wants allowed. Hermes shows them and grants nothing for them. */
  allowedTools?: readonly string[];
}

export interface SkillSummary {
  name: string;
  description: string;
}

/** What is wrong with a skill, or odd about it. */
export interface SkillProblem {
  /** The name of the folder; empty when it is about the skills directory itself. */
  skill: string;
  /** The path of the file below the folder. */
  file: string;
  /** From 1; null when it is about the file as a whole. */
  line: number | null;
  message: string;
  /** A skill with an error is not used; a warning changes nothing. */
  severity: "error" | "warning";
}

/** All skills at one moment. The same object for as long as no SKILL.md changes. */
export interface SkillCatalogue {
  /** The usable ones, by name. */
  skills: readonly SkillSummary[];
  problems: readonly SkillProblem[];
}

export interface SkillFile {
  /** Below the folder of the skill, with `/`. */
  path: string;
  sizeBytes: number;
  mediaType: string;
}

export interface Skill {
  frontMatter: SkillFrontMatter;
  /** The Markdown below the front matter. */
  instructions: string;
  /** Every file of the folder by path, SKILL.md first. */
  files: readonly SkillFile[];
  /** What is odd about it; never an error. */
  warnings: readonly SkillProblem[];
}

export interface SkillFileContent extends SkillFile {
  bytes: Uint8Array;
}

/** A new skill, or what is to change in one. What is absent stays as it is. */
export interface SkillDraft {
  name: string;
  /** Needed for a new skill. */
  description?: string;
  /** Needed for a new skill. */
  instructions?: string;
  license?: string;
  compatibility?: string;
  /** Text files below the folder; null removes one. */
  files?: readonly { path: string; content: string | null }[];
}

/** What saving a draft changes. */
export interface SkillChange {
  created: boolean;
  /** Unified, over all files that change; empty when nothing does. */
  diff: string;
  /** The files that are written or removed, by path. */
  changed: readonly string[];
}

/**
 * The skills in `$HERMES_HOME/skills`, one folder each. Read anew at every use, so that what is edited by hand counts at once.
 * No link leads out of the folder of a skill, for reading or writing.
 */
export interface SkillLibrary {
  /** All skills there are; a directory that is missing has none. */
  list(): Promise<SkillCatalogue>;
  /** Raises `not_found` with the nearest name, and `invalid_request` with what is wrong with it. */
  read(name: string): Promise<Skill>;
  /** A file of a valid skill. Raises what `read` does, and `not_found` for a path that is no file of the skill. */
  readFile(name: string, path: string): Promise<SkillFileContent>;
  /** What `save` would change, checked in the same way. Raises `invalid_request` with all that is wrong with the draft. */
  plan(draft: SkillDraft): Promise<SkillChange>;
  /**
   * Writes the draft, whole or not at all. Raises what `plan` does, and `conflict` when the outcome is not the `expected` diff
   * any more, because the skill has changed in between.
   */
  save(draft: SkillDraft, expected?: string): Promise<SkillChange>;
}
