import { whenBack } from './channel.js';

const features = 'popup,width=560,height=820';
/** A closed window says nothing; it has to be looked at. */
const lookEveryMs = 250;

/** The window in which the provider asks the person. */
export class AuthorizationWindow {
  #window;
  #leave;

  constructor(window) {
    this.#window = window;
  }

  /** To be called by a click, or browsers do not open it. Undefined when this one does not open it all the same. */
  static open() {
    const opened = window.open('/opening', '_blank', features);
    return opened ? new AuthorizationWindow(opened) : undefined;
  }

  goTo(address) {
    this.#window.location.replace(address);
  }

  show() {
    this.#window.focus();
  }

  close() {
    this.#window.close();
  }

  /** Ends the waiting. */
  leave() {
    this.#leave?.();
  }

  /** Until the window is back with an answer, was closed, or is no longer waited for. */
  async end(id) {
    let looking;
    let stopListening;
    await new Promise((ended) => {
      this.#leave = ended;
      stopListening = whenBack(id, ended);
      looking = setInterval(() => this.#window.closed && ended(), lookEveryMs);
    });
    stopListening();
    clearInterval(looking);
  }
}
