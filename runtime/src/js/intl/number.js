// `Number.prototype.toLocaleString` in American English, by decimal digits: what is rounded is the shortest
// decimal that means the number, as ICU does it.
(function () {
const { core } = __bootstrap;
const { unsupported } = core.loadExtScript("ext:cowry/intl/locale.js");

const SYMBOLS = {
  __proto__: null,
  AUD: "A$", BRL: "R$", CAD: "CA$", CNY: "CN\u00a5", EUR: "\u20ac", GBP: "\u00a3", HKD: "HK$", ILS: "\u20aa",
  INR: "\u20b9", JPY: "\u00a5", KRW: "\u20a9", MXN: "MX$", NZD: "NZ$", PHP: "\u20b1", TWD: "NT$", USD: "$",
  VND: "\u20ab", XAF: "FCFA", XCD: "EC$", XOF: "F\u202fCFA", XPF: "CFPF",
};
const WHOLE = new Set(["JPY", "KRW", "VND", "XAF", "XOF", "XPF", "CLP", "ISK", "PYG", "UGX", "RWF", "KMF", "GNF", "DJF",
  "BIF", "VUV", "UYI"]);
const THREE = new Set(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]);
const KNOWN = new Set([
  "style", "currency", "currencyDisplay", "currencySign", "useGrouping", "minimumIntegerDigits",
  "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits",
  "localeMatcher", "numberingSystem", "notation", "signDisplay", "roundingMode", "roundingPriority",
  "roundingIncrement", "trailingZeroDisplay",
]);
// The one value these may have here.
const FIXED = {
  __proto__: null,
  notation: "standard", numberingSystem: "latn", currencySign: "standard", roundingMode: "halfExpand",
  roundingPriority: "auto", roundingIncrement: 1, trailingZeroDisplay: "auto",
};

function digitOption(options, name, min, max) {
  const value = options[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!(number >= min && number <= max)) throw new RangeError(`${name} value is out of range.`);
  return Math.floor(number);
}

// The options as the specification resolves them, or an error that names what there is not.
function resolve(options) {
  for (const name of Object.keys(options)) {
    if (options[name] === undefined) continue;
    if (name === "compactDisplay" || name.startsWith("unit")) throw unsupported(`the number option ${name}`);
    if (name in FIXED && options[name] !== FIXED[name]) throw unsupported(`${name}: "${options[name]}"`);
  }
  const { style = "decimal", signDisplay = "auto", currencyDisplay = "symbol" } = options;
  if (!["decimal", "percent", "currency"].includes(style)) {
    if (style === "unit") throw unsupported('style: "unit"');
    throw new RangeError(`Value ${style} out of range for Intl.NumberFormat options property style`);
  }
  if (signDisplay !== "auto") throw unsupported(`signDisplay: "${signDisplay}"`);
  if (currencyDisplay === "name") throw unsupported('currencyDisplay: "name"');
  const grouping = options.useGrouping;
  const resolved = { style, currencyDisplay, grouping: grouping !== false && grouping !== "false" };
  if (grouping === "min2") throw unsupported('useGrouping: "min2"');
  if (style === "currency") {
    if (options.currency === undefined) throw new TypeError("Currency code is required with currency style.");
    resolved.currency = String(options.currency).toUpperCase();
    if (!/^[A-Z]{3}$/.test(resolved.currency)) throw new RangeError(`Invalid currency code : ${options.currency}`);
  }
  resolved.integer = digitOption(options, "minimumIntegerDigits", 1, 21) ?? 1;
  const minSignificant = digitOption(options, "minimumSignificantDigits", 1, 21);
  const maxSignificant = digitOption(options, "maximumSignificantDigits", minSignificant ?? 1, 21);
  if (minSignificant !== undefined || maxSignificant !== undefined) {
    resolved.significant = [minSignificant ?? 1, maxSignificant ?? 21];
    return resolved;
  }
  const digits = style === "currency" ? (WHOLE.has(resolved.currency) ? 0 : THREE.has(resolved.currency) ? 3 : 2) : 0;
  const usualMax = style === "currency" ? digits : style === "percent" ? 0 : 3;
  let min = digitOption(options, "minimumFractionDigits", 0, 100);
  let max = digitOption(options, "maximumFractionDigits", 0, 100);
  if (min !== undefined && max !== undefined && min > max) {
    throw new RangeError("maximumFractionDigits value is out of range.");
  }
  min ??= Math.min(digits, max ?? digits);
  max ??= Math.max(usualMax, min);
  resolved.fraction = [min, max];
  return resolved;
}

// Digits and the place of the point: 12.5 is ["125", 2].
function decimal(text) {
  const [mantissa, exponent = "0"] = text.split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const leading = whole.length + fraction.length - digits.length;
  return [digits, digits === "" ? 0 : whole.length - leading + Number(exponent)];
}

// Rounds half away from zero to `keep` digits.
function round([digits, point], keep) {
  if (keep >= digits.length) return [digits, point];
  if (keep < 0) return ["", 0];
  const up = digits.charCodeAt(keep) >= 53;
  let kept = digits.slice(0, keep);
  if (up) {
    const carried = String(BigInt(`1${kept}`) + 1n);
    if (carried[0] === "2") {
      kept = `1${carried.slice(1)}`;
      point += 1;
    } else {
      kept = carried.slice(1);
    }
  }
  return [kept, point];
}

function spell(number, resolved) {
  let value = decimal(number);
  if (resolved.style === "percent" && value[0] !== "") value[1] += 2;
  let minFraction;
  if (resolved.significant) {
    const [min, max] = resolved.significant;
    value = round(value, max);
    minFraction = Math.max(0, min - Math.max(value[1], value[0] === "" ? 1 : value[1]));
  } else {
    const [min, max] = resolved.fraction;
    value = round(value, value[1] + max);
    minFraction = min;
  }
  const [digits, point] = value;
  let whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "";
  let fraction = point > 0 ? digits.slice(point) : "0".repeat(digits === "" ? 0 : -point) + digits;
  fraction = fraction.replace(/0+$/, "").padEnd(minFraction, "0");
  whole = whole.padStart(resolved.integer, "0");
  if (resolved.grouping) whole = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function formatNumber(value, options) {
  const resolved = resolve(options);
  const negative = typeof value === "bigint" ? value < 0n : value < 0 || Object.is(value, -0);
  let text;
  if (typeof value === "number" && !Number.isFinite(value)) {
    text = Number.isNaN(value) ? "NaN" : "\u221e";
  } else {
    text = spell(String(value).replace(/^-/, ""), resolved);
  }
  if (resolved.style === "percent") text += "%";
  if (resolved.style === "currency") {
    const { currency, currencyDisplay } = resolved;
    const narrow = { USD: "$", CAD: "$", AUD: "$", NZD: "$", HKD: "$", MXN: "$", TWD: "$", CNY: "\u00a5" };
    const symbol = currencyDisplay === "code"
      ? currency
      : currencyDisplay === "narrowSymbol" ? narrow[currency] ?? symbolOf(currency, true) : symbolOf(currency, false);
    // Letters next to digits are kept apart.
    text = /[A-Za-z]$/.test(symbol) && /^\d/.test(text) ? `${symbol}\u00a0${text}` : `${symbol}${text}`;
  }
  return negative && !Number.isNaN(value) ? `-${text}` : text;
}

function symbolOf(currency, narrow) {
  if (currency in SYMBOLS) return SYMBOLS[currency];
  if (narrow) throw unsupported(`the narrow symbol of ${currency}`);
  return currency;
}

return { formatNumber, KNOWN };
})();
