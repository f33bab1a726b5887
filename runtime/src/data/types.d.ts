type Place = string | (string | number)[];
interface BadRow { line: number; reason: string; text: string }
interface BadRows { skipBad?: boolean; onBad?: (bad: BadRow) => void }
interface CsvRead extends BadRows {
  delimiter?: string; quote?: string; header?: boolean | "auto" | string[]; columns?: string[];
  types?: "auto" | false | Record<string, "text" | "integer" | "real" | "boolean">;
  encoding?: string; nullValues?: string[]; comment?: string; ragged?: boolean;
}
interface CsvWrite {
  delimiter?: string; quote?: string; header?: boolean; columns?: string[];
  lineEnd?: "\n" | "\r\n"; nullValue?: string; bom?: boolean;
}
interface Rows extends IteratorObject<any> { [Symbol.asyncIterator](): AsyncIterator<any> }
/** CSV and TSV, a piece at a time. Rows are objects; arrays with header: false. */
declare const csv: {
  parse(data: string | Uint8Array | ArrayBuffer, options?: CsvRead): any[];
  read(path: string, options?: CsvRead): any[];
  rows(path: string, options?: CsvRead): Rows;
  stringify(rows: Iterable<any>, options?: CsvWrite): string;
  write(path: string, rows: Iterable<any>, options?: CsvWrite): number;
  write(path: string, rows: AsyncIterable<any>, options?: CsvWrite): Promise<number>;
};
/** A JSON value on each line. */
declare const ndjson: {
  parse(data: string | Uint8Array | ArrayBuffer, options?: BadRows & { encoding?: string }): any[];
  read(path: string, options?: BadRows & { encoding?: string }): any[];
  rows(path: string, options?: BadRows & { encoding?: string }): Rows;
  stringify(rows: Iterable<any>): string;
  write(path: string, rows: Iterable<any>): number;
  write(path: string, rows: AsyncIterable<any>): Promise<number>;
  append(path: string, rows: any): number;
};
/** Parts of big JSON documents: places are like a.b[0]["c d"][-1]. */
declare const json: {
  get(path: string, place?: Place): any;
  get(path: string, ...places: Place[]): any[];
  rows(path: string, place?: Place, options?: BadRows & { encoding?: string }): Rows;
};
type SqlText = "csv" | "tsv" | "json" | "ndjson";
type SqlValues = any[] | Record<string, any> | null;
/** SQLite's SQL over CSV, TSV, NDJSON and JSON files, only reading: sql`select a from '/x.csv' where b = ${value}`. */
declare const sql: {
  (text: TemplateStringsArray, ...values: any[]): any[];
  (text: string, params?: SqlValues, options?: { as?: "rows" }): any[];
  (text: string, params: SqlValues, options: { as: "arrays" }): { columns: string[]; rows: any[][] };
  (text: string, params: SqlValues, options: { as: SqlText }): string;
  (text: string, params: SqlValues, options: { to: string; as?: SqlText }): { path: string; rows: number };
  iterate(text: TemplateStringsArray | string, ...params: any[]): IterableIterator<any>;
  stream(text: TemplateStringsArray | string, params?: SqlValues, options?: { as?: SqlText }): IterableIterator<string>;
};
