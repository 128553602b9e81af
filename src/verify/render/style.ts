/**
 * How parts of a text are made to stand out. What is written to a pipe gets the same text without.
 */
export interface VerifyStyle {
  readonly allow: (text: string) => string;
  readonly deny: (text: string) => string;
  readonly heading: (text: string) => string;
  readonly dim: (text: string) => string;
}

const asIs = (text: string): string => text;
export const PLAIN_STYLE: VerifyStyle = { allow: asIs, deny: asIs, heading: asIs, dim: asIs };
