/** Types of values that were checked once, where they came in. */
declare const brand: unique symbol;

/** A value of type T that has passed the one parser for B, so that it need not be checked again. */
export type Brand<T, B extends string> = T & { readonly [brand]: B };

/** T with every property readonly, all the way down. */
export type DeepReadonly<T> = T extends string | number | boolean | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> };
