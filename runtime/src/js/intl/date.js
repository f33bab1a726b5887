// `Date.prototype.toLocaleString` and its sisters in American English and UTC.
(function () {
const { core } = __bootstrap;
const { unsupported } = core.loadExtScript("ext:cowry/intl/locale.js");

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const UTC = new Set(["utc", "gmt", "etc/utc", "etc/gmt", "etc/uct", "uct", "zulu", "etc/zulu", "universal"]);
const VALUES = {
  __proto__: null,
  weekday: ["long", "short", "narrow"], year: ["numeric", "2-digit"],
  month: ["numeric", "2-digit", "long", "short", "narrow"], day: ["numeric", "2-digit"],
  hour: ["numeric", "2-digit"], minute: ["numeric", "2-digit"], second: ["numeric", "2-digit"],
  timeZoneName: ["short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric"],
  hourCycle: ["h11", "h12", "h23", "h24"], dateStyle: ["full", "long", "medium", "short"],
  timeStyle: ["full", "long", "medium", "short"], formatMatcher: ["basic", "best fit"],
  localeMatcher: ["lookup", "best fit"],
};
const DATE_FIELDS = ["weekday", "year", "month", "day"], TIME_FIELDS = ["hour", "minute", "second", "fractionalSecondDigits"];
const DATE_STYLES = {
  full: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  long: { year: "numeric", month: "long", day: "numeric" },
  medium: { year: "numeric", month: "short", day: "numeric" },
  short: { year: "2-digit", month: "numeric", day: "numeric" },
};
const TIME_STYLES = {
  full: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "long" },
  long: { hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
  medium: { hour: "numeric", minute: "2-digit", second: "2-digit" },
  short: { hour: "numeric", minute: "2-digit" },
};

function pad(number, width = 2) {
  return String(number).padStart(width, "0");
}

function check(options) {
  for (const name of ["era", "dayPeriod"]) if (options[name] !== undefined) throw unsupported(`the date option ${name}`);
  const { calendar, numberingSystem, timeZone } = options;
  if (calendar !== undefined && calendar !== "gregory") throw unsupported(`the calendar ${calendar}`);
  if (numberingSystem !== undefined && numberingSystem !== "latn") throw unsupported(`the digits ${numberingSystem}`);
  if (timeZone !== undefined && !UTC.has(String(timeZone).toLowerCase())) throw unsupported(`the time zone ${timeZone}`);
  for (const name of Object.keys(VALUES)) {
    const value = options[name];
    if (value !== undefined && !VALUES[name].includes(String(value))) {
      throw new RangeError(`Value ${value} out of range for Intl.DateTimeFormat options property ${name}`);
    }
  }
}

// Which fields to write, with the defaults of the method.
function fieldsOf(options, required, defaults) {
  check(options);
  const { dateStyle, timeStyle } = options;
  if (dateStyle !== undefined || timeStyle !== undefined) {
    const both = [...DATE_FIELDS, ...TIME_FIELDS, "timeZoneName"].find((name) => options[name] !== undefined);
    if (both !== undefined) throw new TypeError(`Can't set option ${both} when ${dateStyle ? "date" : "time"}Style is used`);
    if (required === "date" && timeStyle !== undefined) throw new TypeError("Invalid option : timeStyle");
    if (required === "time" && dateStyle !== undefined) throw new TypeError("Invalid option : dateStyle");
    return { ...DATE_STYLES[dateStyle], ...TIME_STYLES[timeStyle], dateStyle, timeStyle };
  }
  const fields = {};
  for (const name of [...DATE_FIELDS, "hour", "minute", "second", "timeZoneName"]) {
    if (options[name] !== undefined) fields[name] = String(options[name]);
  }
  if (options.fractionalSecondDigits !== undefined) {
    const digits = Math.floor(Number(options.fractionalSecondDigits));
    if (!(digits >= 1 && digits <= 3)) throw new RangeError("fractionalSecondDigits value is out of range.");
    fields.fraction = digits;
  }
  const hasDate = DATE_FIELDS.some((name) => name in fields);
  const hasTime = ["hour", "minute", "second", "fraction"].some((name) => name in fields);
  const needs = (required !== "time" && hasDate) || (required !== "date" && hasTime);
  if (!needs && defaults !== "time") Object.assign(fields, { year: "numeric", month: "numeric", day: "numeric" });
  if (!needs && defaults !== "date") Object.assign(fields, { hour: "numeric", minute: "2-digit", second: "2-digit" });
  return fields;
}

function dateText(date, { weekday, year, month, day }) {
  const y = date.getUTCFullYear();
  if (y <= 0) throw unsupported("a year before the common era");
  const yearText = year === "2-digit" ? pad(y % 100) : String(y);
  const dayText = day === "2-digit" ? pad(date.getUTCDate()) : String(date.getUTCDate());
  const weekdayText = weekday && cut(DAYS[date.getUTCDay()], weekday);
  if (month === "long" || month === "short" || month === "narrow") {
    let text = cut(MONTHS[date.getUTCMonth()], month);
    if (day) text += ` ${dayText}`;
    if (year) text += day ? `, ${yearText}` : ` ${yearText}`;
    if (weekday && !day) throw unsupported("a weekday and a month without a day");
    return weekday ? `${weekdayText}, ${text}` : text;
  }
  const monthText = month === "2-digit" ? pad(date.getUTCMonth() + 1) : String(date.getUTCMonth() + 1);
  const parts = [];
  if (month) parts.push(monthText);
  if (day) parts.push(dayText);
  if (year) parts.push(yearText);
  if ((day && year && !month) || (weekday && parts.length > 0 && !(month && day))) {
    throw unsupported("this choice of date fields");
  }
  const numbers = parts.join("/");
  return weekday ? (numbers ? `${weekdayText}, ${numbers}` : weekdayText) : numbers;
}

function cut(name, width) {
  return width === "long" ? name : width === "short" ? name.slice(0, 3) : name[0];
}

function cycleOf({ hour12, hourCycle }) {
  // Midnight is 24:00 then, as V8 has it.
  if (hour12 !== undefined) return hour12 ? "h12" : "h24";
  return hourCycle ?? "h12";
}

function timeText(date, fields, options) {
  const { hour, minute, second, fraction, timeZoneName } = fields;
  const parts = [];
  const cycle = cycleOf(options);
  const halved = cycle === "h12" || cycle === "h11";
  if (hour) {
    const h = date.getUTCHours();
    const shown = { h11: h % 12, h12: h % 12 || 12, h23: h, h24: h || 24 }[cycle];
    parts.push(hour === "2-digit" || !halved ? pad(shown) : String(shown));
  }
  if (minute) parts.push(hour || second ? pad(date.getUTCMinutes()) : String(date.getUTCMinutes()));
  if (second) parts.push(minute ? pad(date.getUTCSeconds()) : String(date.getUTCSeconds()));
  if (hour && second && !minute) throw unsupported("hours and seconds without minutes");
  let text = parts.join(":");
  if (fraction) {
    const digits = pad(date.getUTCMilliseconds(), 3).slice(0, fraction);
    text = second ? `${text}.${digits}` : text === "" ? digits : refuseFraction();
  }
  if (hour && halved) text += date.getUTCHours() < 12 ? " AM" : " PM";
  if (hour && !halved && !minute && timeZoneName) throw unsupported("an hour alone with a time zone");
  if (timeZoneName) text += `${text === "" ? "" : " "}${zoneText(timeZoneName)}`;
  return text;
}

function refuseFraction() {
  throw unsupported("fractions of a second without seconds");
}

function zoneText(name) {
  if (name === "short") return "UTC";
  if (name === "long") return "Coordinated Universal Time";
  return "GMT";
}

// `required` and `defaults` are "date", "time" or "any" and "all", as in the specification.
function formatDate(date, options, required, defaults) {
  const fields = fieldsOf(options, required, defaults);
  if (Number.isNaN(date.getTime())) return "Invalid Date";
  const day = DATE_FIELDS.some((name) => name in fields) ? dateText(date, fields) : "";
  const time = timeText(date, fields, options);
  if (day === "" || time === "") return day + time;
  const isStyled = fields.dateStyle === "full" || fields.dateStyle === "long";
  const isLong = !fields.dateStyle && fields.month === "long";
  const isWeekday = !fields.month && !fields.day && !fields.year;
  if (fields.fraction && fields.second && !fields.minute) refuseFraction();
  if (isWeekday && !/ [AP]M$/.test(time)) throw unsupported("this choice of date and time fields");
  return `${day}${isStyled || isLong ? " at " : isWeekday ? " " : ", "}${time}`;
}

return { formatDate };
})();
