// Every state of the page on a phone.
import { everyState } from './states.mjs';

everyState('phone');
