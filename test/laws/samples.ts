/** What `checkPrimitive` makes of samples, for other tests. */
export * from '../../src/primitive/samples.ts';
