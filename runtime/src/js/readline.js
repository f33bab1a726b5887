// `node:readline`: lines of a stream, as events and as an asynchronous iterator.
(function () {
const { core } = __bootstrap;
const EventEmitter = core.loadExtScript("ext:cowry/events.js");
const { StringDecoder } = core.loadExtScript("ext:cowry/string_decoder.js");

class Interface extends EventEmitter {
  #rest = "";
  #decoder = new StringDecoder("utf8");
  #questions = [];
  #prompt;
  #sawReturn = false;

  constructor(input, output) {
    super();
    const options = input?.input === undefined ? { input, output } : input;
    this.input = options.input;
    this.output = options.output;
    this.terminal = false;
    this.line = "";
    this.closed = false;
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
    this.input.resume();
  }

  setPrompt(prompt) {
    this.#prompt = prompt;
  }

  getPrompt() {
    return this.#prompt;
  }

  prompt() {
    this.output?.write(this.#prompt);
    this.input.resume();
  }

  write() {}

  pause() {
    this.input.pause();
    this.emit("pause");
    return this;
  }

  resume() {
    this.input.resume();
    this.emit("resume");
    return this;
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.input.pause();
    this.emit("close");
  }

  [Symbol.dispose]() {
    this.close();
  }

  [Symbol.asyncIterator]() {
    const events = EventEmitter.on(this, "line", { close: ["close"] });
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
