// Locale features on an engine without ICU: what is right is served, everything else says what it needs.
(function () {
const { core } = __bootstrap;
const { op_cowry_capabilities, op_cowry_compare } = core.ops;
const { needEnglish, optionsOf, tagsOf, unsupported } = core.loadExtScript("ext:cowry/intl/locale.js");
const { formatNumber } = core.loadExtScript("ext:cowry/intl/number.js");
const { formatDate } = core.loadExtScript("ext:cowry/intl/date.js");

if (op_cowry_capabilities().intl) return {};

function define(target, methods) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  }
}

const numberOf = Number.prototype.valueOf, bigintOf = BigInt.prototype.valueOf, timeOf = Date.prototype.getTime;
const toText = Date.prototype.toString, toTimeText = Date.prototype.toTimeString;

define(Number.prototype, {
  toLocaleString(locales, options) {
    const value = numberOf.call(this);
    needEnglish(locales);
    return formatNumber(value, optionsOf(options));
  },
});
define(BigInt.prototype, {
  toLocaleString(locales, options) {
    const value = bigintOf.call(this);
    needEnglish(locales);
    return formatNumber(value, optionsOf(options));
  },
});

function dated(date, locales, options, required, defaults) {
  const copy = new Date(timeOf.call(date));
  needEnglish(locales);
  return formatDate(copy, optionsOf(options), required, defaults);
}

define(Date.prototype, {
  toLocaleString(locales, options) {
    return dated(this, locales, options, "any", "all");
  },
  toLocaleDateString(locales, options) {
    return dated(this, locales, options, "date", "date");
  },
  toLocaleTimeString(locales, options) {
    return dated(this, locales, options, "time", "time");
  },
  toString() {
    return toText.call(this).replace("(UTC)", "(Coordinated Universal Time)");
  },
  toTimeString() {
    return toTimeText.call(this).replace("(UTC)", "(Coordinated Universal Time)");
  },
});

const plainCompare = String.prototype.localeCompare;
const SENSITIVITIES = ["base", "accent", "case", "variant"], CASES = ["upper", "lower", "false"];

// Languages in which case depends on more than the letter.
const SPECIAL_CASE = /^(tr|az|lt|el|hy|nl)\b/i;
const lower = String.prototype.toLowerCase, upper = String.prototype.toUpperCase;

function cased(convert, text, locales) {
  const [first] = tagsOf(locales);
  if (first !== undefined && SPECIAL_CASE.test(first)) throw unsupported(`case in the locale ${first}`);
  return convert.call(text);
}

define(String.prototype, {
  localeCompare(that, locales, options) {
    if (locales === undefined && options === undefined) return plainCompare.call(this, that);
    const [locale = "en-US"] = tagsOf(locales);
    const { sensitivity = "variant", numeric, caseFirst = "false", ignorePunctuation, usage = "sort" } =
      optionsOf(options);
    if (!SENSITIVITIES.includes(sensitivity)) throw badOption("sensitivity", sensitivity);
    if (!CASES.includes(caseFirst)) throw badOption("caseFirst", caseFirst);
    if (usage !== "sort" && usage !== "search") throw badOption("usage", usage);
    if (usage === "search") throw unsupported('usage: "search"');
    if (this == null) throw new TypeError("String.prototype.localeCompare called on null or undefined");
    const flags = SENSITIVITIES.indexOf(sensitivity) | (numeric ? 4 : 0) | (ignorePunctuation ? 8 : 0) |
      (CASES.indexOf(caseFirst) << 4) | (numeric === undefined ? 64 : 0) | (options?.caseFirst === undefined ? 128 : 0);
    const order = op_cowry_compare(String(this), String(that), locale, flags);
    if (order === 2) throw unsupported(`the locale ${locale}`);
    return order;
  },
  toLocaleLowerCase(locales) {
    if (this == null) throw new TypeError("String.prototype.toLocaleLowerCase called on null or undefined");
    return cased(lower, this, locales);
  },
  toLocaleUpperCase(locales) {
    if (this == null) throw new TypeError("String.prototype.toLocaleUpperCase called on null or undefined");
    return cased(upper, this, locales);
  },
});

function badOption(name, value) {
  return new RangeError(`Value ${value} out of range for Intl.Collator options property ${name}`);
}

// `Intl` stays an object that can be asked for its parts; using one says what is needed.
const intl = Object.create(Object.prototype, { [Symbol.toStringTag]: { value: "Intl", configurable: true } });
for (const name of ["Collator", "DateTimeFormat", "DisplayNames", "DurationFormat", "ListFormat", "Locale",
  "NumberFormat", "PluralRules", "RelativeTimeFormat", "Segmenter"]) {
  const Class = {
    [name]: function () {
      throw unsupported(`Intl.${name}`);
    },
  }[name];
  define(Class, {
    supportedLocalesOf() {
      throw unsupported(`Intl.${name}`);
    },
  });
  define(intl, { [name]: Class });
}
for (const name of ["getCanonicalLocales", "supportedValuesOf"]) {
  define(intl, {
    [name]: {
      [name]() {
        throw unsupported(`Intl.${name}`);
      },
    }[name],
  });
}
define(globalThis, { Intl: intl });

// The calendar types format themselves by locale, too.
for (const name of Object.getOwnPropertyNames(globalThis.Temporal ?? {})) {
  const { prototype } = globalThis.Temporal[name] ?? {};
  if (typeof prototype !== "object") continue;
  define(prototype, {
    toLocaleString() {
      throw unsupported(`Temporal.${name}.prototype.toLocaleString`);
    },
  });
}

return {};
})();
