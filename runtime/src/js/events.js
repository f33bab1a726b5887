// `node:events`: the package, and what Node has beside it.
(function () {
const EventEmitter = __bootstrap.core.loadExtScript("ext:cowry/vendor.js").load("events");

EventEmitter.errorMonitor = Symbol("events.errorMonitor");
EventEmitter.captureRejectionSymbol = Symbol.for("nodejs.rejection");
EventEmitter.getEventListeners = (emitter, name) =>
  typeof emitter.listeners === "function" ? emitter.listeners(name) : [];
EventEmitter.listenerCount = (emitter, name) => emitter.listenerCount(name);
EventEmitter.setMaxListeners = (count, ...emitters) => emitters.forEach((emitter) => emitter.setMaxListeners?.(count));

// First in, first out. An array's own `shift` moves all that is behind.
class Queue {
  #items = [];
  #taken = 0;

  get length() {
    return this.#items.length - this.#taken;
  }

  push(item) {
    this.#items.push(item);
  }

  shift() {
    const item = this.#items[this.#taken];
    this.#items[this.#taken++] = undefined;
    if (this.#taken === this.#items.length) {
      this.#items = [];
      this.#taken = 0;
    }
    return item;
  }
}

// Events as an asynchronous iterator, until `error` or the end of the signal. An emitter that can be paused is, while
// more events wait than `highWaterMark`, until fewer do than `lowWaterMark`.
EventEmitter.on = function on(emitter, name, options = {}) {
  const { signal, close = [], highWaterMark = Infinity, lowWaterMark = 1 } = options;
  const ready = new Queue(), waiting = [];
  let failure = null, done = false, paused = false;
  const push = (...args) => {
    const next = waiting.shift();
    if (next) return void next.resolve({ value: args, done: false });
    ready.push(args);
    if (paused || ready.length <= highWaterMark) return;
    paused = true;
    emitter.pause();
  };
  const take = () => {
    const value = ready.shift();
    if (paused && ready.length < lowWaterMark) {
      paused = false;
      emitter.resume();
    }
    return value;
  };
  const finish = () => {
    done = true;
    emitter.removeListener(name, push);
    emitter.removeListener("error", fail);
    close.forEach((other) => emitter.removeListener(other, finish));
    waiting.splice(0).forEach((next) => next.resolve({ value: undefined, done: true }));
  };
  const fail = (error) => {
    const next = waiting.shift();
    if (next) next.reject(error);
    else failure = error;
    finish();
  };
  emitter.on(name, push);
  if (name !== "error") emitter.on("error", fail);
  close.forEach((other) => emitter.on(other, finish));
  signal?.addEventListener("abort", () => fail(signal.reason), { once: true });
  return {
    next() {
      if (ready.length > 0) return Promise.resolve({ value: take(), done: false });
      if (failure !== null) {
        const error = failure;
        failure = null;
        return Promise.reject(error);
      }
      if (done) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    return() {
      finish();
      return Promise.resolve({ value: undefined, done: true });
    },
    throw(error) {
      fail(error);
      return Promise.reject(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

return EventEmitter;
})();
