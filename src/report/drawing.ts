/**
 * A chart as plain data, which templates/report/drawing.svg.hbs writes. Lengths are in units of the drawing; `kind` is a class of
 * report.css. What it shows is told in words beside it: to a screen reader it is one picture with a title and a description.
 */
export type Drawing = {
  id: string;
  title: string;
  description: string;
  width: number;
  height: number;
  lines: { kind: string; x1: number; y1: number; x2: number; y2: number }[];
  shapes: { kind: string; x: number; y: number; width: number; height: number; title: string }[];
  /** Corners of a line that goes through all of them. */
  path: string;
  texts: { kind: string; x: number; y: number; text: string }[];
};

/** A length as it is written: tenths are fine enough. */
export function rounded(length: number): number {
  return Math.round(length * 10) / 10;
}
