import type { Arg, Piece, StageName } from '../model.ts';

/** The values that symbolic pieces get when a build runs. */
export type Places = {
  work: (file: string) => string;
  rendered: (name: string) => string;
  layer: (stage: StageName) => string;
  domain: string;
};

/** The word that reaches the program. */
export function resolveArg(arg: Arg, places: Places): string {
  return Array.isArray(arg)
    ? arg.map((piece: Piece) => resolvePiece(piece, places)).join('')
    : resolvePiece(arg as Piece, places);
}

function resolvePiece(piece: Piece, places: Places): string {
  if (typeof piece === 'string') return piece;
  if ('file' in piece) return piece.file;
  if ('rendered' in piece) return places.rendered(piece.rendered);
  if ('work' in piece) return places.work(piece.work);
  if ('layer' in piece) return places.layer(piece.layer);
  if ('build' in piece) return places.domain;
  return 'sure' in piece ? piece.sure : piece.host;
}
