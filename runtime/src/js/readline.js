// `node:readline`: lines of a stream, as events and as an asynchronous iterator.
(function () {
const { core } = __bootstrap;
const EventEmitter = core.loadExtScript("ext:cowry/events.js");
const { StringDecoder } = core.loadExtScript("ext:cowry/string_decoder.js");

// As many lines wait to be iterated over before the input is paused, and what is left of the chunk they came in.
const LINES_WAITING = 1024;

class Interface extends EventEmitter {
  #rest = "";
  #decoder = new StringDecoder("utf8");
  #questions = [];
  #prompt;
  #sawReturn = false;
  #lines;

  constructor(input, output) {
    super();
    const options = input?.input === undefined ? { input, output } : input;
    this.input = options.input;
    this.output = options.output;
    this.terminal = false;
    this.line = "";
    this.closed = false;
    this.paused = false;
    this.#prompt = options.prompt ?? "> ";
    this.input.on("data", (chunk) => this.#take(typeof chunk === "string" ? chunk : this.#decoder.write(chunk)));
    this.input.on("end", () => this.#finish());
    this.input.on("error", (error) => this.emit("error", error));
  }

  #take(text) {
    if (this.#sawReturn && text.startsWith("\n")) text = text.slice(1);
    this.#sawReturn = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (this.closed) return;
    const question = this.#questions.shift();
    if (question) question(line);
    else this.emit("line", line);
  }

  #finish() {
    const last = this.#rest + this.#decoder.end();
    this.#rest = "";
    if (last !== "") this.#line(last);
    this.close();
  }

  question(query, options, callback) {
    if (typeof options === "function") callback = options;
    this.output?.write(query);
    this.#questions.push(callback);
    this.resume();
  }

  setPrompt(prompt) {
    this.#prompt = prompt;
  }

  getPrompt() {
    return this.#prompt;
  }

  prompt() {
    this.output?.write(this.#prompt);
    this.resume();
  }

  write() {}

  pause() {
    if (this.paused) return this;
    this.input.pause();
    this.paused = true;
    this.emit("pause");
    return this;
  }

  resume() {
    if (!this.paused || this.closed) return this;
    this.input.resume();
    this.paused = false;
    this.emit("resume");
    return this;
  }

  close() {
    if (this.closed) return;
    this.pause();
    this.closed = true;
    this.emit("close");
  }

  [Symbol.dispose]() {
    this.close();
  }

  [Symbol.asyncIterator]() {
    return this.#lines ??= this.#iterate();
  }

  #iterate() {
    const events = EventEmitter.on(this, "line", { close: ["close"], highWaterMark: LINES_WAITING });
    const lines = {
      next: async () => {
        const { value, done } = await events.next();
        return { value: value?.[0], done };
      },
      return: async () => {
        this.close();
        return events.return();
      },
      [Symbol.asyncIterator]: () => lines,
    };
    return lines;
  }
}

const createInterface = (input, output) => new Interface(input, output);
const nothing = () => true;

class PromiseInterface extends Interface {
  question(query) {
    return new Promise((resolve) => super.question(query, resolve));
  }
}

return {
  Interface,
  createInterface,
  clearLine: nothing,
  clearScreenDown: nothing,
  cursorTo: nothing,
  moveCursor: nothing,
  emitKeypressEvents() {},
  promises: {
    Interface: PromiseInterface,
    createInterface: (input, output) => new PromiseInterface(input, output),
  },
};
})();
