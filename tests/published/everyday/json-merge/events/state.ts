// Events in order of time, each with the city of its device.
const devices = await state.readJson({ path: "/data/devices.json" });
const text = await state.readFile({ path: "/data/events.ndjson" });
const located = ndjson.parse(text).map(({ at, device, kind }) => {
  return { at, kind, city: devices.find((known) => known.device === device)?.place.city ?? null };
});
return located.sort((a, b) => a.at.localeCompare(b.at));
