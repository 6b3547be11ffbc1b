import type { Image, Patch } from '../../openstack/image-api.ts';
import type { Method } from './method.ts';

/** What a publication does, step by step. */
export type Step =
  /** Ends it: nothing can be done. `hint` says what would help. */
  | { do: 'refuse'; message: string; hint: string }
  /** Converts the file here; later steps work with the result. */
  | { do: 'convert'; from: string; to: string }
  /** Makes sure that an image has the bytes of the file: no signature goes onto other data. */
  | { do: 'compare'; image: Image }
  /** Signs the file. */
  | { do: 'sign' }
  | { do: 'discard'; image: Image; because: string }
  /** Makes a hidden, marked image, complete and verified. */
  | { do: 'create'; method: Method }
  /** Verifies an image whose upload was killed after its data had arrived. */
  | { do: 'resume'; image: Image }
  /** Makes the image of this publication what is wanted, and visible. */
  | { do: 'publish'; image: Image; patches: readonly Patch[] }
  /** Leaves the place to an image that the same publication has published elsewhere. */
  | { do: 'leave'; image: Image }
  | { do: 'update'; image: Image; patches: readonly Patch[] }
  | { do: 'hide'; image: Image }
  /** Hides the image of this publication: a newer one has been published since it was shown. */
  | { do: 'yield'; image: Image; to: Image }
  | { do: 'delete'; image: Image }
  | { do: 'keep'; image: Image; because: string }
  /** Gives the signature of the file to an image that has none. */
  | { do: 'attach'; image: Image };
