/** Run before tests of the reference device. */
import { defaultDevice } from 'cotangent';

defaultDevice('reference');
