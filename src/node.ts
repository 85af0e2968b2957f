/** What `cotangent` is in Node, where the size of a program matters less: with every device. */
import './reference.ts';

export * from './index.ts';
