// Which locales are served, and the error for all others.
(function () {
class LocaleError extends Error {
  constructor(what) {
    super(`${what} needs a build with the v8 engine: on this engine only American English in UTC is right`);
    this.name = "Error";
    this.code = "ERR_NO_INTL";
  }
}
Object.defineProperty(LocaleError.prototype, "constructor", { value: Error });

function unsupported(what) {
  return new LocaleError(what);
}

// The tags a caller gave, in canonical case.
function tagsOf(locales) {
  if (locales === undefined) return [];
  const given = typeof locales === "string" ? [locales] : Array.from(Object(locales));
  return given.map((tag) => {
    if (typeof tag !== "string" && (typeof tag !== "object" || tag === null)) {
      throw new TypeError("Incorrect locale information provided");
    }
    const text = String(tag);
    if (!/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(text) || /^[A-Za-z]{4}$/.test(text.split("-")[0])) {
      throw new RangeError(`Incorrect locale information provided`);
    }
    return text;
  });
}

// Refuses every locale but those that mean American English.
function needEnglish(locales) {
  const [first] = tagsOf(locales);
  if (first === undefined) return;
  const lower = first.toLowerCase();
  if (lower !== "en" && lower !== "en-us" && lower !== "en-latn-us") throw unsupported(`the locale ${first}`);
}

function optionsOf(options) {
  if (options === undefined) return {};
  if (options === null) throw new TypeError("Cannot convert undefined or null to object");
  return Object(options);
}

return { needEnglish, optionsOf, tagsOf, unsupported };
})();
