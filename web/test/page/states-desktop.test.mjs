// Every state of the page on a desk.
import { everyState } from './states.mjs';

everyState('desktop');
