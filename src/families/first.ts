import type { Document } from 'yaml';

/** Answers by the name of their question. */
export type Answers = Readonly<Record<string, string | undefined>>;

/** The recipe that a first recipe starts from, as YAML has it. */
type Started = Readonly<Record<string, unknown>>;

/** A question of `vmkiln init`. The option of its name answers it beforehand; an empty answer is the usual one. */
type Question = {
  option: string;
  text: string;
  /** What the shipped recipe has already. */
  usual: string;
  /** The answers there are, with what each means. */
  choices?: Readonly<Record<string, string>>;
  /** Whether a recipe that starts from this one raises it; without it every recipe of the family does. */
  isRaised?(recipe: Started): boolean;
  /** Whether it is asked after these answers. */
  isAsked?(answers: Answers, recipe: Started): boolean;
};

/** What a family asks for a first recipe besides what every recipe has, and how the answers change the shipped one. */
export type First = {
  questions: readonly Question[];
  /** Answers that are the usual ones are left out. */
  write(document: Document, answers: Answers): void;
};
