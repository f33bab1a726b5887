// American English is right; everything else says what it needs.
const log = (...args) => console.log(JSON.stringify(args));
log((1234567.891).toLocaleString(), (0.5).toLocaleString("en-US", { style: "percent" }), (-1234.5).toLocaleString("en-US", { style: "currency", currency: "USD" }));
log((12345678901234567890n).toLocaleString(), [1234.5, new Date(0)].toLocaleString(), (1e21).toLocaleString("en"));
const date = new Date(Date.UTC(2026, 10, 5, 13, 7, 9));
log(date.toLocaleString(), date.toLocaleDateString(), date.toLocaleTimeString("en-US", { hour: "2-digit", minute: "2-digit" }));
log(date.toLocaleDateString("en-US", { weekday: "long", year: "numeric", month: "long", day: "numeric" }), date.toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }));
log(["\u00e4", "a", "z", "B", "b", "A"].sort((a, b) => a.localeCompare(b)), "\u00e4".localeCompare("z", "sv"), "a10".localeCompare("a9", undefined, { numeric: true }), "a".localeCompare("A", "en", { sensitivity: "base" }));
log("\u0130".toLowerCase().length, "stra\u00dfe".toUpperCase(), "e\u0301".normalize("NFC").length, "\ufb01".normalize("NFKD"), "\u03a3\u0391\u03a3".toLowerCase());
for (const call of [
  () => new Intl.DateTimeFormat("en-US"),
  () => Intl.NumberFormat("de"),
  () => new Intl.Collator(),
  () => new Intl.PluralRules("en"),
  () => new Intl.Segmenter("en"),
  () => (1.5).toLocaleString("de"),
  () => (1.5).toLocaleString("en", { notation: "compact" }),
  () => date.toLocaleDateString("en-GB"),
  () => date.toLocaleString("en-US", { timeZone: "America/New_York" }),
  () => "I".toLocaleLowerCase("tr"),
]) {
  try {
    log("answers", call());
  } catch (error) {
    log(error.name, error.message.includes("v8 engine"));
  }
}
log(date.toString(), new Date("2026-01-01T00:00:00").getTimezoneOffset());
