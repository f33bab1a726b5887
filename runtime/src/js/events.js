// `node:events`: the package, and what Node has beside it.
(function () {
const EventEmitter = __bootstrap.core.loadExtScript("ext:cowry/vendor.js").load("events");

EventEmitter.errorMonitor = Symbol("events.errorMonitor");
EventEmitter.captureRejectionSymbol = Symbol.for("nodejs.rejection");
EventEmitter.getEventListeners = (emitter, name) =>
  typeof emitter.listeners === "function" ? emitter.listeners(name) : [];
EventEmitter.listenerCount = (emitter, name) => emitter.listenerCount(name);
EventEmitter.setMaxListeners = (count, ...emitters) => emitters.forEach((emitter) => emitter.setMaxListeners?.(count));

// Events as an asynchronous iterator, until `error` or the end of the signal.
EventEmitter.on = function on(emitter, name, { signal, close = [] } = {}) {
  const ready = [], waiting = [];
  let failure = null, done = false;
  const push = (...args) => {
    const next = waiting.shift();
    if (next) next.resolve({ value: args, done: false });
    else ready.push(args);
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
      if (ready.length > 0) return Promise.resolve({ value: ready.shift(), done: false });
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
