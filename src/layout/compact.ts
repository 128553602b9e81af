/** T without its undefined members: `{a: string | undefined}` becomes `{a?: string}`. */
export type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * Leaves undefined members out. An absent field and one that is undefined mean the same to people, but not to
 * JSON, to deepEqual or to `exactOptionalPropertyTypes`.
 */
export function compact<T extends object>(members: T): Compact<T> {
  const present: { [name: string]: unknown } = {};
  for (const name of Object.keys(members)) {
    const member = members[name as keyof T];
    if (member !== undefined) present[name] = member;
  }
  return present as Compact<T>;
}
